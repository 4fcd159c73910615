"""What is not written to: one sentence for each reason, and what to do about it."""

from collections.abc import Iterator
from pathlib import Path

from aimager.commands.flash.disks import Disk
from aimager.commands.flash.uses import Uses
from aimager.errors import AimagerError, ConfigError, HostError
from aimager.units import size as in_words

AGAIN = "device-again"
"""The variable that names the device a second time."""

_LIST_THEM = "doit flash lists the devices that may be meant"


def check_disk(disk: Disk, uses: Uses, needed: int, *, twice: bool) -> None:
    """Refuse a disk that an image of ``needed`` bytes must not, or cannot, be written to.

    Told ``twice``, what is not removable is taken, and so is what is mounted.

    :raises AimagerError: then
    """
    error = next(_faults(disk, uses, needed), None)
    doubt = None if twice else next(_doubts(disk, uses), None)
    if fault := error or doubt:
        raise fault


def _faults(disk: Disk, uses: Uses, needed: int) -> Iterator[AimagerError]:
    """What no word of the user's lets through."""
    if uses.system:
        yield ConfigError(
            f"{disk} holds the running system ({', '.join(uses.system)}), and is never written to",
            hint=_LIST_THEM,
        )
    if not disk.size:
        yield HostError(f"there is no card or disk in {disk.path}", hint="put one in")
    if disk.read_only:
        yield HostError(
            f"{disk} can only be read",
            hint="SD cards, and the adapters for small ones, have a switch for that",
        )
    if disk.size < needed:
        yield ConfigError(
            f"{disk} is too small: the image has {in_words(needed)}",
            hint="take a larger one, or build a smaller image: without root-size= the root is only"
            " as large as its content and a margin",
        )
    if uses.holders:
        yield HostError(
            f"{disk} is a part of {', '.join(uses.holders)}",
            hint="take that apart first, with vgchange --activate n, cryptsetup close or mdadm"
            " --stop",
        )


def _doubts(disk: Disk, uses: Uses) -> Iterator[AimagerError]:
    """What has to be told twice."""
    again = f"{AGAIN}={disk.path}"
    if uses.mounts:
        yield ConfigError(
            f"{disk} is mounted at {', '.join(uses.mounts)}",
            hint="see what is on it, and unmount it; or say twice that all of it may be lost, and"
            f" it is unmounted first: {again}",
        )
    if not disk.removable:
        yield ConfigError(
            f"{disk} is not removable: it may be a disk of this machine",
            hint=f"if it is meant, say so twice: {again}",
        )


def no_device(path: Path) -> ConfigError:
    """The error for what is neither a disk nor a file."""
    return ConfigError(f"{path} is neither a disk nor a file", hint=_LIST_THEM)


def not_there(path: Path) -> ConfigError:
    """The error for what does not exist."""
    return ConfigError(
        f"{path} does not exist", hint=f"{_LIST_THEM}; a file has to be there: touch makes one"
    )


def not_writable(path: Path, user: str, *, is_disk: bool) -> HostError:
    """The error for what ``user`` may not write to, with the command that lets them."""
    until = ", which holds until it is unplugged" if is_disk else ""
    return HostError(
        f"{user} may not write to {path}", hint=f"let them{until}: sudo chown {user} {path}"
    )

"""The disk image of a build, or another one, written to a card or disk."""

import os
import pwd
import shlex
import stat
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from aimager import process
from aimager.commands.flash.disks import Disk, Places, find_disk, list_removable
from aimager.commands.flash.refusals import AGAIN, check_disk, no_device, not_there, not_writable
from aimager.commands.flash.source import Source, open_image
from aimager.commands.flash.target import Target, open_disk, open_file
from aimager.commands.flash.uses import Uses, find_uses
from aimager.commands.flash.write import write_image
from aimager.commands.listing import columns
from aimager.commands.missing_image import missing_image
from aimager.config.personal import read_image_file
from aimager.config.variable import Words
from aimager.config.variables import make_words
from aimager.errors import CommandError, ConfigError, HostError
from aimager.graph import artifacts
from aimager.graph.console.events import heard
from aimager.model.build import Build
from aimager.model.product import Compression, Product, compressed_name
from aimager.progress import reason, say
from aimager.units import duration
from aimager.units import size as in_words

_TASK = "flash"


def flash_image(build: Build | None, variables: Mapping[str, str], folder: Path) -> None:
    """Write the image of ``image=``, or of ``build``, to ``device=``; without one, list devices.

    Relative paths start at ``folder``. On a terminal it is asked once more before a disk is lost.

    :raises ConfigError: when there is no image, or the device is not to be written to
    :raises HostError: when the user may not write to it, or it fails
    :raises ImageError: when the image is damaged, or not the one of its block map
    """
    words, places = make_words(variables, folder), Places()
    device: Path | None = words.read("device")
    if device is None:
        show_disks(list_removable(places), places)
        return
    with ExitStack() as stack:
        source = stack.enter_context(open_image(_find_image(build, words)))
        wanted = _look_at(device, words, source, places)
        for line in _told(wanted, source):
            say(f"   {line}")
        if wanted.disk:
            _ask(wanted.disk)
        stack.enter_context(heard(_TASK))
        reason(_TASK, f"{source.path.name} to {wanted.path}")
        write_to(wanted, source, places)


def show_disks(disks: list[Disk], places: Places) -> None:
    """Print a line for each of ``disks``, and how to go on."""
    if not disks:
        print("   there is no card or disk that can be taken out; plug one in")
        return
    rows = []
    for disk in disks:
        uses = find_uses(places, disk)
        used = [*(f"{point} (the running system)" for point in uses.system), *uses.mounts]
        parts = ", ".join(map(str, disk.parts))
        row = (str(disk.path), in_words(disk.size), disk.model, disk.bus, parts)
        rows.append((*row, ", ".join((*used, *uses.holders))))
    for line in columns(("device", "size", "model", "by", "holds", "in use at"), rows):
        print(f"   {line}")
    print("   to write an image to one, all of whose data is lost, add device= with its name")


def _find_image(build: Build | None, words: Words) -> Path:
    """The image file that is meant.

    :raises ConfigError: when none is, or it has not been made
    """
    if named := read_image_file(words):
        return named
    if build is None or build.board.partition_table is None:
        raise ConfigError(
            "there is nothing to flash", hint="name one image: distro= and board=, or image=FILE"
        )
    image = artifacts.product(build, Product.disk)
    made = [image, *(image.with_name(compressed_name(Product.disk, c)) for c in Compression)]
    found = next((path for path in made if path.exists()), None)
    if found is None:
        raise missing_image(image)
    return found


@dataclass(frozen=True)
class Wanted:
    """What is to be written to: a file at ``path``, or there a ``disk`` with its ``uses``."""

    path: Path
    disk: Disk | None = None
    uses: Uses = field(default_factory=Uses)


def _look_at(device: Path, words: Words, source: Source, places: Places) -> Wanted:
    """See what ``device`` is, and that an image may be written to it.

    :raises AimagerError: when it may not
    """
    again: Path | None = words.read(AGAIN)
    path = device.resolve()
    if again and again.resolve() != path:
        raise ConfigError(
            f"{AGAIN}={again} is not device={device}",
            hint="it is for what is said twice: the same device",
        )
    if not path.exists():
        raise not_there(device)
    status = path.stat()
    disk, uses = None, Uses()
    if stat.S_ISBLK(status.st_mode):
        number = f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"
        disk = find_disk(places, number, path)
        uses = find_uses(places, disk)
        check_disk(disk, uses, source.size, twice=again is not None)
    elif not stat.S_ISREG(status.st_mode) or path.parent == Path("/dev"):
        raise no_device(device)
    elif os.path.samestat(status, source.path.stat()):
        raise ConfigError(f"{device} is the image itself", hint="name another file")
    if not os.access(path, os.R_OK | os.W_OK):
        raise not_writable(path, _user(), is_disk=disk is not None)
    return Wanted(path, disk, uses)


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _told(wanted: Wanted, source: Source) -> Iterator[str]:
    """What is about to be lost, and by what."""
    of = f", {in_words(source.total)} of it by its block map" if source.is_mapped else ""
    yield f"{source.path}: {in_words(source.size)}{of}"
    if wanted.disk is None:
        yield f"{wanted.path}: a file, whose data is lost"
        return
    parts = ", ".join(map(str, wanted.disk.parts))
    yield f"{wanted.disk}: all of its data is lost{f', of {parts}' if parts else ''}"


def _ask(disk: Disk) -> None:
    """On a terminal, ask whether to go on.

    :raises ConfigError: when the answer is not yes
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return
    try:
        answer = input(f"   overwrite {disk.path}? [y/N] ")
    except EOFError:
        print()
        answer = ""
    if answer.strip().lower() not in ("y", "yes"):
        raise ConfigError(
            f"nothing was written to {disk.path}",
            hint="y overwrites it; without a terminal, as with </dev/null, nothing is asked",
        )


def write_to(wanted: Wanted, source: Source, places: Places) -> None:
    """Write an image to what was looked at, and say how it went.

    :raises HostError: when it cannot be opened, or fails
    :raises ImageError: when the image is damaged
    """
    began = time.monotonic()
    for point in reversed(wanted.uses.mounts):
        _unmount(point)
    with _opened(wanted, source, places) as target:
        try:
            write_image(source, target)
        except BaseException as error:
            if not isinstance(error, HostError):  # which tells itself what became of the device
                say(f"   {target.state}")
            raise
    took = duration(time.monotonic() - began)
    ended = "; it can be taken out" if wanted.disk else ""
    say(f"   wrote {in_words(source.total)} to {wanted.path} and read it back in {took}{ended}")


def _unmount(point: str) -> None:
    """Unmount what was told twice, as umount(8) does it also for users.

    :raises HostError: when it is in use
    """
    try:
        process.run(["umount", "--", point])
    except CommandError as error:
        raise HostError(
            f"{point} cannot be unmounted: {error.tail.strip()}",
            hint=f"end what uses it, or type: sudo umount {shlex.quote(point)}",
        ) from error


def _opened(wanted: Wanted, source: Source, places: Places) -> AbstractContextManager[Target]:
    if wanted.disk is None:
        return open_file(wanted.path, image_size=source.size, total=source.total)
    node = places.sysfs / "block" / wanted.disk.name
    return open_disk(wanted.path, wanted.disk.number, total=source.total, node=node)

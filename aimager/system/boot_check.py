"""Whether what the firmware and the boot loaders look for is there, once all else is done."""

import difflib
import struct
from collections.abc import Iterable

from aimager import progress
from aimager.errors import ImageError
from aimager.model.architecture import Architecture
from aimager.model.board import Boot, Bootloader
from aimager.model.image_ids import ImageIds
from aimager.model.partition import FileSystem, Label, Role
from aimager.sandbox.tree import Tree, shown
from aimager.system.bootloader import extlinux, raspberry_pi_firmware, syslinux, systemd_boot
from aimager.system.bootloader.boot_files import BOOT
from aimager.system.bootloader.boot_names import BootNames
from aimager.system.bootloader.configured import (
    Configured,
    read_entries,
    read_extlinux,
    read_raspberry_pi,
    read_syslinux,
)
from aimager.system.fstab import root_words
from aimager.units import exact_size, mebibytes

_ADDED = "files=, overlay= or a script may have changed it: add that file, or correct the line"
_NEAREST = 5
_ARM64_MAGIC, _ARM64_SIZE = 56, 16
"""Where an Image for 64-bit Arm has its magic number, and the memory that it takes (the kernel's
Documentation/arch/arm64/booting.rst)."""


def check_boot(tree: Tree, boot: Boot, ids: ImageIds, architecture: Architecture) -> None:
    """Refuse a root whose /boot lacks what it is booted by, or names what it does not have.

    :raises ImageError: then
    """
    names = BootNames(tree, ids.table.booted.file_system is FileSystem.vfat)
    for name in boot.files:
        if not names.find(f"{BOOT}/{name}"):
            raise ImageError(
                f"/boot has no {name}, which the machine's firmware looks for",
                hint="one of the board's packages should have brought it",
            )
    for loader in boot.bootloaders:
        for configured in _configured(names, boot, loader, ids, architecture):
            # U-Boot has a command line of its own, beside that of the firmware that starts it.
            unused = loader is Bootloader.raspberry_pi_firmware and extlinux_too(boot)
            for name in (*configured.names, *(() if unused else configured.command_line_files)):
                if not names.find(name, configured.prefix):
                    raise _missing(tree, boot, configured, name)
            for name in configured.unsure:
                if not names.find(name, configured.prefix):
                    _tell_missing(configured, name)
            _check_kernels(names, boot, configured)
            if not unused:
                _check_roots(configured, ids, discovered=_discovers(loader, ids))


def extlinux_too(boot: Boot) -> bool:
    """Whether U-Boot starts the kernel."""
    return Bootloader.extlinux in boot.bootloaders


def _configured(
    names: BootNames, boot: Boot, loader: Bootloader, ids: ImageIds, architecture: Architecture
) -> Iterable[Configured]:
    """What the configurations of ``loader`` name; it has to have them."""
    match loader:
        case Bootloader.systemd_boot:
            _need(names, systemd_boot.removable(architecture))
            return read_entries(names)
        case Bootloader.syslinux:
            file = _need(names, f"{syslinux.FOLDER}/{syslinux.CONFIGURATION}")
            return (read_syslinux(names.tree, file),)
        case Bootloader.extlinux:
            wanted = f"extlinux/{extlinux.CONFIGURATION}"
            if names.file(f"{BOOT}/boot.scr") and not names.file(f"{BOOT}/{wanted}"):
                return ()
            folder = "" if ids.table.with_role(Role.boot) else BOOT
            return (read_extlinux(names.tree, _need(names, wanted), folder),)
        case Bootloader.raspberry_pi_firmware:
            file = names.file(f"{BOOT}/{raspberry_pi_firmware.CONFIGURATION}")
            if not file:
                raise ImageError(
                    f"there is no {raspberry_pi_firmware.CONFIGURATION} in /boot",
                    hint="the package linux-rpi or uboot-raspberrypi should have brought it",
                )
            return read_raspberry_pi(names, file, boot.files)


def _need(names: BootNames, name: str) -> str:
    found = names.find(f"{BOOT}/{name}")
    if not found:
        raise ImageError(
            f"/boot has no {name}, by which the boot loader is started",
            hint="files=, overlay= or a script removed it: let that be",
        )
    return found


def _missing(tree: Tree, boot: Boot, configured: Configured, name: str) -> ImageError:
    if boot.devicetree and name.endswith(f"/{boot.devicetree}"):
        folder = name.removesuffix(f"/{boot.devicetree}")
        return ImageError(
            f"the board's devicetree= is {boot.devicetree}, which is not in {shown(folder)}",
            hint=_nearest(tree, folder, boot.devicetree),
        )
    if name in configured.command_line_files:
        return ImageError(
            f"{shown(name)} is missing, in which the firmware looks for the kernel's command line",
            hint="files=, overlay= or a script removed it: let that be",
        )
    return ImageError(
        f"{shown(configured.file)} names {shown(name)}, which is missing", hint=_ADDED
    )


def _tell_missing(configured: Configured, name: str) -> None:
    progress.say(
        f"   {shown(configured.file)} names {shown(name)}, which is missing, below a filter that"
        " may not be for this machine"
    )


def _nearest(tree: Tree, folder: str, wanted: str) -> str:
    """What of ``folder`` has nearly that name, or else lies beside it."""
    names = [name for name, _ in tree.walk(folder) if name.endswith(".dtb")]
    near = difflib.get_close_matches(wanted, names, _NEAREST)
    near = near or [n for n in names if n.rpartition("/")[0] == wanted.rpartition("/")[0]]
    if not near:
        return "write the name of one of the kernel's device trees in the board's file"
    told = ", ".join(shown(name).removeprefix("/") for name in near[:_NEAREST])
    more = f", or {len(near) - _NEAREST} others of that folder" if len(near) > _NEAREST else ""
    return f"write one that there is in the board's file: {told}{more}"


def _check_kernels(names: BootNames, boot: Boot, configured: Configured) -> None:
    """Refuse a kernel that is not a file, or that reaches to where U-Boot loads another."""
    for name in configured.kernels:
        path = names.find(name, configured.prefix)
        if not names.tree.is_file(path):
            raise ImageError(
                f"{shown(configured.file)} names the kernel {shown(name)}, which is not a file",
                hint=_ADDED,
            )
        taken = _memory(names.tree, path) if boot.kernel_room else 0
        if boot.kernel_room and taken > boot.kernel_room:
            raise ImageError(
                f"the kernel {shown(name)} takes {mebibytes(taken)} of memory, but the board's"
                f" U-Boot loads another file {exact_size(boot.kernel_room)} after its start",
                hint="install a smaller kernel, or a newer U-Boot and correct kernel_room= in the"
                " board's file",
            )


def _memory(tree: Tree, name: str) -> int:
    status = tree.stat(name)
    size = status.st_size if status else 0
    with tree.open(name) as stream:
        head = stream.read(64)
    if head[_ARM64_MAGIC:60] == b"ARM\x64":
        size = max(size, struct.unpack_from("<Q", head, _ARM64_SIZE)[0])
    return size


def _discovers(loader: Bootloader, ids: ImageIds) -> bool:
    """Whether a root can be found without being named: by its type, which systemd-boot tells."""
    return loader is Bootloader.systemd_boot and ids.table.label is Label.gpt


def _lasting_root_words(ids: ImageIds) -> tuple[str, ...]:
    """Words that name the root in any image of these, by its label where it can have one."""
    root = ids.table.with_role(Role.root)
    by_id, *others = root_words(ids)
    return ("root=LABEL=root" if root and root.file_system.has_uuid else by_id, *others)


def _check_roots(configured: Configured, ids: ImageIds, *, discovered: bool) -> None:
    """Refuse a command line that names no root, or one of another image by its id."""
    words = _lasting_root_words(ids)
    known = {"UUID": ids.file_system(Role.root), "PARTUUID": ids.partuuid(Role.root)}
    for line in configured.command_lines:
        named = [w.removeprefix("root=") for w in line.split() if w.startswith("root=")]
        if not any(named[-1:]) and not discovered:
            raise ImageError(
                f"{shown(configured.file)} has a command line without root=, by which the kernel"
                " finds its root",
                hint=f"add {' '.join(words)} to that file, or leave it out: append-all= adds words"
                " to the one that is made",
            )
        kind, equals, value = (named or [""])[-1].partition("=")
        if equals and kind in known and "/" not in value and value.lower() != known[kind].lower():
            raise ImageError(
                f"{shown(configured.file)} names the root {kind}={value}, but the image's is"
                f" {kind}={known[kind]}",
                hint=f"write {words[0]} there, or leave root= to the file that is made",
            )

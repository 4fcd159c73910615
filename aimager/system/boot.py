"""What makes an installed root bootable: fstab, the boot loaders of its board, and their files."""

from collections.abc import Callable, Sequence

from aimager.model.architecture import Architecture
from aimager.model.board import Boot, Bootloader, RawPiece
from aimager.model.image_ids import ImageIds
from aimager.model.partition import Role
from aimager.sandbox.tree import Tree
from aimager.system.boot_room import watch_boot_room
from aimager.system.bootloader import extlinux, raspberry_pi_firmware, syslinux, systemd_boot
from aimager.system.bootloader.boot_files import BOOT
from aimager.system.fstab import fstab_text, list_mounts, root_words
from aimager.system.kernels import Kernel, find_kernels


def make_bootable(
    tree: Tree,
    boot: Boot,
    ids: ImageIds,
    *,
    architecture: Architecture,
    words: Callable[[str], tuple[str, ...]],
    title: str,
) -> None:
    """Write fstab and the boot loaders' files to ``tree``, so that it and its kernels are found.

    ``words`` gives those that end the command line of a kernel, by its name; ``title`` names the
    system in menus.

    What of the packages, and later of the user, these name is looked at by
    `aimager.system.boot_check.check_boot`.

    :raises ImageError: when there is no kernel, or a boot loader is missing
    """
    tree.write("etc/fstab", fstab_text(list_mounts(ids)))
    kernels = _in_order(find_kernels(tree), boot.kernels) if boot.bootloaders else ()
    if kernels and ids.table.with_role(Role.boot):
        watch_boot_room(tree)

    def command_line(kernel: str) -> str:
        return " ".join((*root_words(ids), *words(kernel)))

    for loader in boot.bootloaders:
        match loader:
            case Bootloader.systemd_boot:
                systemd_boot.install(
                    tree, architecture, kernels, command_line=command_line, title=title
                )
            case Bootloader.syslinux:
                syslinux.install(tree, kernels, command_line=command_line, title=title)
            case Bootloader.extlinux:
                folder = "" if ids.table.with_role(Role.boot) else f"/{BOOT}"
                tell = {"title": title, "devicetree": boot.devicetree, "folder": folder}
                extlinux.install(tree, kernels, command_line=command_line, **tell)
            case Bootloader.raspberry_pi_firmware:
                raspberry_pi_firmware.install(
                    tree, root=_root_by_place(ids), words=words(kernels[0].name)
                )


def _root_by_place(ids: ImageIds) -> tuple[str, ...]:
    """The root by its partition, as the package's own command line has it: a kernel finds it so
    without an initramfs."""
    return (f"root=PARTUUID={ids.partuuid(Role.root)}", *root_words(ids)[1:])


def _in_order(kernels: Sequence[Kernel], names: Sequence[str]) -> tuple[Kernel, ...]:
    """The board's own kernels as it has them, then all others."""
    places = {name: place for place, name in enumerate(names)}
    return tuple(sorted(kernels, key=lambda kernel: places.get(kernel.name, len(names))))


def raw_pieces(boot: Boot) -> tuple[RawPiece, ...]:
    """What goes to the disk outside partitions."""
    if Bootloader.syslinux in boot.bootloaders:
        return (syslinux.MASTER_BOOT_RECORD, *boot.raw_pieces)
    return boot.raw_pieces

"""SYSLINUX for PCs with a BIOS: code in the master boot record, then in a FAT boot partition.

All its parts come from the image's own package, for they must be of one version. The program that
puts ldlinux.sys into a FAT partition contains that file, which no package has, so
the program is run: the image's, in the image's root, on the partition's image and without
mounting it, by mtools (syslinux(1)).
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from aimager import process
from aimager.errors import ImageError
from aimager.model.board import RawPiece
from aimager.model.partition import FAT_EPOCH
from aimager.sandbox.chroot import chroot
from aimager.sandbox.mounts import Bind
from aimager.sandbox.tree import Tree
from aimager.system.bootloader.boot_files import copy, write
from aimager.system.kernels import Kernel

TIMEOUT = 30
"""Tenths of a second that the menu waits."""

FOLDER = "syslinux"
"""Its folder on the boot partition."""

CONFIGURATION = "syslinux.cfg"

_MODULES = "usr/lib/syslinux/bios"
_NEEDED = ("menu.c32", "libutil.c32", "libcom32.c32")
"""The menu, and the libraries that it may be linked to. ldlinux.c32 comes with ldlinux.sys."""

MASTER_BOOT_RECORD = RawPiece(f"{_MODULES}/mbr.bin", offset=0, size=440)
"""Starts the partition that is marked bootable; the partition table begins at byte 440."""


def install(
    tree: Tree,
    kernels: Sequence[Kernel],
    *,
    command_line: Callable[[str], str],
    title: str,
) -> None:
    """Put the configuration for ``kernels`` and the modules of ``tree`` into its /boot.

    That becomes the boot partition and already holds the kernels' files.

    :raises ImageError: when there is no kernel, or ``tree`` holds no SYSLINUX
    """
    if not kernels:
        raise ImageError(
            "there is no kernel for SYSLINUX to start",
            hint="add one, such as linux, to the packages",
        )
    for name in _NEEDED:
        source = f"{_MODULES}/{name}"
        if not tree.is_file(source):
            raise ImageError(
                f"the boot loader's module /{source} is missing",
                hint="the package syslinux brings it",
            )
        copy(tree, source, f"{FOLDER}/{name}")
    text = configuration(kernels, command_line=command_line, title=title)
    write(tree, f"{FOLDER}/{CONFIGURATION}", text)


def configuration(
    kernels: Sequence[Kernel], *, command_line: Callable[[str], str], title: str
) -> str:
    """The text of syslinux.cfg, for screen and first serial port; the first kernel is the default.

    ``SERIAL`` has to be the first line.
    """
    lines = [
        "SERIAL 0 115200",
        "UI menu.c32",
        f"DEFAULT {kernels[0].name}",
        f"TIMEOUT {TIMEOUT}",
        f"MENU TITLE {title}",
    ]
    for kernel in kernels:
        images = ",".join(f"/{image}" for image in (*kernel.microcode, kernel.initramfs))
        lines += [
            "",
            f"LABEL {kernel.name}",
            f"    MENU LABEL {title} ({kernel.name} {kernel.version})",
            f"    LINUX /{kernel.image}",
            f"    INITRD {images}",
            f"    APPEND {command_line(kernel.name)}",
        ]
    return "\n".join(lines) + "\n"


def install_to_partition(tree: Tree, image: Path, *, epoch: int, log: IO[bytes] | None) -> None:
    """Make the FAT partition ``image`` bootable by the program of ``tree``.

    :raises CommandError: when it fails, as without mtools
    :raises HostError: when ``tree`` has no such program
    """
    place = Path("/run") / image.name
    with chroot(tree) as here:
        process.run(
            ["syslinux", "--install", "--directory", FOLDER, place],
            within=here.jail(Bind(image, place)),
            env={"SOURCE_DATE_EPOCH": str(max(epoch, FAT_EPOCH))},
            log=log,
        )

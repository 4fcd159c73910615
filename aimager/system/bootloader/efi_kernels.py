"""Kernels as UEFI starts them: programs in the format PE, which the kernel calls its EFI stub.

Some distributions compress theirs by gzip (arch/riscv/boot/Image.gz), which a boot loader that has
the firmware start them cannot use. They are unpacked where they lie, here and, by a hook of pacman,
whenever the device gets new ones.
"""

import io
import struct
from collections.abc import Sequence
from typing import IO

from aimager import limits
from aimager.compression import recognized
from aimager.errors import ImageError
from aimager.initramfs_stream import method_of
from aimager.resources import read_data
from aimager.sandbox.tree import Tree, shown
from aimager.system.bootloader.boot_files import BOOT
from aimager.system.kernels import Kernel

HOOK = "etc/pacman.d/hooks/95-unpack-kernels.hook"
"""It comes after those that put kernels into /boot, which have 90."""

SCRIPT = "usr/local/lib/unpack-kernels"

_HEADER = 0x40
_PLACE = 0x3C
"""Where the place of the PE header stands in the older one before it (Microsoft's PE format)."""


def make_startable(tree: Tree, kernels: Sequence[Kernel]) -> None:
    """Have ``kernels`` be EFI programs; for those that were compressed, have upgrades be it, too.

    :raises ImageError: when one is none, and does not become one by being unpacked
    """
    compressed = [kernel for kernel in kernels if not _is_program_there(tree, kernel)]
    for kernel in compressed:
        path = f"{BOOT}/{kernel.image}"
        tree.write(path, _unpacked(kernel, tree.read_bytes(path, limits.KERNEL)))
    if compressed:
        tree.write(SCRIPT, read_data("aimager.system", "content/unpack-kernels"), 0o755)
        tree.write(HOOK, read_data("aimager.system", "content/unpack-kernels.hook"), 0o644)


def is_program(stream: IO[bytes]) -> bool:
    """Whether a file is an EFI program."""
    header = stream.read(_HEADER)
    if len(header) < _HEADER or not header.startswith(b"MZ"):
        return False
    stream.seek(struct.unpack_from("<I", header, _PLACE)[0])
    return stream.read(4) == b"PE\0\0"


def _is_program_there(tree: Tree, kernel: Kernel) -> bool:
    with tree.open(f"{BOOT}/{kernel.image}") as stream:
        return is_program(stream)


def _unpacked(kernel: Kernel, content: bytes) -> bytes:
    method = method_of(content)
    if method != "gzip":
        how = f": it is compressed by {method}" if method else ""
        raise _not_startable(kernel, f"is not an EFI program{how}")
    try:
        with recognized(content, limit=limits.KERNEL) as stream:
            unpacked = stream.read()
    except ValueError as error:
        raise _not_startable(kernel, f"is compressed by gzip and damaged ({error})") from error
    if not is_program(io.BytesIO(unpacked)):
        raise _not_startable(kernel, "holds, compressed by gzip, what is not an EFI program")
    return unpacked


def _not_startable(kernel: Kernel, why: str) -> ImageError:
    return ImageError(
        f"systemd-boot cannot start the kernel {kernel.name}: {shown(f'{BOOT}/{kernel.image}')}"
        f" {why}",
        hint="take a kernel with an EFI stub (CONFIG_EFI_STUB), or a board with another boot"
        " loader: doit boards lists them",
    )

"""Which packages may be part of an initramfs, and so have to be there when its hooks run.

A board's layer has an initramfs before anything is installed on it. Where what comes then may be
part of one, or have a say in how it is made, the kernels are installed again, so that all of their
hooks run, as if everything had been installed at once.
"""

import re
from collections.abc import Collection

from aimager.packages.hooks import SYSTEM
from aimager.packages.local_database import read_file_lists
from aimager.sandbox.tree import Tree

_TAKES_ALL = "usr/bin/dracut"
"""Its modules come into the image as soon as their programs are installed (dracut.modules(7))."""

_PARTS = re.compile(
    r"""
    etc/(?:booster|crypttab|depmod|dracut|e2fsck|fstab|hostid|initcpio|kernel|lvm|mdadm|mkinitcpio
        |modprobe|modules-load|multipath|pacman\.d/hooks|plymouth|udev|vconsole|veritytab)
    | boot/
    | usr/src/
    | usr/lib/(?:booster|cryptsetup|depmod|dracut|firmware|initcpio|kernel|modprobe|modules
        |ossl-modules|pcsc|pkcs11|systemd/system-generators|systemd/systemd|udev)
    | usr/lib/lib[^/]+\.so  # which programs of an initramfs may load
    | usr/share/(?:booster|dracut|kbd|mkinitcpio|plymouth)/
    | usr/bin/(?:bcache|booster|btrfs|busybox|cryptsetup|dm|dracut|e2fsck|fsck|integritysetup|kexec
        |lvm|mdadm|mdmon|memdiskfind|mkinitcpio|mount|pcscd|pdata_tools|plymouth|umount|veritysetup
        |xfs_repair|zfs|zpool)
    """,
    re.VERBOSE,
)
"""How paths begin that mkinitcpio, booster, depmod and their hooks read, by what these look for."""

_HOOK = re.compile(r"usr/lib/modules|boot/|vmlinuz|^\s*Type\s*=\s*Package", re.MULTILINE)
"""What is in the hooks that run when a kernel is installed."""

_OF_KERNEL = re.compile(r"usr/lib/modules/[^/]+/[^/]")


def find_part(tree: Tree, added: Collection[str]) -> str:
    """A path of the ``added`` packages, which ``tree`` has, that has such a part; empty: none."""
    lists = (path for package, path in read_file_lists(tree) if package in added)
    paths = [path for path in lists if not path.endswith("/")]
    if tree.exists(_TAKES_ALL):
        return next(iter(paths), "")
    return next((path for path in paths if _PARTS.match(path) or _is_kernels(tree, path)), "")


def kernel_packages(tree: Tree) -> set[str]:
    """The names of the packages that kernels and their modules come in."""
    return {package for package, path in read_file_lists(tree) if _OF_KERNEL.match(path)}


def _is_kernels(tree: Tree, path: str) -> bool:
    """Whether it is a hook that runs when a kernel is installed."""
    if not path.startswith(f"{SYSTEM}/") or not tree.is_file(path):
        return False
    return bool(_HOOK.search(tree.read_bytes(path).decode(errors="replace")))

"""The kernels of an installed root, and the files that boot each of them.

Two layouts are known. Arch Linux's: usr/lib/modules/VERSION/pkgbase names the package, and the
initramfs maker's hook puts vmlinuz-PKGBASE in /boot. Arch Linux ARM's: the package owns /boot/Image
(or zImage, kernel8.img ...) itself, and its preset for mkinitcpio names both it and the version.
"""

import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from aimager.errors import ImageError
from aimager.sandbox.drop_ins import files_at
from aimager.sandbox.tree import Tree, shown
from aimager.system.bootloader.boot_files import BOOT

_ARM_IMAGES = ("Image", "zImage", "kernel8.img", "kernel7.img")
_ARM_INITRAMFS = "initramfs-linux.img"
_MODULES = "usr/lib/modules"
_NAME = re.compile(r"[A-Za-z0-9@_][A-Za-z0-9@._+~:-]*")
"""What names a package or a version: it becomes part of paths, and of boot loaders' lines."""
_ALL_KVER = re.compile(r"^ALL_kver=[\"']?([^\"'\s]+)", re.MULTILINE)


@dataclass(frozen=True)
class Kernel:
    """One kernel; all its paths are relative to /boot."""

    name: str
    """The package's name, such as ``linux-lts``."""

    version: str
    """The folder of its modules in usr/lib/modules."""

    image: Path
    initramfs: Path
    microcode: tuple[Path, ...] = ()
    """Images to load before the initramfs. Where that holds them too they are loaded twice, which
    does no harm."""

    devicetrees: Path | None = None
    """The folder of its device trees, by vendor."""


def find_kernels(tree: Tree) -> tuple[Kernel, ...]:
    """The kernels that are installed in ``tree``, by name; fallback images are left out.

    :raises ImageError: when one has no image or no initramfs in /boot, or a name that none has
    """
    return tuple(_kernel(tree, name, version) for name, version in sorted(_installed(tree)))


def _installed(tree: Tree) -> Iterator[tuple[str, str]]:
    named = set()
    for pkgbase in files_at(tree, f"{_MODULES}/*/pkgbase"):
        version = PurePath(pkgbase).parent.name
        named.add(version)
        yield _checked(tree.read_text(pkgbase).strip(), pkgbase), _checked(version, pkgbase)
    for preset in files_at(tree, "etc/mkinitcpio.d/*.preset"):
        found = _ALL_KVER.search(tree.read_text(preset))
        # Arch Linux's own presets tell the path of a vmlinuz in place of a version.
        if not found or "/" in found[1] or found[1] in named:
            continue
        if tree.is_dir(f"{_MODULES}/{found[1]}"):
            yield _checked(PurePath(preset).stem, preset), _checked(found[1], preset)


def _checked(name: str, file: str) -> str:
    if not _NAME.fullmatch(name):
        raise ImageError(
            f"{shown(file)} of the image is of a kernel that cannot be: {name!a}",
            hint="a package has put it there: leave that package out",
        )
    return name


def _kernel(tree: Tree, name: str, version: str) -> Kernel:
    image = _first(tree, [f"vmlinuz-{name}", *_ARM_IMAGES])
    if image is None:
        raise ImageError(
            f"the kernel {name} {version} has no image in /boot",
            hint="install an initramfs maker, whose hook puts it there, such as mkinitcpio",
        )
    initramfs_names = [f"initramfs-{name}.img", f"booster-{name}.img"]
    if image.name in _ARM_IMAGES:
        # Elsewhere this is the initramfs of the package ``linux`` alone.
        initramfs_names.append(_ARM_INITRAMFS)
    initramfs = _first(tree, initramfs_names)
    if initramfs is None:
        raise ImageError(
            f"the kernel {name} {version} has no initramfs in /boot: it would be "
            + " or ".join(initramfs_names),
            hint="the log has what the initramfs maker said",
        )
    return Kernel(
        name=name,
        version=version,
        image=image,
        initramfs=initramfs,
        microcode=tuple(Path(Path(path).name) for path in tree.glob(f"{BOOT}/*-ucode.img")),
        devicetrees=_devicetrees(tree, name, image),
    )


def _first(tree: Tree, names: list[str]) -> Path | None:
    # Not an empty one: linux-rpi owns an empty vmlinuz, which booster's hook copies to /boot.
    for name in names:
        status = tree.stat(f"{BOOT}/{name}")
        if status and stat.S_ISREG(status.st_mode) and status.st_size:
            return Path(name)
    return None


def _devicetrees(tree: Tree, name: str, image: Path) -> Path | None:
    folders = [Path("dtbs", name)]
    if image.name in _ARM_IMAGES:
        folders.append(Path("dtbs"))
    return next((folder for folder in folders if tree.is_dir(f"{BOOT}/{folder}")), None)

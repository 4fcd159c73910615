"""The kernels of an installed root, and the files that boot each of them.

Two layouts are known. Arch Linux's: usr/lib/modules/VERSION/pkgbase names the package, and the
initramfs maker's hook puts vmlinuz-PKGBASE in /boot. Arch Linux ARM's: the package owns /boot/Image
(or zImage, kernel8.img ...) itself, and its preset for mkinitcpio names both it and the version.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aimager.errors import ImageError

_ARM_IMAGES = ("Image", "zImage", "kernel8.img", "kernel7.img")
_ARM_INITRAMFS = "initramfs-linux.img"
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


def find_kernels(root: Path) -> tuple[Kernel, ...]:
    """The kernels that are installed in ``root``, by name; fallback images are left out.

    :raises ImageError: when one has no image or no initramfs in /boot
    """
    return tuple(_kernel(root, name, version) for name, version in sorted(_installed(root)))


def _installed(root: Path) -> Iterator[tuple[str, str]]:
    modules = root / "usr/lib/modules"
    named = set()
    for pkgbase in modules.glob("*/pkgbase"):
        named.add(pkgbase.parent.name)
        yield pkgbase.read_text().strip(), pkgbase.parent.name
    for preset in (root / "etc/mkinitcpio.d").glob("*.preset"):
        version = _ALL_KVER.search(preset.read_text())
        # Arch Linux's own presets tell the path of a vmlinuz in place of a version.
        if version and version[1] not in named and (modules / version[1]).is_dir():
            yield preset.stem, version[1]


def _kernel(root: Path, name: str, version: str) -> Kernel:
    boot = root / "boot"
    image = _first(boot, [f"vmlinuz-{name}", *_ARM_IMAGES])
    if image is None:
        raise ImageError(
            f"the kernel {name} {version} has no image in /boot",
            hint="install an initramfs maker, whose hook puts it there, such as mkinitcpio",
        )
    initramfs_names = [f"initramfs-{name}.img", f"booster-{name}.img"]
    if image.name in _ARM_IMAGES:
        # Elsewhere this is the initramfs of the package ``linux`` alone.
        initramfs_names.append(_ARM_INITRAMFS)
    initramfs = _first(boot, initramfs_names)
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
        microcode=tuple(sorted(Path(path.name) for path in boot.glob("*-ucode.img"))),
        devicetrees=_devicetrees(boot, name, image),
    )


def _first(boot: Path, names: list[str]) -> Path | None:
    # Not an empty one: linux-rpi owns an empty vmlinuz, which booster's hook copies to /boot.
    found = (Path(n) for n in names if (boot / n).is_file() and (boot / n).stat().st_size)
    return next(found, None)


def _devicetrees(boot: Path, name: str, image: Path) -> Path | None:
    folders = [Path("dtbs", name)]
    if image.name in _ARM_IMAGES:
        folders.append(Path("dtbs"))
    return next((folder for folder in folders if (boot / folder).is_dir()), None)

"""Kernels in the two layouts that Arch and its ARM port use, and microcode images.

Arch keeps a kernel at usr/lib/modules/VERSION/vmlinuz with its name in ``pkgbase`` beside it; the
initramfs maker's hook copies it to /boot. Arch Linux ARM puts Image and dtbs straight into /boot
and fires mkinitcpio's hook by a file in usr/lib/initcpio.
"""

import gzip
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path, PurePosixPath

from aimager.stand_in.contents import is_below, read_folder
from aimager.stand_in.cpio import write_cpio
from aimager.stand_in.deb import read_entries
from aimager.stand_in.entry import Entry, make_directory, make_file
from aimager.stand_in.recipe import Recipe
from aimager.stand_in.tables import CONTENT, read_table

_ZIMAGE_AT, _ZIMAGE = 0x24, b"\x18\x28\x6f\x01"  # arch/arm/boot/compressed/head.S
_IMAGE = re.compile(r"boot/vmlinu[xz]-(?P<in_boot>.+)|usr/lib/modules/(?P<beside>[^/]+)/vmlinuz")
_GPUS = "kernel/drivers/gpu"
_DTB = re.compile(r"usr/lib/linux-image-[^/]+/(.+\.dtb)")


def gather_kernel(recipe: Recipe, debs: Iterable[Path]) -> list[Entry]:
    """The files of Arch's own ``linux`` packages; RISC-V's bring their device trees beside it."""
    version, image, modules, dtbs = _read_kernel(debs, read_table("kept-dtbs"), gpus=recipe.gpus)
    folder = f"usr/lib/modules/{version}"
    return [
        *modules,
        make_file(f"{folder}/vmlinuz", _gzip(image) if recipe.gzipped else image),
        make_file(f"{folder}/pkgbase", f"{recipe.name}\n"),
        *_put(dtbs, f"{folder}/dtb/"),
    ]


def gather_alarm_kernel(recipe: Recipe, debs: Iterable[Path]) -> list[Entry]:
    """The files of Arch Linux ARM's ``linux-aarch64`` and ``linux-armv7``."""
    version, image, modules, dtbs = _read_kernel(debs, read_table("kept-dtbs"))
    if _is_zimage(image):
        images = [make_file("boot/zImage", image)]
    else:
        images = [make_file("boot/Image", image), make_file("boot/Image.gz", _gzip(image))]
    return [
        *modules,
        *images,
        *_make_mkinitcpio_files(recipe.name, version),
        *_put(dtbs, "boot/dtbs/"),
    ]


def gather_rpi_kernel(recipe: Recipe, debs: Iterable[Path]) -> list[Entry]:
    """The files of Arch Linux ARM's ``linux-rpi``: dtbs lie beside the image, vmlinuz is empty.

    Raspberry Pi's own kernel and firmware call the older chips by other names than the mainline.
    """
    kept = ("broadcom/bcm27", "broadcom/bcm2837-rpi-", "bcm2836-rpi-")
    version, image, modules, dtbs = _read_kernel(debs, kept)
    name = "kernel7.img" if _is_zimage(image) else "kernel8.img"
    return [
        *modules,
        make_file(f"boot/{name}", image),
        make_file(f"usr/lib/modules/{version}/pkgbase", f"{recipe.name}\n"),
        make_file(f"usr/lib/modules/{version}/vmlinuz", b""),
        *_make_mkinitcpio_files(recipe.name, version),
        *(replace(entry, path=f"boot/{_name_rpi_dtb(entry.path)}") for entry in dtbs),
        make_directory("boot/overlays"),
        *read_folder(CONTENT / "linux-rpi"),
    ]


def _name_rpi_dtb(path: str) -> str:
    name = PurePosixPath(path).name
    return name.replace("bcm2837-", "bcm2710-").replace("bcm2836-", "bcm2709-")


def _gzip(image: bytes) -> bytes:
    return gzip.compress(image, compresslevel=1, mtime=0)


def _is_zimage(image: bytes) -> bool:
    return image[_ZIMAGE_AT:].startswith(_ZIMAGE)


def _make_mkinitcpio_files(name: str, version: str) -> list[Entry]:
    """The preset that the port's kernels bring, and the file that fires mkinitcpio's hook."""
    preset = (
        f"# mkinitcpio preset file for the '{name}' package\n\n"
        'ALL_config="/etc/mkinitcpio.conf"\n'
        f'ALL_kver="{version}"\n\n'
        "PRESETS=('default')\n\n"
        '#default_config="/etc/mkinitcpio.conf"\n'
        'default_image="/boot/initramfs-linux.img"\n'
        '#default_options=""\n'
    )
    return [
        make_file(f"etc/mkinitcpio.d/{name}.preset", preset),
        make_file(f"usr/lib/initcpio/{version}", "dummy file to trigger mkinitcpio's hook\n"),
    ]


def gather_microcode(recipe: Recipe, debs: Iterable[Path]) -> list[Entry]:
    """An early cpio with all of a vendor's microcode, as the kernel wants it found.

    https://docs.kernel.org/arch/x86/microcode.html
    """
    folders = {
        "AuthenticAMD": "usr/lib/firmware/amd-ucode/",
        "GenuineIntel": "usr/lib/firmware/intel-ucode/",
    }
    pieces = sorted(
        (entry.path, entry.data)
        for deb in debs
        for entry in read_entries(deb)
        if entry.kind == "file"
        and entry.path.startswith(folders[recipe.option])
        and not entry.path.endswith((".asc", ".initramfs"))
    )
    blob = b"".join(data for _path, data in pieces)
    image = write_cpio({f"kernel/x86/microcode/{recipe.option}.bin": blob})
    return [make_file(f"boot/{recipe.name}.img", image)]


def _read_kernel(
    debs: Iterable[Path], kept_dtbs: tuple[str, ...], *, gpus: bool = False
) -> tuple[str, bytes, list[Entry], list[Entry]]:
    """The version, the image, the modules, and device trees by their paths below the folder.

    All of it in one reading: to unpack a kernel's package takes seconds.
    """
    image, version, modules, dtbs = b"", "", [], []
    for deb in debs:
        for entry in read_entries(deb):
            if found := _IMAGE.fullmatch(entry.path):
                image, version = entry.data, found["in_boot"] or found["beside"]
                # arm64 images have been gzipped in some releases; boot loaders want them plain.
                image = gzip.decompress(image) if image[:2] == b"\x1f\x8b" else image
            elif entry.path.startswith("usr/lib/modules/") and _is_kept(entry, gpus=gpus):
                modules.append(replace(entry, inode=""))
            elif (
                (dtb := _DTB.fullmatch(entry.path))
                and entry.kind == "file"
                and dtb[1].startswith(kept_dtbs)
            ):
                dtbs.append(replace(entry, path=dtb[1], inode=""))
    return version, image, modules, dtbs


def _put(entries: Iterable[Entry], folder: str) -> list[Entry]:
    return [replace(entry, path=folder + entry.path) for entry in entries]


def _is_kept(entry: Entry, *, gpus: bool) -> bool:
    inner = entry.path.split("/", 4)[4] if entry.path.count("/") > 3 else ""
    if is_below(inner, (*read_table("kept-modules"), *([_GPUS] if gpus else ()))):
        return True
    if is_below(inner, read_table("dropped-modules")):
        return False
    ethernet = "kernel/drivers/net/ethernet/"
    if not inner.startswith(ethernet):
        return True
    return inner.removeprefix(ethernet).startswith(read_table("kept-ethernet"))

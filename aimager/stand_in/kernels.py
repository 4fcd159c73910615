"""Kernels in the two layouts that Arch and its ARM port use, and microcode images.

Arch keeps a kernel at usr/lib/modules/VERSION/vmlinuz with its name in ``pkgbase`` beside it; the
initramfs maker's hook copies it to /boot. Arch Linux ARM puts Image and dtbs straight into /boot
and fires mkinitcpio's hook by a file in usr/lib/initcpio.
"""

import gzip
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

from aimager.stand_in.contents import is_below, read_folder
from aimager.stand_in.cpio import write_cpio
from aimager.stand_in.deb import read_entries
from aimager.stand_in.entry import Entry, make_directory, make_file
from aimager.stand_in.recipe import Recipe
from aimager.stand_in.tables import CONTENT, read_table


def gather_kernel(recipe: Recipe, debs: Iterable[Path]) -> list[Entry]:
    """The files of Arch's own ``linux`` packages."""
    version, image, modules = _read_kernel(debs)
    folder = f"usr/lib/modules/{version}"
    return [
        *modules,
        make_file(f"{folder}/vmlinuz", image),
        make_file(f"{folder}/pkgbase", f"{recipe.name}\n"),
    ]


def gather_alarm_kernel(recipe: Recipe, debs: Iterable[Path]) -> list[Entry]:
    """The files of Arch Linux ARM's ``linux-aarch64``."""
    debs = tuple(debs)
    version, image, modules = _read_kernel(debs)
    return [
        *modules,
        make_file("boot/Image", image),
        make_file("boot/Image.gz", gzip.compress(image, compresslevel=1, mtime=0)),
        *_make_mkinitcpio_files(recipe.name, version),
        *_read_dtbs(debs, read_table("kept-dtbs"), "boot/dtbs/"),
    ]


def gather_rpi_kernel(recipe: Recipe, debs: Iterable[Path]) -> list[Entry]:
    """The files of Arch Linux ARM's ``linux-rpi``: dtbs lie beside the image, vmlinuz is empty."""
    debs = tuple(debs)
    version, image, modules = _read_kernel(debs)
    dtbs = _read_dtbs(debs, ("broadcom/bcm2711-", "broadcom/bcm2837-rpi-"), "boot/")
    return [
        *modules,
        make_file("boot/kernel8.img", image),
        make_file(f"usr/lib/modules/{version}/pkgbase", f"{recipe.name}\n"),
        make_file(f"usr/lib/modules/{version}/vmlinuz", b""),
        *_make_mkinitcpio_files(recipe.name, version),
        *(replace(entry, path=f"boot/{PurePosixPath(entry.path).name}") for entry in dtbs),
        make_directory("boot/overlays"),
        *read_folder(CONTENT / "linux-rpi"),
    ]


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


def _read_kernel(debs: Iterable[Path]) -> tuple[str, bytes, list[Entry]]:
    image, version, modules = b"", "", []
    for deb in debs:
        for entry in read_entries(deb):
            if entry.path.startswith("boot/vmlinuz-"):
                image, version = entry.data, entry.path.removeprefix("boot/vmlinuz-")
                # arm64 images have been gzipped in some releases; boot loaders want them plain.
                image = gzip.decompress(image) if image[:2] == b"\x1f\x8b" else image
            elif entry.path.startswith("usr/lib/modules/") and _is_kept(entry):
                modules.append(replace(entry, inode=""))
    return version, image, modules


def _is_kept(entry: Entry) -> bool:
    inner = entry.path.split("/", 4)[4] if entry.path.count("/") > 3 else ""
    if is_below(inner, read_table("dropped-modules")):
        return False
    ethernet = "kernel/drivers/net/ethernet/"
    if not inner.startswith(ethernet):
        return True
    return inner.removeprefix(ethernet).startswith(read_table("kept-ethernet"))


def _read_dtbs(debs: Iterable[Path], beginnings: tuple[str, ...], place: str) -> Iterator[Entry]:
    for deb in debs:
        for entry in read_entries(deb):
            _folder, found, name = entry.path.partition("-arm64/")
            if found and entry.kind == "file" and name.startswith(beginnings):
                yield replace(entry, path=place + name, inode="")

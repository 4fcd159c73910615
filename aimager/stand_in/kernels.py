"""Kernels in the two layouts that Arch and its ARM port use, and microcode images.

Arch keeps a kernel at usr/lib/modules/VERSION/vmlinuz with its name in ``pkgbase`` beside it; the
initramfs maker's hook copies it to /boot. Arch Linux ARM puts Image and dtbs straight into /boot
and fires mkinitcpio's hook by a file in usr/lib/initcpio.
"""

import gzip
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from aimager.stand_in.contents import is_below
from aimager.stand_in.cpio import write_cpio
from aimager.stand_in.deb import read_entries
from aimager.stand_in.entry import Entry, make_file
from aimager.stand_in.recipe import Recipe
from aimager.stand_in.tables import read_table


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
    if image[:2] == b"\x1f\x8b":
        image = gzip.decompress(image)
    preset = (
        f"# mkinitcpio preset file for the '{recipe.name}' package\n\n"
        'ALL_config="/etc/mkinitcpio.conf"\n'
        f'ALL_kver="{version}"\n\n'
        "PRESETS=('default')\n\n"
        '#default_config="/etc/mkinitcpio.conf"\n'
        'default_image="/boot/initramfs-linux.img"\n'
        '#default_options=""\n'
    )
    return [
        *modules,
        make_file("boot/Image", image),
        make_file("boot/Image.gz", gzip.compress(image, compresslevel=1, mtime=0)),
        make_file(f"etc/mkinitcpio.d/{recipe.name}.preset", preset),
        make_file(f"usr/lib/initcpio/{version}", "dummy file to trigger mkinitcpio's hook\n"),
        *_read_dtbs(debs),
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


def _read_dtbs(debs: Iterable[Path]) -> Iterator[Entry]:
    for deb in debs:
        for entry in read_entries(deb):
            _folder, found, name = entry.path.partition("-arm64/")
            if found and entry.kind == "file" and name.startswith(read_table("kept-dtbs")):
                yield replace(entry, path=f"boot/dtbs/{name}", inode="")

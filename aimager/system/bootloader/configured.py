"""What boot loaders' configurations in a root name: files, and the kernels' command lines.

They are read when all is in place: files, overlays and scripts of the user's may have changed them.
"""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from aimager.sandbox.drop_ins import files_at
from aimager.sandbox.tree import Tree
from aimager.system.bootloader import extlinux, raspberry_pi_firmware, syslinux
from aimager.system.bootloader.boot_files import BOOT

ENTRIES = f"{BOOT}/loader/entries"
"""Where systemd-boot's entries lie."""

_PROGRAMS = re.compile(r"\.(c32|com|bin|efi|0|bs|img)$", re.IGNORECASE)
"""What SYSLINUX starts by KERNEL, and is no kernel (its config.txt)."""

_AS_LINUX = re.compile(r"\.(c32|com|bin|efi)$", re.IGNORECASE)
"""The same of LINUX, by which programs are started that have a kernel's header, as memtest86+."""

_TREES = ("fdt", "devicetree", "fdtdir", "devicetreedir")
"""Words of U-Boot for device trees; a dash stands for none (its boot/pxe_utils.c)."""


@dataclass(frozen=True)
class Configured:
    """What the configuration ``file`` names; all are paths in the root, without a first slash."""

    file: str
    kernels: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    command_lines: tuple[str, ...] = ()
    """One for each kernel that is started by it."""
    command_line_files: tuple[str, ...] = ()
    """What it says to hold the command lines, if they are not in itself."""
    prefix: str = ""
    """What may come before all these paths below /boot, where there is something at them."""

    @property
    def names(self) -> tuple[str, ...]:
        """All files, and folders, that it names."""
        return self.kernels + self.others


def read_extlinux(tree: Tree, folder: str) -> Configured:
    """U-Boot's; ``folder`` is where /boot lies in its partition."""
    file = f"{BOOT}/extlinux/{extlinux.CONFIGURATION}"
    return _read_menu(tree, file, "" if folder else BOOT)


def read_syslinux(tree: Tree) -> Configured:
    """SYSLINUX's, where an APPEND before all LABELs is for those that have none (its menu.txt)."""
    file = f"{BOOT}/{syslinux.FOLDER}/{syslinux.CONFIGURATION}"
    return _read_menu(tree, file, BOOT, inherits=True)


def _read_menu(tree: Tree, file: str, top: str, *, inherits: bool = False) -> Configured:
    """A menu of LABELs, each with its kernel; ``top`` is the folder that its partition becomes.

    In U-Boot's, what follows a # is a configuration of a FIT image (its boot/pxe_utils.c).
    """

    def path(name: str) -> str:
        if name.startswith("/"):
            return f"{top}/{name.lstrip('/')}".lstrip("/")
        return posixpath.normpath(PurePosixPath(file).parent / name)

    kernels, others, command_lines = [], [], []
    whole, *labels = _blocks(tree.read_text(file))
    usual = whole.get("append", "") if inherits else ""
    for block in (whole, *labels):
        linux = block.get("linux", "")
        label = linux or block.get("kernel", "")
        image = label if inherits else label.partition("#")[0]
        words = block.get("append", usual).split()
        initrds = [block.get("initrd", "")]
        initrds += [w.removeprefix("initrd=") for w in words if w.startswith("initrd=")]
        names = [name for text in initrds for name in text.split(",") if name]
        names += [block[key] for key in _TREES if block.get(key, "-") != "-"]
        # U-Boot takes them out of a FIT image that has the kernel, too, if they are named like it.
        others += [path(image if name == label else name) for name in names]
        if linux and _AS_LINUX.search(linux):
            others.append(path(linux))
        elif image and (linux or not _PROGRAMS.search(image)):
            kernels.append(path(image))
            command_lines.append(" ".join(words))
    return Configured(file, tuple(kernels), tuple(others), tuple(command_lines))


def _blocks(text: str) -> Iterator[dict[str, str]]:
    """The words of each LABEL of a menu, and what they are set to."""
    block: dict[str, str] = {}
    for line in text.splitlines():
        key, *words = line.split(maxsplit=1) or [""]
        if key.lower() == "label":
            yield block
            block = {}
        elif key.lower() != "menu":
            block[key.lower()] = words[0].strip() if words else ""
    yield block


def read_entries(tree: Tree) -> tuple[Configured, ...]:
    """systemd-boot's, one by one (Boot Loader Specification, type #1)."""
    return tuple(_read_entry(tree, path) for path in files_at(tree, f"{ENTRIES}/*.conf"))


def _read_entry(tree: Tree, file: str) -> Configured:
    kernels, others, options = [], [], []
    for line in tree.read_text(file).splitlines():
        key, *words = line.split(maxsplit=1) or [""]
        value = words[0].strip() if words else ""
        path = f"{BOOT}/{value.lstrip('/')}"
        match key:
            case "linux":
                kernels.append(path)
            case "initrd" | "efi" | "devicetree":
                others.append(path)
            case "options":
                options.append(value)
    lines = (" ".join(options),) if kernels else ()
    return Configured(file, tuple(kernels), tuple(others), lines)


def read_raspberry_pi(tree: Tree) -> tuple[Configured, ...]:
    """The firmware's config.txt, and the file of the command line, which is its first line."""
    configuration = f"{BOOT}/{raspberry_pi_firmware.CONFIGURATION}"
    text = raspberry_pi_firmware.with_included(tree, tree.read_text(configuration))
    settings = raspberry_pi_firmware.settings(text)
    prefix = settings.get("os_prefix", "").lstrip("/")
    names = (f"{BOOT}/{name}" for name in raspberry_pi_firmware.named_files(text))
    command_line = settings.get("cmdline", raspberry_pi_firmware.COMMAND_LINE).lstrip("/")
    usual = f"{BOOT}/{command_line}"
    configured = Configured(
        configuration, others=tuple(names), command_line_files=(usual,), prefix=prefix
    )
    for file in (f"{BOOT}/{prefix}{command_line}", usual):
        if tree.is_file(file):
            first = (tree.read_text(file).splitlines() or [""])[0]
            return configured, Configured(file, command_lines=(first,))
    return (configured,)

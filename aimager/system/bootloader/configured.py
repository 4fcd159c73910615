"""What boot loaders' configurations in a root name: files, and the kernels' command lines.

They are read when all is in place: files, overlays and scripts of the user's may have changed them.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from aimager.errors import ImageError
from aimager.sandbox.tree import Tree, shown
from aimager.system.bootloader import raspberry_pi_configuration
from aimager.system.bootloader.boot_files import BOOT
from aimager.system.bootloader.boot_names import BootNames
from aimager.system.bootloader.raspberry_pi_configuration import (
    Applies,
    named_files,
    read_statements,
    values,
)
from aimager.system.bootloader.raspberry_pi_firmware import COMMAND_LINE

ENTRIES = f"{BOOT}/loader/entries"
"""Where systemd-boot's entries lie."""

_PROGRAMS = re.compile(r"\.(c32|com|bin|efi|0|bs|img)$", re.IGNORECASE)
"""What SYSLINUX starts by KERNEL although it is not a kernel (its config.txt)."""

_AS_LINUX = re.compile(r"\.(c32|com|bin|efi)$", re.IGNORECASE)
"""The same of LINUX, by which programs are started that have a kernel's header, as memtest86+."""

_TREES = ("fdt", "devicetree", "fdtdir", "devicetreedir")
"""Words of U-Boot for device trees; a dash stands for none (its boot/pxe_utils.c)."""

_LARGEST = 1 << 20
"""The bytes of the largest config.txt, or file of that, that is read."""

_MOST_INCLUDED = 64
"""Files, with config.txt itself."""


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
    unsure: tuple[str, ...] = ()
    """More files, which it names for machines that may be others than this."""

    @property
    def names(self) -> tuple[str, ...]:
        """All files, and folders, that it names."""
        return self.kernels + self.others


def read_extlinux(tree: Tree, file: str, folder: str) -> Configured:
    """U-Boot's; ``folder`` is where /boot lies in its partition."""
    return _read_menu(tree, file, "" if folder else BOOT)


def read_syslinux(tree: Tree, file: str) -> Configured:
    """SYSLINUX's, where an APPEND before all LABELs is for those that have none (its menu.txt)."""
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
    for line in text.split("\n"):
        key, *words = line.split(maxsplit=1) or [""]
        if key.lower() == "label":
            yield block
            block = {}
        elif key.lower() != "menu":
            block[key.lower()] = words[0].strip() if words else ""
    yield block


def read_entries(names: BootNames) -> tuple[Configured, ...]:
    """systemd-boot's, one by one (Boot Loader Specification, type #1)."""
    return tuple(_read_entry(names.tree, path) for path in names.files(ENTRIES, ".conf"))


def _read_entry(tree: Tree, file: str) -> Configured:
    kernels, others, options = [], [], []
    for line in tree.read_text(file).split("\n"):
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


def read_raspberry_pi(
    names: BootNames, file: str, boot_files: Iterable[str]
) -> tuple[Configured, ...]:
    """The firmware's config.txt, and the files of the command lines, each of which is one line.

    ``boot_files`` tell for which models it is (`raspberry_pi_configuration.families`).

    :raises ImageError: when it includes too much
    """
    known = raspberry_pi_configuration.families(boot_files)
    statements = read_statements(
        names.tree.read_text(file, _LARGEST), known, _Included(names, file)
    )
    prefix = values(statements, "os_prefix", "")[-1].lstrip("/")
    sure = named_files(statements, (Applies.sometimes, Applies.always))
    unsure = set(named_files(statements, (Applies.perhaps,))) - set(sure)
    lines = [name.lstrip("/") for name in values(statements, "cmdline", COMMAND_LINE)]
    configured = Configured(
        file,
        others=tuple(f"{BOOT}/{name}" for name in sure),
        unsure=tuple(f"{BOOT}/{name}" for name in sorted(unsure)),
        command_line_files=tuple(f"{BOOT}/{name}" for name in lines),
        prefix=prefix,
    )
    found = [names.file(f"{BOOT}/{prefix}{name}") or names.file(f"{BOOT}/{name}") for name in lines]
    return configured, *(_first_line(names.tree, path) for path in found if path)


def _first_line(tree: Tree, file: str) -> Configured:
    return Configured(file, command_lines=(tree.read_text(file).partition("\n")[0],))


class _Included:
    """Gives the text of each file of /boot that a config.txt includes, but once."""

    def __init__(self, names: BootNames, file: str) -> None:
        self._names = names
        self._file = file
        self._seen = {file}

    def __call__(self, name: str) -> str:
        found = self._names.file(f"{BOOT}/{name}")
        if not found or found in self._seen:
            return ""
        self._seen.add(found)
        if len(self._seen) > _MOST_INCLUDED:
            raise ImageError(
                f"{shown(self._file)} includes more than {_MOST_INCLUDED} files",
                hint="put what they say into one file",
            )
        return self._names.tree.read_text(found, _LARGEST)

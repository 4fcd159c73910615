"""The Raspberry Pi's own firmware, which starts the kernel by config.txt and cmdline.txt.

Both files come from the kernel's or from U-Boot's package, and lie with all others at the top of
the first FAT partition (raspberrypi.com/documentation/computers/config_txt.html). All that
is left to do is to name the root file system, and to see that no file that they name is missing.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from aimager.errors import ImageError
from aimager.system.bootloader.boot_files import write

CONFIGURATION = "config.txt"
COMMAND_LINE = "cmdline.txt"

_INITRAMFS = re.compile(r"^\s*initramfs\s+(\S+)", re.MULTILINE)
_OF_THE_ROOT = ("root", "rootfstype", "rootflags", "rw", "ro")
_FILE = re.compile(r"^\s*(?:kernel|armstub|device_tree)=(\S+)", re.MULTILINE)


def install(boot: Path, *, root: Sequence[str], words: Sequence[str]) -> None:
    """Name the root in cmdline.txt, if ``boot`` has one, and check config.txt.

    ``boot`` is the tree that becomes the boot partition, with the files of the packages. ``root``
    are the words that name the root, such as ``root=PARTUUID=...`` and ``rw``. ``words``, if
    there are any, replace the rest of the command line. Where there is no cmdline.txt, U-Boot is
    what is started.

    :raises ImageError: when there is no config.txt, or one that names a missing file
    """
    configuration = boot / CONFIGURATION
    if not configuration.is_file():
        raise ImageError(
            f"there is no {CONFIGURATION} in /boot",
            hint="the package linux-rpi or uboot-raspberrypi should have brought it",
        )
    for name in named_files(configuration.read_text()):
        if not (boot / name).is_file():
            raise ImageError(f"{CONFIGURATION} names {name}, which is not in /boot")
    command_line = boot / COMMAND_LINE
    if command_line.is_file():
        text = command_line_text(command_line.read_text(), root=root, words=words)
        write(boot, COMMAND_LINE, text)


def named_files(configuration: str) -> tuple[str, ...]:
    """The files that config.txt names, relative to its folder; models' own sections included."""
    names = (*_INITRAMFS.findall(configuration), *_FILE.findall(configuration))
    return tuple(name.lstrip("/") for name in names)


def initramfs(configuration: str) -> str:
    """The initramfs that config.txt names, relative to its folder; empty where it names none."""
    names = _INITRAMFS.findall(configuration)
    return names[0].lstrip("/") if names else ""


def command_line_text(packaged: str, *, root: Sequence[str], words: Sequence[str]) -> str:
    """The text of cmdline.txt, which is one line, made of the package's."""
    kept = (word for word in packaged.split() if word.partition("=")[0] not in _OF_THE_ROOT)
    return " ".join((*root, *(words or kept))) + "\n"

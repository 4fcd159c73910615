"""The Raspberry Pi's own firmware, which starts the kernel by config.txt and cmdline.txt.

Both files come from the kernel's or from U-Boot's package, and lie with all others at the top of
the first FAT partition (raspberrypi.com/documentation/computers/config_txt.html). All that
is left to do is to name the root file system, and to see that no file that they name is missing.
"""

import re
from collections.abc import Sequence

from aimager.errors import ImageError
from aimager.sandbox.tree import Tree
from aimager.system.bootloader.boot_files import BOOT, write

CONFIGURATION = "config.txt"
COMMAND_LINE = "cmdline.txt"

_INITRAMFS = re.compile(r"^\s*initramfs\s+(\S+)", re.MULTILINE)
_OF_THE_ROOT = ("root", "rootfstype", "rootflags", "rw", "ro")
_FILE = re.compile(r"^\s*(?:kernel|armstub|device_tree)=(\S+)", re.MULTILINE)


def install(tree: Tree, *, root: Sequence[str], words: Sequence[str]) -> None:
    """Name the root in cmdline.txt, if /boot of ``tree`` has one, and check config.txt.

    /boot becomes the boot partition, with the files of the packages. ``root`` are the words that
    name the root, such as ``root=PARTUUID=...`` and ``rw``. ``words``, if there are any, replace
    the rest of the command line. Where there is no cmdline.txt, U-Boot is what is started.

    :raises ImageError: when there is no config.txt, or one that names a missing file
    """
    configuration, command_line = f"{BOOT}/{CONFIGURATION}", f"{BOOT}/{COMMAND_LINE}"
    if not tree.is_file(configuration):
        raise ImageError(
            f"there is no {CONFIGURATION} in /boot",
            hint="the package linux-rpi or uboot-raspberrypi should have brought it",
        )
    for name in named_files(tree.read_text(configuration)):
        if not tree.is_file(f"{BOOT}/{name}"):
            raise ImageError(
                f"{CONFIGURATION} names {name}, which is not in /boot",
                hint="one of the board's packages should have brought it",
            )
    if tree.is_file(command_line):
        text = command_line_text(tree.read_text(command_line), root=root, words=words)
        write(tree, COMMAND_LINE, text)


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

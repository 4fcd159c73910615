"""The Raspberry Pi's own firmware, which starts the kernel by config.txt and cmdline.txt.

Both files come from the kernel's or from U-Boot's package, and lie with all others at the top of
the first FAT partition (raspberrypi.com/documentation/computers/config_txt.html). All that
is left to do is to name the root file system.
"""

import re
from collections.abc import Sequence

from aimager.sandbox.tree import Tree
from aimager.system.bootloader.boot_files import BOOT, write

CONFIGURATION = "config.txt"
COMMAND_LINE = "cmdline.txt"

_INITRAMFS = re.compile(r"^\s*(?:initramfs\s+|ramfsfile=)(\S+)", re.MULTILINE)
_INCLUDE = re.compile(r"^\s*include\s+(\S+)", re.MULTILINE)
_SETTING = re.compile(r"^\s*(\w+)=(\S*)", re.MULTILINE)
_MOST_INCLUDED = 8
"""Files that may include one another."""
_OF_THE_ROOT = ("root", "rootfstype", "rootflags", "rw", "ro")
_FILE = re.compile(r"^\s*(?:kernel|armstub|device_tree|start_file|fixup_file)=(\S+)", re.MULTILINE)


def install(tree: Tree, *, root: Sequence[str], words: Sequence[str]) -> None:
    """Name the root in cmdline.txt, if /boot of ``tree`` has one.

    /boot becomes the boot partition, with the files of the packages. ``root`` are the words that
    name the root, such as ``root=PARTUUID=...`` and ``rw``. ``words``, if there are any, replace
    the rest of the command line. Where there is no cmdline.txt, U-Boot is what is started.
    """
    command_line = f"{BOOT}/{COMMAND_LINE}"
    if tree.is_file(command_line):
        text = command_line_text(tree.read_text(command_line), root=root, words=words)
        write(tree, COMMAND_LINE, text)


def named_files(configuration: str) -> tuple[str, ...]:
    """The files that config.txt names, relative to its folder; models' own sections included."""
    several = (name for names in _INITRAMFS.findall(configuration) for name in names.split(","))
    found = (*several, *_FILE.findall(configuration), *_INCLUDE.findall(configuration))
    return tuple(name.lstrip("/") for name in found if name)


def settings(configuration: str) -> dict[str, str]:
    """What config.txt sets, whatever model a section is for; the last one counts."""
    return dict(_SETTING.findall(configuration))


def with_included(tree: Tree, configuration: str) -> str:
    """The text of config.txt, and of all files of /boot that it includes."""
    text, seen = configuration, 0
    for _ in range(_MOST_INCLUDED):
        names = _INCLUDE.findall(text)
        for name in names[seen:]:
            path = f"{BOOT}/{name.lstrip('/')}"
            text += "\n" + tree.read_text(path) if tree.is_file(path) else ""
        if len(names) == seen:
            break
        seen = len(names)
    return text


def initramfs(configuration: str) -> str:
    """The initramfs that config.txt names, relative to its folder; empty where it names none."""
    names = _INITRAMFS.findall(configuration)
    return names[0].lstrip("/") if names else ""


def command_line_text(packaged: str, *, root: Sequence[str], words: Sequence[str]) -> str:
    """The text of cmdline.txt, which is one line, made of the package's."""
    kept = (word for word in packaged.split() if word.partition("=")[0] not in _OF_THE_ROOT)
    return " ".join((*root, *(words or kept))) + "\n"

"""The Raspberry Pi's own firmware, which starts the kernel by config.txt and cmdline.txt.

Both files come from the kernel's or from U-Boot's package, and lie with all others at the top of
the first FAT partition (raspberrypi.com/documentation/computers/config_txt.html). All that
is left to do is to name the root file system.
"""

from collections.abc import Sequence

from aimager.sandbox.tree import Tree
from aimager.system.bootloader.boot_files import BOOT, write

CONFIGURATION = "config.txt"
COMMAND_LINE = "cmdline.txt"

_OF_THE_ROOT = ("root", "rootfstype", "rootflags", "rw", "ro")


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


def command_line_text(packaged: str, *, root: Sequence[str], words: Sequence[str]) -> str:
    """The text of cmdline.txt, which is one line, made of the package's."""
    kept = (word for word in packaged.split() if word.partition("=")[0] not in _OF_THE_ROOT)
    return " ".join((*root, *(words or kept))) + "\n"

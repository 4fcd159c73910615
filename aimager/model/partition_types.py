"""Types of partitions: by the words that sfdisk(8) takes for them, as it writes them in a dump.

Both labels' own forms are a UUID and hexadecimal digits. The words are sfdisk's aliases and those
of its longer names that tables of systems have (util-linux, ``sfdisk --list-types``).
"""

import re

from aimager.model.architecture import Architecture
from aimager.model.partition import Label

LOGICAL = ("5", "f", "85")
"""The types of a DOS label's partitions that hold others."""

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DIGITS = re.compile(r"(0x)?[0-9a-f]{1,2}", re.IGNORECASE)

_LINUX, _SWAP = "0fc63daf-8483-4772-8e79-3d69d8477de4", "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f"
_HOME, _ESP = "933ac7e1-2eb4-4f13-b844-0e14e2aef915", "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
_RAID, _LVM = "a19d880f-05fc-4d3b-a006-743f0f84911e", "e6d6d379-f507-44c2-a23c-238f2a3df928"

_WORDS = {
    Label.gpt: {
        "l": _LINUX,
        "linux": _LINUX,
        "linux filesystem": _LINUX,
        "s": _SWAP,
        "swap": _SWAP,
        "linux swap": _SWAP,
        "h": _HOME,
        "home": _HOME,
        "linux home": _HOME,
        "u": _ESP,
        "uefi": _ESP,
        "efi system": _ESP,
        "r": _RAID,
        "raid": _RAID,
        "linux raid": _RAID,
        "v": _LVM,
        "lvm": _LVM,
        "linux lvm": _LVM,
        "bios boot": "21686148-6449-6e6f-744e-656564454649",
        "microsoft basic data": "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7",
        "microsoft reserved": "e3c9e316-0b5c-4db8-817d-f92df00215ae",
        "linux extended boot": "bc13c2ff-59e6-4262-a352-b275fd6f7172",
        "linux reserved": "8da63339-0007-60c0-c436-083ac8230908",
        "linux root (x86)": Architecture.i686.gpt_root,
        "linux root (x86-64)": Architecture.x86_64.gpt_root,
        "linux root (arm)": Architecture.armv7h.gpt_root,
        "linux root (arm-64)": Architecture.aarch64.gpt_root,
        "linux root (risc-v-64)": Architecture.riscv64.gpt_root,
    },
    Label.dos: {
        "l": "83",
        "linux": "83",
        "s": "82",
        "swap": "82",
        "extended": "5",
        "x": "85",
        "ex": "85",
        "linuxex": "85",
        "u": "ef",
        "uefi": "ef",
        "r": "fd",
        "raid": "fd",
        "v": "8e",
        "lvm": "8e",
    },
}


def read_type(label: Label, word: str) -> str | None:
    """The UUID or the hexadecimal digits that ``word`` stands for; empty for none.

    None: ``label`` has no such type. sfdisk of util-linux 2.38 makes such a one 0 in a DOS label,
    and says nothing.
    """
    if not word or (label is Label.gpt and _UUID.fullmatch(word)):
        return word
    if label is Label.dos and word == "E":  # e is a digit
        return _WORDS[label]["extended"]
    if label is Label.dos and _DIGITS.fullmatch(word):
        return f"{int(word, 16):x}" if int(word, 16) else None
    return _WORDS[label].get(" ".join(word.lower().split()))

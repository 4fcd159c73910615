"""Types of partitions: by the words that sfdisk(8) takes for them, as it writes them in a dump.

Both labels' own forms are a UUID and hexadecimal digits. The words are sfdisk's aliases and those
of its longer names that tables of systems have (util-linux, ``sfdisk --list-types``).
"""

import re

from aimager.model import gpt_types
from aimager.model.architecture import Architecture
from aimager.model.partition import Label
from aimager.uuids import is_uuid

LOGICAL = ("5", "f", "85")
"""The types of a DOS label's partitions that hold others."""

_DIGITS = re.compile(r"(0x)?[0-9a-f]{1,2}", re.IGNORECASE)

_RAID, _LVM = "a19d880f-05fc-4d3b-a006-743f0f84911e", "e6d6d379-f507-44c2-a23c-238f2a3df928"

_WORDS = {
    Label.gpt: {
        "l": gpt_types.LINUX,
        "linux": gpt_types.LINUX,
        "linux filesystem": gpt_types.LINUX,
        "s": gpt_types.SWAP,
        "swap": gpt_types.SWAP,
        "linux swap": gpt_types.SWAP,
        "h": gpt_types.HOME,
        "home": gpt_types.HOME,
        "linux home": gpt_types.HOME,
        "u": gpt_types.ESP,
        "uefi": gpt_types.ESP,
        "efi system": gpt_types.ESP,
        "r": _RAID,
        "raid": _RAID,
        "linux raid": _RAID,
        "v": _LVM,
        "lvm": _LVM,
        "linux lvm": _LVM,
        "bios boot": "21686148-6449-6e6f-744e-656564454649",
        "microsoft basic data": gpt_types.BASIC_DATA,
        "microsoft reserved": "e3c9e316-0b5c-4db8-817d-f92df00215ae",
        "linux extended boot": "bc13c2ff-59e6-4262-a352-b275fd6f7172",
        "linux reserved": "8da63339-0007-60c0-c436-083ac8230908",
        "linux root (x86)": Architecture.i686.gpt_root,
        "linux root (x86-64)": Architecture.x86_64.gpt_root,
        "linux root (arm)": Architecture.armv7h.gpt_root,
        "linux root (arm-64)": Architecture.aarch64.gpt_root,
        "linux root (risc-v-64)": Architecture.riscv64.gpt_root,
        f"linux root ({Architecture.loong64.machine[:-2]}-64)": Architecture.loong64.gpt_root,
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
    if not word or (label is Label.gpt and is_uuid(word)):
        return word
    if label is Label.dos and word == "E":  # e is a digit
        return _WORDS[label]["extended"]
    if label is Label.dos and _DIGITS.fullmatch(word):
        return f"{int(word, 16):x}" if int(word, 16) else None
    return _WORDS[label].get(" ".join(word.lower().split()))

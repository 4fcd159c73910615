"""Names and attributes of a GPT's partitions, as sfdisk(8) takes them.

It cuts a longer name off, leaves out one that it cannot write, and passes over attributes that it
does not know: the partition would be another one than the table says.
"""

import re

LONGEST_NAME = 36
"""UTF-16 units, of which there is one for each letter that sfdisk writes (UEFI 5.3.3)."""

_NUMBERS = r"(4[89]|5[0-9]|6[0-3])(,(4[89]|5[0-9]|6[0-3]))*"
_ATTRIBUTE = re.compile(
    rf"(RequiredPartition|NoBlockIOProtocol|LegacyBIOSBootable)(,{_NUMBERS})?|(GUID:)?{_NUMBERS}"
)
_BYTE = re.compile(r"\\x([0-9a-fA-F]{2})")
"""How a dump has a byte that is not ASCII."""


def is_name(text: str) -> bool:
    """Whether a partition can have the name ``text``; it may be empty."""
    name = _BYTE.sub(lambda found: chr(int(found[1], 16)), text)
    if name != text:
        try:
            name = name.encode("latin-1").decode()
        except UnicodeError:
            return False
    return len(name) <= LONGEST_NAME and all(letter <= "\uffff" for letter in name)


def is_attributes(text: str) -> bool:
    """Whether all words of ``text`` are attributes."""
    return all(_ATTRIBUTE.fullmatch(word) for word in text.split())

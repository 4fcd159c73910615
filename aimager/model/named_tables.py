"""Partition tables by name, for ``table==NAME``.

Those with a root of 16 GiB make images of that size; the others are as small as their content.
Either root grows at the first boot.
"""

from dataclasses import dataclass

from aimager.model.partition import PartitionTable
from aimager.model.sfdisk_table import read_table

_ESP = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
_BASIC_DATA = "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7"
_ROOT_AARCH64 = "b921b045-1df0-41c3-af44-4c6f280d3fae"
_ROOT_X86_64 = "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"


@dataclass(frozen=True)
class NamedTable:
    """A table in the notation of `aimager.model.sfdisk_table`, and what it is good for."""

    name: str
    meaning: str
    text: str

    @property
    def table(self) -> PartitionTable:
        """The table itself."""
        return read_table(self.text)


_TABLES = (
    NamedTable(
        "dos_1g_esp",
        "1 GiB EFI system partition, active, and a root as large as its content; DOS label",
        "label: dos\n"
        "aimager@boot: start=1MiB, size=1GiB, type=ef, bootable\n"
        "aimager@root: type=83\n",
    ),
    NamedTable(
        "dos_1g_esp_16g_root",
        "1 GiB EFI system partition, active, and a root of 16 GiB; DOS label",
        "label: dos\n"
        "aimager@boot: start=1MiB, size=1GiB, type=ef, bootable\n"
        "aimager@root: size=16GiB, type=83\n",
    ),
    NamedTable(
        "gpt_1g_esp",
        "1 GiB EFI system partition and a root as large as its content; GPT",
        f"label: gpt\naimager@boot: start=1MiB, size=1GiB, type={_ESP}\naimager@root:\n",
    ),
    NamedTable(
        "gpt_1g_fat",
        "1 GiB FAT for a Raspberry Pi 4 or later and a root as large as its content; GPT",
        # Windows writes a GPT anew whose first sector for partitions is another one.
        "label: gpt\nfirst-lba: 34\n"
        f"aimager@boot: start=1MiB, size=1GiB, type={_BASIC_DATA}\naimager@root:\n",
    ),
    NamedTable(
        "gpt_1g_esp_16g_root_aarch64",
        "1 GiB EFI system partition and a root of 16 GiB for aarch64; GPT",
        "label: gpt\n"
        f"aimager@boot: start=1MiB, size=1GiB, type={_ESP}\n"
        f"aimager@root: size=16GiB, type={_ROOT_AARCH64}\n",
    ),
    NamedTable(
        "gpt_1g_esp_16g_root_x86_64",
        "1 GiB EFI system partition and a root of 16 GiB for x86_64; GPT",
        "label: gpt\n"
        f"aimager@boot: start=1MiB, size=1GiB, type={_ESP}\n"
        f"aimager@root: size=16GiB, type={_ROOT_X86_64}\n",
    ),
    NamedTable(
        "gpt_16m_gap_1g_esp_16g_root_aarch64",
        "16 MiB free for a boot loader in raw sectors, then as gpt_1g_esp_16g_root_aarch64",
        "label: gpt\n"
        f"aimager@boot: start=16MiB, size=1GiB, type={_ESP}\n"
        f"aimager@root: size=16GiB, type={_ROOT_AARCH64}\n",
    ),
)

NAMED_TABLES = {table.name: table for table in _TABLES}

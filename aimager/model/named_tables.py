"""Partition tables by name, for ``table==NAME``.

Those with a root of 16 GiB make images of that size; the others are as small as their content.
Either root grows at the first boot.
"""

from dataclasses import dataclass

from aimager.model import gpt_types
from aimager.model.architecture import Architecture
from aimager.model.partition import PartitionTable
from aimager.model.sfdisk_table import read_table

_ROOT_AARCH64, _ROOT_X86_64 = Architecture.aarch64.gpt_root, Architecture.x86_64.gpt_root


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
        f"label: gpt\naimager@boot: start=1MiB, size=1GiB, type={gpt_types.ESP}\naimager@root:\n",
    ),
    NamedTable(
        "gpt_1g_fat",
        "1 GiB FAT for a Raspberry Pi 4 or later and a root as large as its content; GPT",
        # Windows writes a GPT anew whose first sector for partitions is another one.
        "label: gpt\nfirst-lba: 34\n"
        f"aimager@boot: start=1MiB, size=1GiB, type={gpt_types.BASIC_DATA}\naimager@root:\n",
    ),
    NamedTable(
        "gpt_1g_esp_16g_root_aarch64",
        "1 GiB EFI system partition and a root of 16 GiB for aarch64; GPT",
        "label: gpt\n"
        f"aimager@boot: start=1MiB, size=1GiB, type={gpt_types.ESP}\n"
        f"aimager@root: size=16GiB, type={_ROOT_AARCH64}\n",
    ),
    NamedTable(
        "gpt_1g_esp_16g_root_x86_64",
        "1 GiB EFI system partition and a root of 16 GiB for x86_64; GPT",
        "label: gpt\n"
        f"aimager@boot: start=1MiB, size=1GiB, type={gpt_types.ESP}\n"
        f"aimager@root: size=16GiB, type={_ROOT_X86_64}\n",
    ),
    NamedTable(
        "gpt_16m_gap_1g_esp_16g_root_aarch64",
        "16 MiB free for a boot loader in raw sectors, then as gpt_1g_esp_16g_root_aarch64",
        "label: gpt\n"
        f"aimager@boot: start=16MiB, size=1GiB, type={gpt_types.ESP}\n"
        f"aimager@root: size=16GiB, type={_ROOT_AARCH64}\n",
    ),
)

NAMED_TABLES = {table.name: table for table in _TABLES}

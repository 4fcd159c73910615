"""What every partition table keeps to, whoever wrote it: else no image could be made of it, or one
of another disk than it says."""

import re
from collections.abc import Iterator
from itertools import chain

from aimager.errors import ConfigError
from aimager.model.gpt_fields import LONGEST_NAME, is_attributes, is_name
from aimager.model.layout import label_extent
from aimager.model.partition import SECTOR, FileSystem, Label, Partition, PartitionTable, Role
from aimager.model.partition_types import LOGICAL, read_type
from aimager.uuids import is_uuid

_Fault = tuple[str, str]
"""What a table has, and what to do about it."""

_LEAST_SWAP = 10 * 4096  # mkswap(8) takes no less
_DOS_ID = re.compile("[0-9a-f]{8}")
_OWN_FILE_SYSTEMS = {Role.swap: FileSystem.swap, Role.raw: FileSystem.none}
"""The only ones of partitions for these, which no other has."""


def check_table(table: PartitionTable, told: str) -> None:
    """Refuse a table that breaks a rule; ``told`` is what it is called.

    :raises ConfigError: then
    """
    of_label = _dos_faults if table.label is Label.dos else _gpt_faults
    faults = chain(
        _role_faults(table),
        of_label(table),
        _id_faults(table),
        _place_faults(table),
        _type_faults(table),
        chain.from_iterable(map(_file_system_faults, table.partitions)),
        _subvolume_faults(table),
    )
    for problem, hint in faults:
        raise ConfigError(f"{told} {problem}", hint=hint)


def _role_faults(table: PartitionTable) -> Iterator[_Fault]:
    for role in Role:
        if role is not Role.raw and sum(p.role is role for p in table.partitions) > 1:
            yield f"has several partitions for {role}", "let one of them be for it"
    if not table.with_role(Role.root):
        yield (
            "has no partition for the root",
            "add one: aimager@root: in table=, root_ext4() in a board's file",
        )


def _dos_faults(table: PartitionTable) -> Iterator[_Fault]:
    if any(read_type(Label.dos, p.type) in LOGICAL for p in table.partitions):
        yield "has logical partitions, which are not made", "use the label gpt"
    if len(table.partitions) > 4:
        yield "has more than four partitions, but a DOS label", "use the label gpt"
    if any(p.name or p.attributes or p.uuid for p in table.partitions):
        yield "has a name, attrs or uuid, which a DOS label cannot have", "leave it out"


def _gpt_faults(table: PartitionTable) -> Iterator[_Fault]:
    if len(table.partitions) > table.entries:
        yield (
            f"has {len(table.partitions)} partitions, and table-length: {table.entries}",
            "give it room for more",
        )
    end = label_extent(table).end // SECTOR
    if table.first_lba is not None and table.first_lba < end:
        yield (
            f"has the line first-lba: {table.first_lba}, but its entries end at sector {end - 1}",
            f"write first-lba: {end}, or leave it out",
        )
    for partition in table.partitions:
        if not is_name(partition.name):
            yield (
                f"has the name {partition.name}, which a GPT cannot hold",
                f"a name has up to {LONGEST_NAME} letters, and none of those beyond U+FFFF",
            )
        if not is_attributes(partition.attributes):
            yield (
                f"has the attributes {partition.attributes}",
                "write RequiredPartition, NoBlockIOProtocol, LegacyBIOSBootable, or one of GUID:48"
                " to GUID:63, with spaces between them",
            )


def _id_faults(table: PartitionTable) -> Iterator[_Fault]:
    is_id = is_uuid if table.label is Label.gpt else _DOS_ID.fullmatch
    if table.id and not is_id(table.id):
        yield f"has the id {table.id}, which a {table.label} label cannot have", "leave it out"
    uuids = [p.uuid.lower() for p in table.partitions if p.uuid]
    for uuid in uuids:
        if not is_uuid(uuid):
            yield f"has the partition id {uuid}", "leave it out, and one is made"
    if len(set(uuids)) < len(uuids):
        yield "gives two partitions the same uuid", "leave one out, and it is made"


def _type_faults(table: PartitionTable) -> Iterator[_Fault]:
    word = "use a UUID" if table.label is Label.gpt else "use two hexadecimal digits"
    for partition in table.partitions:
        if read_type(table.label, partition.type) is None:
            yield (
                f"has the type {partition.type}, which a {table.label} label does not have",
                f"{word}, or a word such as uefi, linux or swap; sfdisk --list-types has them all",
            )


def _place_faults(table: PartitionTable) -> Iterator[_Fault]:
    end = 0
    for partition in table.partitions:
        for name, number, least in (("size", partition.size, 1), ("start", partition.start, 0)):
            if number is not None and (number < least or number % SECTOR):
                yield (
                    f"has a partition with {name}={number}, which is not in whole sectors",
                    f"it counts bytes: give it a multiple of {SECTOR}",
                )
        if not partition.size and partition.role not in (Role.root, Role.home):
            what = "without a mark" if partition.role is Role.raw else f"for {partition.role}"
            yield f"has a partition {what} and without a size", "give it one, such as 1 GiB"
        start = end if partition.start is None else partition.start
        if start < end:
            yield "has partitions that overlap", "order them by start, one after another"
        if partition.role is Role.swap and (partition.size or 0) < _LEAST_SWAP:
            yield "has a partition for swap of less than 40 KiB", "give it a size, such as 1 GiB"
        end = start + (partition.size or 0)


def _file_system_faults(partition: Partition) -> Iterator[_Fault]:
    role, kind = partition.role, partition.file_system
    suits = kind is _OWN_FILE_SYSTEMS.get(role, kind)
    suits &= role in _OWN_FILE_SYSTEMS or kind not in _OWN_FILE_SYSTEMS.values()
    if not suits or (role in (Role.root, Role.home) and not kind.can_be_root):
        what = "without a mark" if role is Role.raw else f"for {role}"
        yield (
            f"has a partition {what} with the file system {kind}",
            f"give it {_OWN_FILE_SYSTEMS.get(role, FileSystem.ext4)}",
        )
    if partition.compression and not re.fullmatch(kind.compressions, partition.compression):
        yield (
            f"has the compression {partition.compression}, which {kind} does not have",
            "write zstd:3 for btrfs, lz4hc for erofs, zstd for squashfs, or leave it out",
        )
    if partition.subvolumes and not kind.has_subvolumes:
        yield f"has subvolumes in {kind}, which has none", "leave them out, or use btrfs"


def _subvolume_faults(table: PartitionTable) -> Iterator[_Fault]:
    for subvolume in chain.from_iterable(p.subvolumes for p in table.partitions):
        if subvolume.mount_point in table.taken:
            yield (
                f"has a subvolume for {subvolume.mount_point}, where a partition is mounted",
                "leave one of the two out",
            )

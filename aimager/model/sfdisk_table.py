"""Partition tables in the notation of sfdisk(8), with marks for what each partition is for.

A line that begins with ``aimager@ROLE:`` (boot, root, home, swap), where a dump has the device,
is a partition that is filled; any other one is made and left empty. Without a size a partition
takes what its content needs; one for booting is an EFI system partition in a GPT without a type.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from aimager.errors import ConfigError
from aimager.model.partition import (
    GPT_ENTRIES,
    GPT_MOST_ENTRIES,
    SECTOR,
    FileSystem,
    Label,
    MiB,
    Partition,
    PartitionTable,
    Role,
)
from aimager.model.partition_types import read_type
from aimager.model.table_rules import check_table
from aimager.units import parse_size
from aimager.uuids import is_uuid

_MARK = re.compile(r"aimager@(\w*)\s*:\s*(.*)")
_DEVICE = re.compile(r"(?:[^=,]*\d\s*)?:\s*(.*)")
"""sfdisk calls partitions by their disk's name, which may be a file's, and a number."""
_HEADER = re.compile(r"([a-z-]+)\s*:\s*(.*)")
_FIELD = re.compile(r"\s*([A-Za-z-]+)(?:\s*=\s*(\"[^\"]*\"|[^,\s]*))?\s*(?:,|$)")

_IGNORED = ("unit", "sector-size", "device", "grain")
_MOST = 1 << 50
"""Bytes: more than any disk has, and few enough to count with."""
_SECTOR_NUMBER = re.compile("[0-9]{1,18}")
_FILE_SYSTEMS = {
    Role.boot: FileSystem.vfat,
    Role.root: FileSystem.ext4,
    Role.home: FileSystem.ext4,
    Role.swap: FileSystem.swap,
    Role.raw: FileSystem.none,
}
_ROLES = [role for role in Role if role is not Role.raw]


def read_table(text: str) -> PartitionTable:
    """The table that ``text`` describes.

    :raises ConfigError: for a text of another form, or a table from which no image can be made
    """
    header: dict[str, str] = {}
    partitions: list[Partition] = []
    for line in _lines(text):
        mark, device, setting = _MARK.match(line), _DEVICE.match(line), _HEADER.fullmatch(line)
        if mark:
            partitions.append(_read_partition(_read_role(mark[1]), mark[2]))
        elif device:
            partitions.append(_read_partition(Role.raw, device[1]))
        elif setting and not partitions:
            header[setting[1]] = setting[2].strip()
        else:
            partitions.append(_read_partition(Role.raw, line))
    table = _with_header(header, tuple(partitions))
    check_table(table, "table=")
    return _with_types(table)


def _lines(text: str) -> Iterator[str]:
    """Its lines; a semicolon ends one, too, because newlines are hard to type on a command line."""
    for line in re.split(r"[\n;]", text):
        if stripped := line.partition("#")[0].strip():
            yield stripped


def _refused(problem: str, hint: str = "") -> ConfigError:
    return ConfigError(f"table= {problem}", hint=hint or "write it as `sfdisk --dump` does")


def _read_role(name: str) -> Role:
    if name not in _ROLES:
        raise _refused(f"has the mark aimager@{name}", f"it is one of {', '.join(_ROLES)}")
    return Role(name)


def _with_header(header: dict[str, str], partitions: tuple[Partition, ...]) -> PartitionTable:
    label = header.pop("label", "")
    if label not in list(Label):
        raise _refused(
            f"has the label {label}" if label else "has no label", "begin with label: gpt, or dos"
        )
    if header.get("unit", "sectors") != "sectors" or header.get("sector-size", "512") != "512":
        raise _refused("counts in units other than sectors of 512 bytes")
    first, last = (_read_sector(label, header, name) for name in ("first-lba", "last-lba"))
    identifier = _read_label_id(Label(label), header.pop("label-id", ""))
    entries = _read_entries(label, header.pop("table-length", ""))
    for name in header.keys() - set(_IGNORED):
        raise _refused(f"has the line {name}: {header[name]}, which is not known")
    # Where the table has room for a boot loader, what is placed without a start comes after it.
    alignment = max(first * SECTOR, MiB) if first and not first * SECTOR % MiB else MiB
    return PartitionTable(Label(label), partitions, alignment, first, last, identifier, entries)


def _read_sector(label: str, header: dict[str, str], name: str) -> int | None:
    value = header.pop(name, None)
    if value is None:
        return None
    number = int(value) if _SECTOR_NUMBER.fullmatch(value) else _MOST // SECTOR
    if label == Label.dos or number >= _MOST // SECTOR:
        raise _refused(f"has the line {name}: {value}", "it is a sector's number, for GPT")
    return number


def _read_entries(label: str, text: str) -> int:
    """How many partitions a GPT has room for."""
    if not text:
        return GPT_ENTRIES
    if (
        label == Label.dos
        or not re.fullmatch("[0-9]{1,4}", text)
        or not (0 < int(text) <= GPT_MOST_ENTRIES)
    ):
        raise _refused(
            f"has the line table-length: {text}",
            f"it is a number up to {GPT_MOST_ENTRIES}, for GPT",
        )
    return int(text)


def _read_label_id(label: Label, text: str) -> str:
    if not text:
        return ""
    if label is Label.gpt and is_uuid(text):
        return text.lower()
    if label is Label.dos and re.fullmatch("0x[0-9a-fA-F]{1,8}", text):
        return f"{int(text, 16):08x}"
    raise _refused(f"has the line label-id: {text}", "leave it out, and one is made")


def _read_partition(role: Role, text: str) -> Partition:
    fields = _read_fields(text)
    kind = fields.pop("type", fields.pop("id", ""))
    attributes = fields.pop("attrs", "")
    bootable = "bootable" in fields
    fields.pop("bootable", None)
    start, size = fields.pop("start", ""), fields.pop("size", "")
    uuid = fields.pop("uuid", "").lower()
    partition = Partition(
        role,
        _FILE_SYSTEMS[role],
        size=None if size in ("", "+") else _read_bytes("size", size),
        start=None if start in ("", "+") else _read_bytes("start", start),
        type=kind,
        attributes=attributes,
        name=fields.pop("name", ""),
        uuid=uuid,
        bootable=bootable,
    )
    for name in fields:
        raise _refused(f"has the field {name} in the line {text}, which is not known")
    return partition


def _read_fields(text: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    at = 0
    while at < len(text):
        match = _FIELD.match(text, at)
        if not match:
            raise _refused(f"has the line {text}, which is not of the form NAME=VALUE")
        fields[match[1].lower()] = (match[2] or "").strip('"')
        at = match.end()
    return fields


def _read_bytes(name: str, text: str) -> int:
    """Bytes from a number of sectors, or from one with K, M, G or T, powers of 1024."""
    number = parse_size(text, unit=SECTOR)
    if number is None:
        raise _refused(f"has the {name} {text}", "write sectors, or 16MiB, or 1G")
    if number > _MOST or (name == "size" and not number):
        raise _refused(f"has the {name} {text}, which is out of range")
    return number


def _with_types(table: PartitionTable) -> PartitionTable:
    """The table with its partitions' types, which are known, as UUIDs or hexadecimal digits."""
    partitions = []
    for partition in table.partitions:
        typed = replace(partition, type=read_type(table.label, partition.type) or "")
        is_esp = typed.is_esp or (table.label is Label.gpt and not typed.type)
        partitions.append(replace(typed, esp=partition.role is Role.boot and is_esp))
    return replace(table, partitions=tuple(partitions))

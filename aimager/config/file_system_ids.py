"""The ids that ``mkfs-arg=`` gives file systems: fstab and boot entries name them, too.

Each maker has an option of its own for it: mke2fs(8), mkfs.btrfs(8), mkswap(8), mkfs.erofs(1),
mkfs.xfs(8) and mkfs.fat(8).
"""

import re
from collections.abc import Sequence

from aimager.errors import ConfigError
from aimager.model.partition import FileSystem, Partition, PartitionTable, Role
from aimager.uuids import fat_uuid, is_uuid

_SERIAL = re.compile(r"([0-9a-f]{4})-?([0-9a-f]{4})", re.IGNORECASE)

_OPTIONS = {
    FileSystem.ext4: ("-U",),
    FileSystem.btrfs: ("-U", "--uuid"),
    FileSystem.swap: ("-U", "--uuid"),
    FileSystem.erofs: ("-U",),
    FileSystem.xfs: ("-m",),
    FileSystem.vfat: ("-i",),
}
_FLAGS = {
    FileSystem.ext4: "cjnqvDFKSV",
    FileSystem.btrfs: "fqvKMV",
    FileSystem.swap: "cfq",
    FileSystem.xfs: "fqCKNV",
    FileSystem.vfat: "acvACI",
}
"""Letters that take no value, so that the option may stand behind them in one word."""
_PREFIX = {FileSystem.xfs: "uuid="}
"""What precedes an id among the values of its option, which commas separate."""


def with_arguments(table: PartitionTable, role: Role, arguments: Sequence[str]) -> PartitionTable:
    """``table`` with more arguments for the maker of a file system, and the id that they give it.

    :raises ConfigError: when that is not an id, or another partition has it
    """
    partition = table.with_role(role)
    assert partition, "it has been looked for"
    given, rest = _split(partition, arguments)
    identifier = _read_id(partition, given) if given else partition.file_system_id
    for other in table.filled:
        if identifier and other.role is not role and other.file_system_id == identifier:
            raise ConfigError(
                f"mkfs-arg= gives the partitions for {other.role} and {role} the same id, {given}",
                hint="give each another, or leave them out: they are made",
            )
    return table.changed(role, arguments=rest, file_system_id=identifier)


def _split(partition: Partition, arguments: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The id among ``arguments``, if there is one, and all that is left.

    :raises ConfigError: when the option for it is the last of them
    """
    kind = partition.file_system
    given, rest = "", []
    words = iter([part for word in arguments for part in _apart(kind, word)])
    for word in words:
        option, value = _option(kind, word)
        if not option:
            rest.append(word)
            continue
        if value is None:
            value = next(words, None)
        if value is None:
            raise ConfigError(
                f"mkfs-arg={partition.role}= ends with {word}, which takes a value",
                hint=f"write that behind {word}, or leave {word} out",
            )
        found, others = _take(value, _PREFIX.get(kind, ""))
        given = found or given
        rest += [option, others] if others else []
    return given, tuple(rest)


def _apart(kind: FileSystem, word: str) -> tuple[str, ...]:
    """``-q`` and ``-U`` of ``-qU``; any other word as it is."""
    if kind not in _FLAGS:
        return (word,)
    letter = _OPTIONS[kind][0].lstrip("-")
    match = re.fullmatch(f"-([{_FLAGS[kind]}]+)({letter}.*)", word)
    return (f"-{match[1]}", f"-{match[2]}") if match else (word,)


def _option(kind: FileSystem, word: str) -> tuple[str, str | None]:
    """The option for an id that ``word`` is, empty if it is none, and the value in it, if any."""
    for option in _OPTIONS.get(kind, ()):
        if option.startswith("--"):  # getopt_long(3) takes what it begins with, too
            name, equals, value = word.partition("=")
            if len(name) > 2 and option.startswith(name):
                return option, value if equals else None
        elif word.startswith(option):
            return option, word.removeprefix(option) or None
    return "", None


def _take(value: str, prefix: str) -> tuple[str, str]:
    """The id of an option's value, and what else that has."""
    if not prefix:
        return value, ""
    parts = value.split(",")
    ids = [part.removeprefix(prefix) for part in parts if part.startswith(prefix)]
    return ids[-1] if ids else "", ",".join(p for p in parts if not p.startswith(prefix))


def as_printed(kind: FileSystem, text: str) -> str:
    """The id ``text`` as blkid(8) prints it; empty where it is none that ``kind`` can have."""
    if kind is not FileSystem.vfat:
        return text.lower() if is_uuid(text) and text.strip("0-") else ""
    match = _SERIAL.fullmatch(text)
    return fat_uuid(match[1] + match[2]) if match and int(match[1] + match[2], 16) else ""


def _read_id(partition: Partition, text: str) -> str:
    if found := as_printed(partition.file_system, text):
        return found
    form = "a UUID, as 11111111-2222-4333-8444-555555555555"
    if partition.file_system is FileSystem.vfat:
        form = "eight hexadecimal digits, as 1A2B3C4D"
    raise ConfigError(
        f"mkfs-arg={partition.role}= has the id {text}, by which nothing could be found",
        hint=f"write {form}, or leave it out: one is made, and seed= makes another",
    )

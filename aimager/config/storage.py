"""The variables that lay out the disk: table, file systems, and what the disk starts from."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from aimager.config.bootable import check_bootable
from aimager.config.file_system_ids import with_arguments
from aimager.config.parse import HERE, split_list
from aimager.config.paths import has_file
from aimager.config.variable import NotForBoardError, Words
from aimager.errors import ConfigError
from aimager.model.board import Board
from aimager.model.named_tables import NAMED_TABLES
from aimager.model.partition import FileSystem, PartitionTable, Role, Subvolume
from aimager.model.product import Product
from aimager.model.sfdisk_table import read_table

NAMES = ("table", "root-fs", "root-subvolumes", "root-compress", "mkfs-arg", "disk-from")
"""The variables that are read here."""

ROOT_FILE_SYSTEMS = tuple(kind for kind in FileSystem if kind.can_be_root)
_SUBVOLUME = re.compile(r"([A-Za-z0-9@._-]+)(?::(/[A-Za-z0-9@._/-]*))?")
_PARTS = tuple(role for role in Role if role is not Role.raw)
_NEXT_PART = re.compile(rf",\s*(?=(?:{'|'.join(_PARTS)})=)")


def read_storage(board: Board, words: Words) -> Board:
    """``board`` with the disk that the words ask for.

    :raises ConfigError: for a value that is not valid, or values that do not go together
    """
    table = board.partition_table
    if table is None:
        for name in NAMES:
            if name in words:
                raise NotForBoardError(
                    f"{name}= has no effect on the board {board.id}, which has no disk",
                    hint="board= names one with a disk: doit boards lists them",
                    variable=name,
                )
        return board
    if "table" in words:
        table = words.read("table")
        assert table, "it has been read"
    table = _with_root(table, words)
    given: tuple[tuple[Role, tuple[str, ...]], ...] = words.read("mkfs-arg", ())
    for role, arguments in given:
        if not table.with_role(role):
            others = (f"{other}={shlex.join(ones)}" for other, ones in given if other != role)
            raise NotForBoardError(
                f"mkfs-arg={role}= is for a partition that the table does not have",
                hint=f"the table has {', '.join(p.role for p in table.partitions if p.role)};"
                " table= gives another",
                variable="mkfs-arg",
                part=role,
                rest=",".join(others),
            )
        table = with_arguments(table, role, arguments)
    told = "table=" if "table" in words else f"the partition table of the board {board.id}"
    sized = (
        table.changed(Role.root, size=words.read("root-size")) if "root-size" in words else table
    )
    check_bootable(board, sized, told)
    return board if table == board.partition_table else replace(board, partition_table=table)


def read_table_word(text: str, folder: Path) -> PartitionTable:
    """The table of ``=NAME``, of ``@FILE``, or in the text itself.

    :raises ConfigError: for what is not a table
    """
    if text.startswith("="):
        if text[1:] not in NAMED_TABLES:
            raise ConfigError(
                f"there is no table {text[1:]}", hint=f"it is one of {', '.join(NAMED_TABLES)}"
            )
        return NAMED_TABLES[text[1:]].table
    if text.startswith("@"):
        try:
            text = (folder / text[1:]).read_text()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text"
            raise ConfigError(
                f"table={text} cannot be read: {reason}", hint="name what sfdisk --dump wrote"
            ) from error
    return read_table(text)


def _with_root(table: PartitionTable, words: Words) -> PartitionTable:
    root = table.with_role(Role.root)
    assert root, "a table has a root"
    kind = root.file_system
    if "root-fs" in words:
        kind = words.read("root-fs")
        table = table.changed(Role.root, file_system=kind)
    if "root-compress" in words:
        how = words.read("root-compress")
        if not re.fullmatch(kind.compressions, how):
            raise ConfigError(
                f"root-compress={how} is not for a root of {kind}",
                hint="write zstd:3 for btrfs, lz4hc for erofs, zstd for squashfs, or none",
            )
        without = how == "none" and not kind.is_packed
        table = table.changed(Role.root, compression="" if without else how)
    if "root-subvolumes" in words:
        if not kind.has_subvolumes:
            raise ConfigError(f"root-subvolumes= is not for a root of {kind}", hint="root-fs=btrfs")
        subvolumes = words.read("root-subvolumes")
        table = table.changed(Role.root, subvolumes=subvolumes)
        for subvolume in subvolumes:
            if subvolume.mount_point in table.taken:
                raise ConfigError(
                    f"root-subvolumes= has {subvolume.mount_point}, where a partition is mounted",
                    hint="leave it out of root-subvolumes=, or the partition out of table=",
                )
    return table


def read_file_system(name: str) -> FileSystem:
    """A file system that a root can have.

    :raises ConfigError: it lists those that exist
    """
    if name == "f2fs":
        raise ConfigError(
            "root-fs=f2fs cannot be made: sload.f2fs loses capabilities and access control lists",
            hint=f"it is one of {', '.join(ROOT_FILE_SYSTEMS)}",
        )
    if name not in ROOT_FILE_SYSTEMS:
        raise ConfigError(
            f"root-fs={name} is not known", hint=f"it is one of {', '.join(ROOT_FILE_SYSTEMS)}"
        )
    return FileSystem(name)


def read_subvolumes(text: str) -> tuple[Subvolume, ...]:
    """Subvolumes, each as ``NAME:FOLDER``; the first is that of the root and needs no folder.

    :raises ConfigError: for anything else
    """
    found: list[Subvolume] = []
    for word in split_list(text):
        match = _SUBVOLUME.fullmatch(word)
        folder = match[2] if match else None
        if match and folder is None and not found:
            folder = "/"
        if not match or not folder or ".." in folder or match[1] in (".", ".."):
            raise ConfigError(
                f"root-subvolumes= has {word}, which is not a subvolume",
                hint="write them as @,@home:/home,@log:/var/log",
            )
        folder = re.sub("/+", "/", folder.rstrip("/")) or "/"
        found.append(Subvolume(match[1], folder))
    if not found or found[0].mount_point != "/":
        raise ConfigError("root-subvolumes= does not begin with that of the root", hint="write @:/")
    if len({v.name for v in found}) < len(found) or len({v.mount_point for v in found}) < len(
        found
    ):
        raise ConfigError(
            "root-subvolumes= names something twice",
            hint="give each subvolume a name and a place of its own:"
            " root-subvolumes=@:/,@home:/home",
        )
    return tuple(found)


def read_arguments(text: str) -> tuple[tuple[Role, tuple[str, ...]], ...]:
    """Arguments of file systems' makers, ``PART=ARGS`` or, separated by commas, several.

    A comma inside ARGS does not separate unless ``PART=`` follows. Several for one partition are
    joined in their order.

    :raises ConfigError: for an unfinished quotation, or an unknown partition
    """
    found: dict[Role, tuple[str, ...]] = {}
    for part in filter(None, _NEXT_PART.split(text.strip())):
        name, equals, arguments = part.partition("=")
        if name not in _PARTS or not equals:
            raise ConfigError(
                f"mkfs-arg={part} is not of the form PART=ARGUMENTS",
                hint=f"PART is one of {', '.join(_PARTS)}",
            )
        try:
            words = tuple(shlex.split(arguments))
        except ValueError as error:
            raise ConfigError(f"mkfs-arg={part}: {error}", hint="close the quotation") from error
        found[Role(name)] = (*found.get(Role(name), ()), *words)
    return tuple(found.items())


def read_disk_from(text: str | None, products: Sequence[Product], folder: Path) -> Path | None:
    """The image that the disk starts as a copy of.

    :raises ConfigError: when it is missing, or there is no disk to make
    """
    if text is None:
        return None
    if not {Product.disk, Product.qcow2} & {*products}:
        raise ConfigError(
            "disk-from= has no effect without create=disk.img",
            hint="add disk.img to create=, or leave disk-from= out",
        )
    path = folder / text
    if not has_file(path):
        raise ConfigError(f"disk-from={text}: there is no such file", hint=HERE)
    return path

"""What there is to choose from, and what a choice means, in lines for people."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from aimager.codec import encode
from aimager.config.variables import VARIABLES
from aimager.distros import DISTROS, THIRD_PARTY_REPOSITORIES
from aimager.errors import ConfigError
from aimager.model.board import Board
from aimager.model.build import Build
from aimager.model.named_tables import NAMED_TABLES
from aimager.model.partition import Label, MiB, PartitionTable
from aimager.units import exact_size

_LABELS = {Label.dos: "DOS label", Label.gpt: "GPT"}


def columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of aligned columns; an empty cell is a dash, and what is not to be printed escaped."""
    cells = [list(head), *([_printable(cell) or "-" for cell in row] for row in rows)]
    widths = [max(len(row[index]) for row in cells) for index in range(len(head))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]


def _printable(text: str) -> str:
    return text if text.isprintable() else ascii(text)[1:-1]


def list_boards(boards: Mapping[str, Board]) -> list[str]:
    """One line for each board: what it is, what starts it, and how images of it were tried."""
    rows = [
        (
            board.id,
            board.name,
            ",".join(board.distros) or "any",
            board.architecture or "any",
            ",".join(board.bootloaders),
            board.tested,
        )
        for board in boards.values()
    ]
    head = ("board", "for", "distributions", "architecture", "boot loaders", "tried so far")
    return columns(head, rows)


def list_distros(_: Mapping[str, Board]) -> list[str]:
    """One line for each distribution, and one for each that cannot be built as it stands."""
    rows = [
        (d.id, d.name, ",".join(d.aliases), ",".join(d.architectures), d.mirrors.url)
        for d in DISTROS
    ]
    lines = columns(("distro", "name", "aliases", "architectures", "mirror"), rows)
    troubles = [
        f"{d.id} cannot be built with all checks as it is: {d.trouble}"
        for d in DISTROS
        if d.trouble
    ]
    return [*lines, *([""] if troubles else []), *troubles]


def list_repositories(_: Mapping[str, Board]) -> list[str]:
    """One line for each third-party repository."""
    rows = [
        (
            r.id,
            r.purpose,
            ",".join(r.architectures),
            r.keyring.package,
            "pinned" if r.keyring.master_keys else f"name them: trust-key-{r.id}=",
        )
        for r in THIRD_PARTY_REPOSITORIES
    ]
    return columns(("repository", "for", "architectures", "keyring", "master keys"), rows)


def list_tables(boards: Mapping[str, Board]) -> list[str]:
    """One line for each partition table: those that ``table==NAME`` takes, then boards' own."""
    users: dict[PartitionTable, list[str]] = {}
    for board in boards.values():
        if board.partition_table:
            users.setdefault(board.partition_table, []).append(board.id)
    named = [(table.name, table.meaning) for table in NAMED_TABLES.values()]
    own = [
        (", ".join(names), f"{_partitions(table)}; {_LABELS[table.label]}")
        for table, names in users.items()
    ]
    return [*columns(("table==", "partitions"), named), "", *columns(("boards", "partitions"), own)]


def show_table(text: str) -> list[str]:
    """The table that ``table=`` names, in the notation that it also takes.

    :raises ConfigError: when it names no table that exists
    """
    name = text.removeprefix("=")
    if name not in NAMED_TABLES:
        raise ConfigError(
            f"there is no table {name}", hint=f"it is one of {', '.join(NAMED_TABLES)}"
        )
    return NAMED_TABLES[name].text.splitlines()


def _partitions(table: PartitionTable) -> str:
    free = f"{exact_size(table.alignment)} free, " if table.alignment > MiB else ""
    return free + ", ".join(
        f"{p.role} {p.file_system} {exact_size(p.size) if p.size else 'as large as its content'}"
        for p in table.partitions
    )


def list_variables(_: Mapping[str, Board]) -> list[str]:
    """Each variable by what it is about, with its meaning, values, default and an example."""
    lines = []
    for group, variables in groupby(VARIABLES, key=lambda variable: variable.group):
        lines += ["", f"{group}:"]
        for variable in variables:
            values = f" ({variable.values})" if variable.values else ""
            default = f" (default: {variable.default})" if variable.default else ""
            lines += [
                f"  {variable.name}=",
                f"      {variable.meaning}{values}{default}",
                f"      {variable.example}",
            ]
    return lines[1:]


@dataclass(frozen=True)
class List:
    """A list of what there is: what it is of, and what makes its lines, given all boards."""

    meaning: str
    lines: Callable[[Mapping[str, Board]], list[str]]


LISTS = {
    "boards": List("list the boards, and those of boards=FOLDER", list_boards),
    "distros": List("list the distributions", list_distros),
    "repos": List("list the third-party repositories", list_repositories),
    "tables": List("list the partition tables, those with a name and boards' own", list_tables),
    "variables": List("explain every variable", list_variables),
}


def parameters() -> list[dict[str, str]]:
    """The variables as parameters of a task of doit."""
    return [
        {
            "name": variable.name,
            "long": variable.name,
            "default": variable.default,
            "metavar": "VALUE",
            "help": variable.meaning.replace("%", "%%"),
        }
        for variable in VARIABLES
    ]


def show(build: Build) -> list[str]:
    """All that a build is made by: its board, distribution, repositories and settings."""
    shown = {
        "board": build.board,
        "distribution": build.platform.distro,
        "architecture": build.platform.architecture,
        "level": build.platform.level,
        "repositories": tuple(r.without_keys for r in build.repositories),
        "packages": build.installs,
        "setup": build.setup.without_secrets(),
        "products": build.products,
    }
    return [line for name, value in shown.items() for line in _lines(name, encode(value), "")]


def _lines(name: str, value: Any, indent: str) -> list[str]:
    """A value by name, its parts indented; what is empty is left out."""
    if value in (None, "", [], {}, False):
        return []
    if isinstance(value, list) and not any(isinstance(item, list | dict) for item in value):
        return [f"{indent}{name}: {' '.join(map(str, value))}"]
    if isinstance(value, list):
        return [
            line
            for number, item in enumerate(value, 1)
            for line in _lines(f"{name} {number}", item, indent)
        ]
    if isinstance(value, dict):
        inner = (_lines(key, item, f"{indent}  ") for key, item in value.items())
        return [f"{indent}{name}:", *(line for lines in inner for line in lines)]
    return [f"{indent}{name}: {value:o}" if name == "mode" else f"{indent}{name}: {value}"]

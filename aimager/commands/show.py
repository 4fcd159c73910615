"""Lists of what there is, and the definitions that a build's words come to, printed."""

import json
from collections.abc import Mapping, Sequence

from aimager.commands.command_line import NAME_IT, Asked
from aimager.commands.listing import LISTS, show, show_table
from aimager.config.build import boards_folder
from aimager.config.fleet_schema import make_schema
from aimager.config.platform import known_boards, refuse_unread
from aimager.errors import ConfigError
from aimager.model.build import Build


def show_list(name: str, asked: Asked) -> None:
    """Print one of `LISTS`."""
    known = known_boards(boards_folder(asked.variables, asked.folder))
    for line in LISTS[name].lines(known.by_id):
        print(line)
    for unread in known.unread:
        print(f"NOT READ: {refuse_unread(unread)}")


def show_builds(builds: Sequence[Build], variables: Mapping[str, str]) -> None:
    """Print what the variables of ``builds`` come to, or, without a build, that of ``table==``.

    :raises ConfigError: when neither was asked for
    """
    name = variables.get("table")
    if not builds and name is None:
        raise ConfigError("there is nothing to show", hint=f"{NAME_IT}, or table==NAME")
    if not builds:
        print(*show_table(name or ""), sep="\n")
    for build in builds:
        print(*([f"{build.name}:"] if build.name else []), *show(build), sep="\n")


def show_schema() -> None:
    """Print the JSON Schema of files of ``builds=``."""
    print(json.dumps(make_schema(), indent=1))

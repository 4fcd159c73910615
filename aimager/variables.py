"""The words ``name=value`` of the command line, and the build that they describe."""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aimager.architecture import Architecture, host_architecture
from aimager.board import Board
from aimager.build import Build, MirrorChoice, Product, Tools
from aimager.distro import Distro, Platform
from aimager.distros import DISTROS
from aimager.errors import ConfigError
from aimager.setup import DEFAULT_LOCALE, Setup
from aimager.words import (
    read_fingerprints,
    read_groups,
    read_hostname,
    read_locales,
    read_packages,
    read_passwords,
    read_size,
    read_users,
    read_yes,
    split_list,
)
from boards import BOARDS


@dataclass(frozen=True)
class Variable:
    """A word that the command line may set; a name that ends in ``-*`` stands for many."""

    name: str
    meaning: str


VARIABLES = (
    Variable("distro", "the distribution"),
    Variable("board", "the machine; none (the default) makes a root archive"),
    Variable("arch", "the architecture, where board and distribution leave a choice"),
    Variable("create", "what to make: " + ",".join(Product)),
    Variable("out", "the folder of the results, by default out"),
    Variable("root-size", "the size of the root partition, by default that of its content"),
    Variable("hostname", "the image's name, by default the board's"),
    Variable("locales", f"locales to generate, the first becomes LANG; default {DEFAULT_LOCALE}"),
    Variable("useradd", "users to add, each as useradd's arguments"),
    Variable("chpasswd", "passwords, each as USER:PASSWORD"),
    Variable("sudo-group", "groups that may use sudo, with their own password"),
    Variable("append-all", "the kernels' command line, in place of the board's"),
    Variable("install-pkgs", "more packages"),
    Variable("repo-url-parent", "a mirror that carries all distributions"),
    Variable("repo-url-*", "the mirror of one repository, with $repo and $arch"),
    Variable("trust-key", "master keys to trust in place of the pinned ones"),
    Variable("tools", "whose programs do the work: " + ", ".join(Tools)),
    Variable("offline", "yes: ask no mirror anything"),
)

_REPOSITORY_URL = re.compile(r"repo-url-([A-Za-z0-9@._+-]+)")


def check_names(names: Sequence[str]) -> None:
    """Refuse a variable that does not exist; doit itself would drop it in silence.

    :raises ConfigError: it lists those that exist, and the one most like it
    """
    known = [variable.name for variable in VARIABLES]
    for name in names:
        if (name in known and "*" not in name) or _REPOSITORY_URL.fullmatch(name):
            continue
        close = difflib.get_close_matches(name, known, n=1)
        meant = f"did you mean {close[0]}=? " if close else ""
        raise ConfigError(
            f"there is no variable {name}=",
            hint=f"{meant}the variables are {' '.join(known)}",
        )


def read_build(variables: Mapping[str, str], folder: Path) -> Build | None:
    """The build that ``variables`` describe; None where they name neither board nor distribution.

    A relative ``out=`` starts at ``folder``.

    :raises ConfigError: for a value that does not exist, or values that do not go together
    """
    check_names(tuple(variables))
    if "distro" not in variables and "board" not in variables:
        if variables:
            raise ConfigError(
                "distro= is missing", hint=f"it is one of {_choices(d.id for d in DISTROS)}"
            )
        return None
    board = _find_board(variables.get("board", "none"))
    platform = _find_platform(board, variables.get("distro"), variables.get("arch"))
    return Build(
        board=board,
        platform=platform,
        products=_read_products(board, variables.get("create")),
        out=folder / variables.get("out", "out"),
        setup=_read_setup(board, platform, variables),
        mirrors=_read_mirrors(variables),
        packages=read_packages(variables.get("install-pkgs", ""), variable="install-pkgs"),
        root_size=_read_root_size(board, variables.get("root-size")),
        tools=_read_tools(variables.get("tools", Tools.borrowed)),
    )


def _choices(names: Iterable[str]) -> str:
    return ", ".join(names)


def _find_board(name: str) -> Board:
    if name not in BOARDS:
        raise ConfigError(f"there is no board {name}", hint=f"board= is one of {_choices(BOARDS)}")
    return BOARDS[name]


def find_distro(name: str) -> Distro:
    """The distribution of this name or alias.

    :raises ConfigError: it lists those that exist
    """
    for distro in DISTROS:
        if name.lower() in (distro.id, distro.name.lower(), *distro.aliases):
            return distro
    names = (" or ".join((distro.id, *distro.aliases)) for distro in DISTROS)
    raise ConfigError(
        f"there is no distribution {name}", hint=f"distro= is one of {_choices(names)}"
    )


def _find_platform(board: Board, distro_name: str | None, arch_name: str | None) -> Platform:
    if distro_name is not None:
        distro = find_distro(distro_name)
    elif len(board.distros) == 1:
        distro = find_distro(board.distros[0])
    else:
        raise ConfigError(
            f"distro= is missing, the board {board.id} suits several",
            hint=f"it is one of {_choices(board.distros or [d.id for d in DISTROS])}",
        )
    if board.distros and distro.id not in board.distros:
        raise ConfigError(
            f"the board {board.id} is not for {distro.id}",
            hint=f"it is for {_choices(board.distros)}",
        )
    return Platform(distro, _find_architecture(board, distro, arch_name))


def _find_architecture(board: Board, distro: Distro, name: str | None) -> Architecture:
    possible = distro.architectures
    if board.architecture:
        possible = tuple(a for a in possible if a is board.architecture)
    if name is None:
        if len(possible) == 1:
            return possible[0]
        host = host_architecture()
        if host in possible:
            return host
        raise ConfigError("arch= is missing", hint=f"it is one of {_choices(possible)}")
    if name not in possible:
        raise ConfigError(
            f"arch={name} does not go with {distro.id} on the board {board.id}",
            hint=f"it is one of {_choices(possible)}",
        )
    return Architecture(name)


def _read_products(board: Board, text: str | None) -> tuple[Product, ...]:
    table = board.partition_table
    possible = tuple(
        p
        for p in Product
        if p is Product.root_tar or (table and (p.role is None or table.with_role(p.role)))
    )
    if text is None:
        return (Product.disk if table else Product.root_tar,)
    products = split_list(text)
    for name in products:
        if name not in possible:
            raise ConfigError(
                f"create={name} cannot be made for the board {board.id}",
                hint=f"it is one of {_choices(possible)}",
            )
    if not products:
        raise ConfigError("create= is empty", hint=f"it is one of {_choices(possible)}")
    return tuple(Product(name) for name in products)


def _read_setup(board: Board, platform: Platform, variables: Mapping[str, str]) -> Setup:
    name = platform.distro.id if board.partition_table is None else board.id
    command_line = board.command_line
    if "append-all" in variables:
        command_line = tuple(variables["append-all"].split())
    return Setup(
        hostname=read_hostname(variables.get("hostname", name)),
        locales=read_locales(variables.get("locales", DEFAULT_LOCALE)),
        users=read_users(variables.get("useradd", "")),
        passwords=read_passwords(variables["chpasswd"]) if variables.get("chpasswd") else (),
        sudo_groups=read_groups(variables.get("sudo-group", "")),
        command_line=command_line,
    )


def _read_mirrors(variables: Mapping[str, str]) -> MirrorChoice:
    repositories = []
    for name, value in sorted(variables.items()):
        match = _REPOSITORY_URL.fullmatch(name)
        if not match:
            continue
        if not re.fullmatch(r"https?://[^/\s]+.*", value):
            raise ConfigError(f"{name}={value} is no address", hint="it starts with https://")
        if match[1] != "parent":
            repositories.append((match[1], value))
    return MirrorChoice(
        parent=variables.get("repo-url-parent", "").rstrip("/"),
        repositories=tuple(repositories),
        trusted_keys=read_fingerprints(variables.get("trust-key", "")),
        offline=read_yes(variables.get("offline", "no"), variable="offline"),
    )


def _read_root_size(board: Board, text: str | None) -> int | None:
    if text is None:
        return None
    if board.partition_table is None:
        raise ConfigError(f"root-size= is of no use for the board {board.id}, which has no disk")
    return read_size(text, variable="root-size")


def _read_tools(text: str) -> Tools:
    try:
        return Tools(text)
    except ValueError:
        raise ConfigError(
            f"there are no tools {text}", hint=f"tools= is one of {_choices(Tools)}"
        ) from None

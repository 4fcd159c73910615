"""Finding the board and the platform that a build names."""

from pathlib import Path

from aimager.config.board_file import add, load_board, load_boards
from aimager.config.own_boards import BOARDS
from aimager.config.parse import choices
from aimager.distros import DISTROS
from aimager.errors import ConfigError
from aimager.model.architecture import Architecture, host_architecture
from aimager.model.board import Board
from aimager.model.distro import Distro, Platform


def known_boards(folder: Path | None) -> dict[str, Board]:
    """All boards by id, the user's own in ``folder`` after ours.

    :raises ConfigError: when one of the user's cannot be read, or has the id of one of ours
    """
    boards = dict(BOARDS)
    for board in load_boards(folder).values() if folder else ():
        add(boards, board, folder or Path())
    return boards


def find_board(name: str, boards: dict[str, Board], start: Path) -> Board:
    """The board of this name, or in the file of this name; relative paths start at ``start``.

    :raises ConfigError: it lists those that exist
    """
    if name.endswith(".py") or "/" in name:
        path = start / name
        board = load_board(path)
        add(dict(boards), board, path)
        return board
    if name not in boards:
        raise ConfigError(
            f"there is no board {name}",
            hint=f"board= is one of {choices(boards)}, or a file: board=./{name}.py",
        )
    return boards[name]


def find_distro(name: str) -> Distro:
    """The distribution of this name or alias.

    :raises ConfigError: it lists those that exist
    """
    for distro in DISTROS:
        if name.lower() in (distro.id, distro.name.lower(), *distro.aliases):
            return distro
    names = (" or ".join((distro.id, *distro.aliases)) for distro in DISTROS)
    raise ConfigError(
        f"there is no distribution {name}", hint=f"distro= is one of {choices(names)}"
    )


def find_platform(board: Board, distro_name: str | None, arch_name: str | None) -> Platform:
    """What ``board`` is built on; where only one is possible, a name may be None.

    :raises ConfigError: for names that do not exist or do not go together
    """
    if distro_name is not None:
        distro = find_distro(distro_name)
    elif len(board.distros) == 1:
        distro = find_distro(board.distros[0])
    else:
        raise ConfigError(
            f"distro= is missing, and the board {board.id} suits several",
            hint=f"it is one of {choices(board.distros or [d.id for d in DISTROS])}",
        )
    if board.distros and distro.id not in board.distros:
        raise ConfigError(
            f"the board {board.id} is not for {distro.id}",
            hint=f"it is for {choices(board.distros)}",
        )
    return Platform(distro, _find_architecture(board, distro, arch_name))


def _find_architecture(board: Board, distro: Distro, name: str | None) -> Architecture:
    possible = distro.architectures
    if board.architecture:
        possible = tuple(a for a in possible if a is board.architecture)
    if not possible:
        raise ConfigError(
            f"{distro.name} does not exist for {board.architecture}, which the board {board.id} has"
        )
    if name is None:
        host = host_architecture()
        return host if host in possible else possible[0]
    found = next((a for a in possible if name in (a.value, a.machine)), None)
    if found is None:
        raise ConfigError(
            f"arch={name} does not go with {distro.id} on the board {board.id}",
            hint=f"it is one of {choices(possible)}",
        )
    return found

"""Finding the board and the platform that a build names."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aimager.config.board_file import UnreadBoard, add, load_board, read_boards
from aimager.config.distro_file import load_distro
from aimager.config.own_boards import BOARD_FAULTS, BOARDS
from aimager.config.parse import choices
from aimager.distros import DISTROS, FAULTS
from aimager.errors import ConfigError
from aimager.model.architecture import Architecture, host_architecture
from aimager.model.board import Board
from aimager.model.distro import Distro, Platform
from aimager.near_names import nearest


@dataclass(frozen=True)
class KnownBoards:
    """All boards ``by_id``, and of those of the user's folder the SHA-256 of their files.

    ``unread`` are files of that folder that would have to be run to be read.
    """

    by_id: Mapping[str, Board] = field(default_factory=lambda: BOARDS)
    sha256: Mapping[str, str] = field(default_factory=dict)
    unread: tuple[UnreadBoard, ...] = ()


def refuse_faults() -> None:
    """Refuse to go on with definitions of ours of which one cannot be made.

    :raises ConfigError: it names the file
    """
    for noun, faults in (("distribution", FAULTS), ("board", BOARD_FAULTS)):
        for path, fault in faults.items():
            raise ConfigError(
                f"the {noun} {path} cannot be made: {fault}",
                hint=f"docs/add-a-{noun}.md says what its file has; remove it, or correct it",
            )


def known_boards(folder: Path | None) -> KnownBoards:
    """Our boards, and after them the user's own in ``folder``, no file of which is run.

    :raises ConfigError: when one of the user's cannot be read, or has the id of one of ours
    """
    boards, digests, unread = dict(BOARDS), dict[str, str](), list[UnreadBoard]()
    for found in read_boards(folder) if folder else ():
        if isinstance(found, UnreadBoard):
            unread.append(found)
            continue
        add(boards, found.board, found.file)
        digests[found.board.id] = found.sha256
    return KnownBoards(boards, digests, tuple(unread))


def find_board(name: str, known: KnownBoards, start: Path) -> tuple[Board, str]:
    """The board of this name, and the SHA-256 of its file if it is the user's own.

    The name of a file has the file run; relative paths start at ``start``.

    :raises ConfigError: it lists those that exist
    """
    if is_file_name(name):
        own = load_board(start / name)
        add(dict(known.by_id), own.board, own.file)
        return own.board, own.sha256
    if name not in known.by_id:
        what = f"there is no board {name}" if name else "board= is empty"
        raise ConfigError(what, hint=_tell_boards(name, known))
    return known.by_id[name], known.sha256.get(name, "")


def is_file_name(name: str) -> bool:
    """Whether what names a board or a distribution is the name of its file."""
    return name.endswith(".py") or "/" in name


def refuse_unread(unread: UnreadBoard) -> ConfigError:
    """What to say where only running a file, which was not named, could tell a board."""
    return ConfigError(
        f"the file {unread.file} was not named, and would have to be run to tell its board:"
        f" {unread.reason}",
        hint=f"name the file itself, which has it run: board={unread.file}",
    )


def _tell_boards(name: str, known: KnownBoards) -> str:
    told = f"{nearest(name, known.by_id)}board= is one that doit boards lists, or a file: "
    if known.unread:
        return f"{told}board={known.unread[0].file} is not read before it is named"
    return f"{told}board=./{name or 'mine'}.py"


def find_distro(name: str, start: Path) -> Distro:
    """The distribution of this name or alias.

    The name of a file has the file run; relative paths start at ``start``.

    :raises ConfigError: it lists those that exist
    """
    return load_distro(start / name) if is_file_name(name) else _known_distro(name)


def _known_distro(name: str) -> Distro:
    for distro in DISTROS:
        if distro.is_called(name):
            return distro
    names = (" or ".join((distro.id, *distro.aliases)) for distro in DISTROS)
    close = nearest(name, (n for distro in DISTROS for n in (distro.id, *distro.aliases)))
    raise ConfigError(
        f"there is no distribution {name}",
        hint=f"{close}distro= is one of {choices(names)}, or a file: distro=./{name or 'mine'}.py",
    )


def find_platform(
    board: Board, distro_name: str | None, arch_name: str | None, start: Path
) -> Platform:
    """What ``board`` is built on; where only one is possible, a name may be None.

    A distribution that is a file, relative to ``start``, is the user's own, who knows which boards
    it is for.

    :raises ConfigError: for names that do not exist or do not go together
    """
    if distro_name is not None:
        distro = find_distro(distro_name, start)
    elif len(board.distros) == 1:
        distro = _known_distro(board.distros[0])
    else:
        raise ConfigError(
            f"distro= is missing, and the board {board.id} suits several",
            hint=f"it is one of {choices(board.distros or [d.id for d in DISTROS])}",
        )
    is_own = distro_name is not None and is_file_name(distro_name)
    if board.distros and not is_own and distro.id not in board.distros:
        raise ConfigError(
            f"the board {board.id} is not for {distro.id}",
            hint=f"it is for {choices(board.distros)}",
        )
    architecture, level = _find_architecture(board, distro, arch_name)
    return Platform(distro, architecture, level=level)


def _find_architecture(board: Board, distro: Distro, name: str | None) -> tuple[Architecture, str]:
    """The architecture, and the level of it that was named; empty where none was."""
    possible = distro.architectures
    if board.architecture:
        possible = tuple(a for a in possible if a is board.architecture)
    if not possible:
        raise ConfigError(
            f"{distro.name} does not exist for {board.architecture}, which the board {board.id}"
            " has",
            hint=f"{distro.name} is for {choices(distro.architectures)}: name another distro="
            " or board=",
        )
    if name is None:
        host = host_architecture()
        return (host if host in possible else possible[0]), ""
    found = next((a for a in possible if name in (a.value, a.machine)), None)
    if found:
        return found, ""
    level = name.replace("-", "_")  # as compilers spell it
    found = next((a for a in possible if level in a.levels), None)
    if found is None:
        levels = (level for a in possible for level in a.levels)
        raise ConfigError(
            f"arch={name} does not go with {distro.id} on the board {board.id}",
            hint=f"it is one of {choices((*possible, *levels))}",
        )
    return found, level

"""Reading the build that the variables of the command line describe."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from aimager.config.cluster import read_build_cluster
from aimager.config.list_files import with_lists
from aimager.config.mirrors import read_mirrors
from aimager.config.own_packages import check_targets, read_own_packages
from aimager.config.parse import choices, read_packages
from aimager.config.paths import check_new
from aimager.config.platform import (
    KnownBoards,
    find_board,
    find_platform,
    is_file_name,
    known_boards,
)
from aimager.config.products import read_image_name, read_products
from aimager.config.remote import read_remote_trust
from aimager.config.repositories import read_repositories, with_own_repositories
from aimager.config.settings import FailedHooks, read_needs, read_settings
from aimager.config.storage import read_disk_from, read_storage
from aimager.config.unknown_names import check_names
from aimager.config.variable import NotForBoardError, Words
from aimager.config.variables import VARIABLES, make_recipe, make_words
from aimager.distros import DISTROS
from aimager.errors import ConfigError
from aimager.files import Readers
from aimager.model.board import Board
from aimager.model.build import Build, Tools
from aimager.packages.lock_file import read_lock_file


def read_build(
    variables: Mapping[str, str],
    folder: Path,
    *,
    epoch: int | None = None,
    name: str = "",
    elsewhere: Mapping[str, Path] | None = None,
) -> Build | None:
    """The build that ``variables`` describe; None where they name neither board nor distribution.

    Relative files and folders start at ``folder``, but those of the variables ``elsewhere`` in
    folders of their own; ``epoch`` is the time that the environment gives, and ``name`` the user's
    for the build. What the lock file says need not be said again.

    :raises ConfigError: for a value that is not valid, or values that do not go together
    """
    check_names(tuple(variables))
    starts = elsewhere or {}
    variables = with_lists(variables, folder, starts)
    lock = _find_lock(starts.get("lock", folder), variables.get("lock"))
    locked = _read_locked(lock, variables) if lock else {}
    is_named = "board" in variables
    variables = {**locked, **variables}
    if "distro" not in variables and "board" not in variables:
        if any(v.describes_build and any(map(v.matches, variables)) for v in VARIABLES):
            raise ConfigError(
                "distro= is missing", hint=f"it is one of {choices(d.id for d in DISTROS)}"
            )
        return None
    words = make_words(variables, folder, starts)
    known = known_boards(boards_folder(variables, words.start("boards")))
    if lock and not is_named:
        _check_locked_board(lock, words.read("board", "none"), known)
    board, board_sha256 = find_board(words.read("board", "none"), known, words.start("board"))
    board = _with_initramfs(board, words)
    board = read_storage(board, words)
    distro, arch = words.read("distro"), words.read("arch")
    platform = find_platform(board, distro, arch, words.start("distro"))
    platform = with_own_repositories(platform, words)
    tools = words.read("tools", Tools.borrowed)
    helper = _read_helper(tools, words)
    borrows = tools is Tools.borrowed and not helper
    repositories = read_repositories(board, platform, words)
    check_targets(words, platform, repositories)
    products = read_products(board, platform, tools, words)
    return Build(
        board=board,
        board_sha256=board_sha256,
        platform=platform,
        products=products,
        out=words.start("out") / _read_out(words),
        setup=read_settings(board, platform, words),
        mirrors=read_mirrors(board, platform, repositories, words, borrows=borrows),
        repositories=repositories,
        packages=words.read("install-pkgs", ()),
        needs=read_needs(board, words),
        root_size=_read_root_size(board, words),
        tools=tools,
        borrow=words.read("borrow", True),
        helper=helper,
        reused_root=words.read("reuse-root-tar"),
        lock=lock,
        compressions=words.read("compress", ()),
        image_name=read_image_name(board, platform, products, words),
        seed=words.read("seed", ""),
        disk_from=read_disk_from(words.read("disk-from"), products, words.start("disk-from")),
        epoch=epoch,
        own_packages=read_own_packages(words),
        remote=words.read("remote", ""),
        remote_trust=(trust := read_remote_trust(words)),
        workers=read_build_cluster(words, trust),
        sign=words.read("sign"),
        pacman_static=words.read("use-pacman-static"),
        memory=words.read("tmpfs-root"),
        report=words.read("report"),
        readers=words.read("readable-by", Readers.nobody),
        overlays=words.read("overlay", ()),
        terminal=words.read("shell"),
        check_twice=words.read("check-twice", False),
        pacman_verifies=words.read("pacman-verifies", False),
        forgives=words.read("failed-hooks", FailedHooks.stop) is FailedHooks.tell,
        recipe=make_recipe(variables),
        name=name,
    )


def boards_folder(variables: Mapping[str, str], folder: Path) -> Path | None:
    """The folder of the user's own boards, if one is named."""
    name = variables.get("boards")
    return folder / name if name else None


def _read_out(words: Words) -> str:
    name: str = words.read("out", "out")
    check_new(name, "out")
    return name


def _find_lock(folder: Path, name: str | None) -> Path | None:
    if name == "":
        raise ConfigError("lock= is empty", hint="it names a file, as lock=image.lock")
    check_new(name or "", "lock")
    return folder / name if name else None


def _read_locked(lock: Path, variables: Mapping[str, str]) -> dict[str, str]:
    """What the lock file says about the build; nothing if the file does not exist yet.

    :raises ConfigError: when it is damaged, or does not exist and has to
    """
    if not lock.exists() and ("distro" in variables or "board" in variables):
        return {}
    lock_file = read_lock_file(lock)
    locked = lock_file.build
    if locked is None:
        if "distro" in variables or "board" in variables:
            return {}
        raise ConfigError(
            f"the lock file {lock} is of several builds: {lock_file.told}",
            hint="name those that you want with board=, or the file of them with builds=",
        )
    # A lock file names none of this machine's files, to be read or run.
    if is_file_name(locked.distro):
        raise ConfigError(
            f"there is no distribution {locked.distro}, which the lock file names",
            hint="name the distribution, or its file, with distro=",
        )
    read_packages(",".join(locked.install_packages), variable="install-pkgs")
    return {
        "distro": locked.distro,
        "board": locked.board,
        "arch": locked.level or locked.architecture,
        "install-pkgs": ",".join(locked.install_packages),
        "add-repos": ",".join(locked.add_repos),
        "repos-first": ",".join(locked.repos_first),
        "repos-for-build": ",".join(locked.repos_for_build),
        **({"initrd-maker": locked.initramfs} if locked.initramfs else {}),
    }


def _check_locked_board(lock: Path, name: str, known: KnownBoards) -> None:
    """Refuse a lock file of a board that nobody has named here: a lock file has nothing run.

    :raises ConfigError: then
    """
    if name not in known.by_id:
        locked = read_lock_file(lock).build
        digest = locked.board_sha256 if locked else ""
        told = f"; its file has the SHA-256 {digest}" if digest else ""
        raise ConfigError(
            f"the lock file {lock} is of {name}, a board that aimager does not have{told}",
            hint="name its file, board=FILE, or the folder of it, boards=FOLDER",
        )


def _read_helper(tools: Tools, words: Words) -> Path | None:
    if words.texts.get("keyring-helper") and tools is Tools.host:
        raise ConfigError(
            "keyring-helper= has no effect with tools=host", hint="leave one of the two out"
        )
    helper: Path | None = words.read("keyring-helper")
    return helper


def _with_initramfs(board: Board, words: Words) -> Board:
    """The board with the initramfs maker that the user wants."""
    maker = words.read("initrd-maker") if words.texts.get("initrd-maker") else None
    return replace(board, initramfs=maker) if maker else board


def _read_root_size(board: Board, words: Words) -> int | None:
    if "root-size" in words and board.partition_table is None:
        raise NotForBoardError(
            f"root-size= has no effect on the board {board.id}, which has no disk",
            hint="board= names one with a disk: doit boards lists them",
            variable="root-size",
        )
    size: int | None = words.read("root-size")
    return size

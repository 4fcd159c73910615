"""Reading the build that the variables of the command line describe."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from aimager.config.failure import STOP, read_failed_hooks, read_terminal
from aimager.config.parse import HERE, choices, read_packages, read_size, read_yes, split_list
from aimager.config.platform import find_board, find_platform, known_boards
from aimager.config.remote import read_remote
from aimager.config.repositories import read_mirrors, read_repositories, with_own_repositories
from aimager.config.settings import read_archives, read_setup
from aimager.config.storage import read_disk_from, read_storage
from aimager.config.unknown_names import check_names
from aimager.config.variables import OF_NO_BUILD
from aimager.distros import DISTROS
from aimager.errors import ConfigError
from aimager.memory import ALL_THERE_IS
from aimager.model.board import Board, Initramfs
from aimager.model.build import Build, Compression, Product, Tools
from aimager.model.partition import SECTOR
from aimager.packages.lock_file import read_lock_file


def read_build(
    variables: Mapping[str, str], folder: Path, *, epoch: int | None = None
) -> Build | None:
    """The build that ``variables`` describe; None where they name neither board nor distribution.

    Relative files and folders start at ``folder``; ``epoch`` is the time that the environment
    gives. What the lock file is of need not be said again.

    :raises ConfigError: for a value that does not exist, or values that do not go together
    """
    check_names(tuple(variables))
    lock = _find_lock(folder, variables.get("lock"))
    if lock:
        variables = {**_read_locked(lock, variables), **variables}
    if "distro" not in variables and "board" not in variables:
        if variables.keys() - {*OF_NO_BUILD, "arch"}:  # arch= alone is for the mirror
            raise ConfigError(
                "distro= is missing", hint=f"it is one of {choices(d.id for d in DISTROS)}"
            )
        return None
    boards = known_boards(boards_folder(variables, folder))
    board = find_board(variables.get("board", "none"), boards, folder)
    board = _with_initramfs(board, variables.get("initrd-maker"))
    board = read_storage(board, variables, folder)
    platform = find_platform(board, variables.get("distro"), variables.get("arch"))
    platform = with_own_repositories(platform, variables)
    tools = _read_tools(variables.get("tools", Tools.borrowed))
    products = _read_products(board, tools, variables.get("create"))
    return Build(
        board=board,
        platform=platform,
        products=products,
        out=folder / variables.get("out", "out"),
        setup=read_setup(board, platform, variables, folder),
        mirrors=read_mirrors(variables),
        repositories=read_repositories(board, platform, variables, folder),
        packages=_read_packages(variables.get("install-pkgs", "")),
        root_size=_read_root_size(board, variables.get("root-size")),
        tools=tools,
        borrow=read_yes(variables.get("borrow", "yes"), variable="borrow"),
        helper=_read_helper(tools, variables.get("keyring-helper", ""), folder),
        reused_root=_read_archive(variables.get("reuse-root-tar", ""), folder, "reuse-root-tar"),
        lock=lock,
        compressions=_read_compressions(variables.get("compress", "none")),
        seed=variables.get("seed", ""),
        disk_from=read_disk_from(variables.get("disk-from"), products, folder),
        epoch=epoch,
        package_folder=_read_folder(variables.get("packages", ""), folder),
        remote=read_remote(variables.get("remote"), folder),
        pacman_static=_read_choice(variables, "use-pacman-static"),
        memory=_read_memory(variables.get("tmpfs-root")),
        report=_read_report(variables.get("report", ""), folder),
        overlays=read_archives(variables.get("overlay", ""), folder, variable="overlay"),
        terminal=read_terminal(variables.get("shell", "no")),
        forgives=read_failed_hooks(variables.get("failed-hooks", STOP)),
    )


def read_builds(
    variables: Mapping[str, str], folder: Path, *, epoch: int | None = None
) -> tuple[Build, ...]:
    """The builds that ``variables`` describe: one for each board that they name.

    :raises ConfigError: as `read_build`, and for boards that cannot be built together
    """
    names = split_list(variables.get("board", ""))
    if len(names) < 2:
        one = {"board": names[0]} if names else {}
        build = read_build({**variables, **one}, folder, epoch=epoch)
        return (build,) if build else ()
    if "lock" in variables:
        raise ConfigError(
            f"lock= is of one board, and board= names {len(names)}",
            hint="give each board a lock file, and name one board at a time",
        )
    builds = [read_build({**variables, "board": n}, folder, epoch=epoch) for n in names]
    made = {build.id: build for build in builds if build}
    if len(made) < len(names):
        raise ConfigError(f"two of board={','.join(names)} have the same id")
    return tuple(made.values())


def boards_folder(variables: Mapping[str, str], folder: Path) -> Path | None:
    """The folder of the user's own boards, if one is named."""
    name = variables.get("boards")
    return folder / name if name else None


def _find_lock(folder: Path, name: str | None) -> Path | None:
    if name == "":
        raise ConfigError("lock= is empty", hint="it names a file, as lock=image.lock")
    return folder / name if name else None


def _read_locked(lock: Path, variables: Mapping[str, str]) -> dict[str, str]:
    """What the lock file says of the build; nothing where it is still to be made.

    :raises ConfigError: when it is damaged, or is missed
    """
    if not lock.exists() and ("distro" in variables or "board" in variables):
        return {}
    locked = read_lock_file(lock).build
    return {
        "distro": locked.distro,
        "board": locked.board,
        "arch": locked.architecture,
        "install-pkgs": ",".join(locked.install_packages),
        "add-repos": ",".join(locked.add_repos),
        **({"initrd-maker": locked.initramfs} if locked.initramfs else {}),
    }


def _read_helper(tools: Tools, text: str, folder: Path) -> Path | None:
    if text and tools is Tools.host:
        raise ConfigError(
            "keyring-helper= is of no use with tools=host", hint="leave one of the two out"
        )
    return _read_archive(text, folder, "keyring-helper")


def _read_archive(text: str, folder: Path, variable: str) -> Path | None:
    archives = read_archives(text, folder, variable=variable)
    if len(archives) > 1:
        raise ConfigError(
            f"{variable}= names {len(archives)} archives, and takes one", hint="name one of them"
        )
    return archives[0] if archives else None


def _read_products(board: Board, tools: Tools, text: str | None) -> tuple[Product, ...]:
    table = board.partition_table
    possible = tuple(
        p
        for p in Product
        if p is Product.root_tar
        or (p is Product.keyring_helper and tools is Tools.borrowed)
        or (p.is_image and table and (p.role is None or table.with_role(p.role)))
    )
    if text is None:
        return (Product.disk if table else Product.root_tar,)
    products = split_list(text)
    for name in products:
        if name not in possible:
            raise ConfigError(
                f"create={name} cannot be made for the board {board.id}",
                hint=f"it is one of {choices(possible)}",
            )
    if not products:
        raise ConfigError("create= is empty", hint=f"it is one of {choices(possible)}")
    return tuple(Product(name) for name in products)


def _with_initramfs(board: Board, name: str | None) -> Board:
    """The board with the initramfs maker that the user wants."""
    if not name:
        return board
    if name not in list(Initramfs):
        raise ConfigError(
            f"there is no initramfs maker {name}",
            hint=f"initrd-maker= is one of {choices(Initramfs)}",
        )
    return replace(board, initramfs=Initramfs(name))


def _read_packages(text: str) -> tuple[str, ...]:
    packages = read_packages(text, variable="install-pkgs")
    for name in packages:
        if name in list(Initramfs):
            raise ConfigError(
                f"install-pkgs={name} is an initramfs maker",
                hint=f"initrd-maker={name} has it make an initramfs for any machine",
            )
    return packages


def _read_choice(variables: Mapping[str, str], name: str) -> bool | None:
    return read_yes(variables[name], variable=name) if name in variables else None


def _read_memory(text: str | None) -> int | None:
    if text in ("yes", "no"):
        return ALL_THERE_IS if text == "yes" else 0
    return read_size(text, variable="tmpfs-root") if text else None


def _read_folder(text: str, folder: Path) -> Path | None:
    if text and not (folder / text).is_dir():
        raise ConfigError(f"packages={text}: there is no such folder", hint=HERE)
    return folder / text if text else None


def _read_report(text: str, folder: Path) -> Path | None:
    if not text:
        return None
    if (folder / text).is_dir() or not (folder / text).parent.is_dir():
        raise ConfigError(f"report={text} cannot be written", hint="name a file in a folder")
    return folder / text


def _read_compressions(text: str) -> tuple[Compression, ...]:
    names = split_list(text)
    if names == ("none",):
        return ()
    for name in names:
        if name not in list(Compression):
            raise ConfigError(
                f"compress={name} is not known",
                hint=f"it is none, or of {choices(Compression)}",
            )
    return tuple(Compression(name) for name in names)


def _read_root_size(board: Board, text: str | None) -> int | None:
    if text is None:
        return None
    if board.partition_table is None:
        raise ConfigError(
            f"root-size= is of no use for the board {board.id}, which has no disk",
            hint="board= names one with a disk: doit boards lists them",
        )
    size = read_size(text, variable="root-size")
    if size % SECTOR:
        raise ConfigError(
            f"root-size={text} is not one of whole sectors of {SECTOR} bytes",
            hint="write it as 8GiB or 900M",
        )
    return size


def _read_tools(text: str) -> Tools:
    try:
        return Tools(text)
    except ValueError:
        raise ConfigError(
            f"there are no tools {text}", hint=f"tools= is one of {choices(Tools)}"
        ) from None

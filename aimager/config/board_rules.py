"""What every board keeps to, one of ours as a user's own: what breaks a rule would be left out
without a word, or fail once all packages are installed."""

from collections.abc import Iterable, Iterator
from itertools import chain

from aimager.config.accounts import is_owner
from aimager.config.file_system_ids import as_printed
from aimager.config.parse import read_packages, read_units
from aimager.config.paths import is_below
from aimager.config.storage import read_subvolumes
from aimager.distros import DISTROS
from aimager.errors import ConfigError
from aimager.model.board import BOARD_ID, Board, Bootloader
from aimager.model.partition import Partition, Subvolume
from aimager.model.settings import AddedFile
from aimager.model.table_rules import check_table

_LONGEST_ID = 63
"""Characters: it is the host name of an image without another, a single label (hostname(7))."""

_Fault = tuple[str, str]
"""What a board has, and what to do about it."""


def check_board(board: Board, told: str) -> None:
    """Refuse a board that breaks a rule; ``told`` is what it is called.

    :raises ConfigError: then
    """
    kinds = (_name_faults, _install_faults, _boot_faults, _raw_faults, _setup_faults)
    for problem, hint in chain.from_iterable(kind(board) for kind in kinds):
        raise ConfigError(f"{told} {problem}", hint=hint)
    table = board.partition_table
    if table:
        check_table(table, f"the partition table of {told}")
        for problem, hint in chain.from_iterable(map(_partition_faults, table.partitions)):
            raise ConfigError(f"the partition table of {told} {problem}", hint=hint)


def _name_faults(board: Board) -> Iterator[_Fault]:
    if not (BOARD_ID.fullmatch(board.id) and len(board.id) <= _LONGEST_ID):
        yield (
            f"has the id {board.id!r}",
            "an id has lower-case letters and digits, with single dashes between them, at most"
            f" {_LONGEST_ID} in all",
        )
    if not (board.name.strip() and board.name.isprintable()):
        yield f"has the name {board.name!r}", "give it words: name= is what lists show"
    for name in board.distros:
        for distro in DISTROS:
            if name != distro.id and distro.is_called(name):
                yield (
                    f"has {name} in distros=, which is another name of {distro.id}",
                    f"write {distro.id}",
                )


def _install_faults(board: Board) -> Iterator[_Fault]:
    yield from _repetitions("distros", board.distros)
    yield from _repetitions("repositories", board.repositories)
    yield from _repetitions("kernels= and packages", board.installs)
    for package in board.installs:
        try:
            is_one = read_packages(package, variable="packages") == (package,)
        except ConfigError:
            is_one = False
        if not is_one:
            yield f"has the package {package!r}, which is not the name of one", "write it as vim"


def _repetitions(field: str, names: Iterable[str]) -> Iterator[_Fault]:
    known = set[str]()
    for name in names:
        if name in known:
            yield f"has {name} twice in {field}=", "leave one out"
        known.add(name)


def _boot_faults(board: Board) -> Iterator[_Fault]:
    yield from _repetitions("bootloaders", board.bootloaders)
    for field, loads in (("devicetree", board.devicetree), ("kernel_room", board.kernel_room)):
        if loads and Bootloader.extlinux not in board.bootloaders:
            yield f"has {field}=, which only extlinux uses", "add it to bootloaders="
    devicetrees = (board.devicetree,) if board.devicetree else ()
    for field, names in (("devicetree", devicetrees), ("boot_files", board.boot_files)):
        for name in names:
            if not is_below(name) or any(map(str.isspace, name)):
                yield (
                    f"has {name!r} in {field}=, which is not a path below a folder",
                    "write it without a leading slash: vendor/board.dtb",
                )
    if board.kernel_room is not None and board.kernel_room < 1:
        yield f"has kernel_room={board.kernel_room}", "it counts bytes; leave it out if unknown"
    for word in board.command_line:
        if word.split() != [word] or not word.isprintable():
            yield f"has {word!r} in command_line=, which is not one word", "separate them: 'a', 'b'"


def _raw_faults(board: Board) -> Iterator[_Fault]:
    if board.raw_pieces and not board.partition_table:
        yield "has raw_pieces=, but no disk for them", "add partition_table=, or leave them out"
    for piece in board.raw_pieces:
        if not is_below(piece.file):
            yield (
                f"has the boot loader {piece.file!r} in raw_pieces=, which is not a path",
                "write it from the root, without a leading slash: boot/u-boot.bin",
            )


def _partition_faults(partition: Partition) -> Iterator[_Fault]:
    identifier = partition.file_system_id
    if identifier and identifier != as_printed(partition.file_system, identifier):
        yield (
            f"has the file system's id {identifier}, which {partition.file_system} has not",
            "write it as blkid prints it, or leave it out: one is made",
        )
    given = partition.subvolumes
    if given and not _are_subvolumes(given):
        yield (
            "has subvolumes with names or folders that cannot be",
            "begin with that of the root: Subvolume('@', '/'), Subvolume('@home', '/home')",
        )


def _are_subvolumes(given: tuple[Subvolume, ...]) -> bool:
    try:
        return read_subvolumes(",".join(f"{v.name}:{v.mount_point}" for v in given)) == given
    except ConfigError:
        return False


def _setup_faults(board: Board) -> Iterator[_Fault]:
    for unit in board.services:
        try:
            is_one = read_units(unit) == (unit,)
        except ConfigError:
            is_one = False
        if not is_one:
            yield f"has {unit!r} in services=, which is not a unit", "write it as sshd.service"
    for file in board.files:
        yield from _file_faults(file)
    for script in board.scripts:
        if not script.name or "/" in script.name or not script.name.isprintable():
            yield f"has the script {script.name!r}, which no file can be called", "use letters"
        if not script.text.startswith("#!"):
            yield (
                f"has the script {script.name!r}, which does not say what program runs it",
                "let its first line be #!/bin/sh",
            )


def _file_faults(file: AddedFile) -> Iterator[_Fault]:
    if not file.path.startswith("/") or not is_below(file.path[1:]):
        yield (
            f"has {file.path!r} in files=, which is not the path of a file in the image",
            "name the file itself, without ..: /etc/motd",
        )
    if not 0 <= file.mode <= 0o7777:
        yield f"has the mode {file.mode:o} in files=", "write it as 0o644"
    if file.owner and not is_owner(file.owner):
        yield f"has the owner {file.owner!r} in files=", "it is USER or USER:GROUP"

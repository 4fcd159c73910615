"""The builds that the tests of caching make, and what is looked for in their caches."""

import errno
import hashlib
import os
import runpy
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aimager.distros import platform_for_host
from aimager.model.architecture import Architecture, host_architecture
from aimager.model.board import Board
from aimager.model.distro import Platform
from tests.support.doit_output import Said, read_output
from tests.support.places import ROOT
from tests.support.runs import Doit

_BOARDS = {Architecture.x86_64: "x64-small", Architecture.aarch64: "aarch64-small"}
_LEFT_OUT = (".git", ".venv", "cache", "out", ".*_cache", "__pycache__", "*.egg-info")
_PIECE = 1 << 20
_ZEROS = bytes(_PIECE)


@dataclass(frozen=True)
class Cell:
    """A board on a platform; ``file`` defines the board, unless it is one of aimager's own."""

    platform: Platform
    board: str
    file: Path | None = None

    @property
    def id(self) -> str:
        """As it stands in the names of tasks and of the results' folder."""
        return f"{self.platform.id}-{self.board}"

    @property
    def words(self) -> tuple[str, str]:
        """The words that ask for it."""
        return f"distro={self.platform.distro.id}", f"board={self.file or self.board}"

    def definition(self) -> Board:
        """What the board's file defines."""
        board: Board = runpy.run_path(str(self.file))["BOARD"]
        return board

    def twin(self, folder: Path, id: str) -> Path:
        """A board in ``folder`` that differs from this one in nothing but its id."""
        assert self.file
        text = self.file.read_text()
        twin = text.replace(f'id="{self.board}"', f'id="{id}"')
        assert twin != text
        path = folder / f"{id}.py"
        path.write_text(twin)
        return path

    def folder(self, doit: Doit) -> Path:
        """Its results."""
        return doit.out / self.id

    def disk(self, doit: Doit) -> Path:
        """Its disk's image."""
        return self.folder(doit) / "disk.img"

    def is_ours(self, subject: str) -> bool:
        """Whether a task's subject is this cell or its platform, in whatever variant."""
        return subject.startswith(self.platform.id)


def cell_of(architecture: Architecture) -> Cell:
    """A UEFI machine of an architecture."""
    board = _BOARDS[architecture]
    file = ROOT / f"tests/support/boards/{board.replace('-', '_')}.py"
    return Cell(platform_for_host(architecture), board, file)


HOST = cell_of(host_architecture())
CELLS = tuple(cell_of(architecture) for architecture in _BOARDS)


def build(doit: Doit, *words: str) -> Said:
    """Run ``doit build``, and read what it says."""
    return read_output(doit.build(*words))


def why(doit: Doit, *words: str) -> Said:
    """Run ``doit why``, and read what it says."""
    done = subprocess.run(
        doit.command("why", *words),
        env=doit.environment,
        cwd=doit.start,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return read_output(done.stdout)


def products(cache: Path, stage: str) -> list[Path]:
    """The files of all that a stage has made, as far as the cache still holds it.

    They lie in ``product/STAGE/SUBJECT/ID/``, beside a record that tells of them.
    """
    found = sorted((cache / "product" / stage).glob("*/[!.]*/*"))
    return [path for path in found if path.is_file() and path.name != "record.json"]


def stored_packages(cache: Path) -> set[str]:
    """The names of all package files that were fetched so far."""
    return {path.name for path in (cache / "pkg").rglob("*.pkg.tar.*") if _is_package(path)}


def _is_package(path: Path) -> bool:
    return path.is_file() and path.suffix in (".zst", ".xz", ".gz") and path.name[0] != "."


def state_of(folder: Path) -> Iterator[tuple[str, int, int]]:
    """Every file below a folder with its size and time, to see that nothing was touched."""
    for path in sorted(folder.rglob("*")):
        found = path.lstat()
        yield str(path.relative_to(folder)), found.st_size, found.st_mtime_ns


def sums(folder: Path, names: tuple[str, ...] = ("disk.img",)) -> dict[str, str]:
    """What tells results from others: equal for equal bytes, however many of zeros are holes."""
    return {name: _sum(folder / name) for name in names}


def _sum(path: Path) -> str:
    """The SHA-256 of a file's size and of where it has what; most of an image is zeros."""
    with path.open("rb") as stream:
        descriptor = stream.fileno()
        size = os.fstat(descriptor).st_size
        digest = hashlib.sha256(f"{size}\n".encode())
        place = _next_data(descriptor, 0, size)
        while place < size:
            content = os.pread(descriptor, _PIECE, place)
            if content != _ZEROS[: len(content)]:
                digest.update(f"{place} {len(content)}\n".encode() + content)
            place = _next_data(descriptor, place + _PIECE, size)
    return digest.hexdigest()


def _next_data(descriptor: int, place: int, size: int) -> int:
    """Where the first piece from ``place`` on begins that is not in a hole; ``size``: nowhere."""
    if place >= size:
        return size
    try:
        found = os.lseek(descriptor, place, os.SEEK_DATA)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        return size
    return found - found % _PIECE


def copy_checkout(target: Path) -> Path:
    """A copy of this checkout that a test may change."""
    shutil.copytree(ROOT, target, ignore=shutil.ignore_patterns(*_LEFT_OUT), symlinks=True)
    return target


def fresh_folder(path: Path) -> Path:
    """An empty folder, whatever was there before."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def flip_byte(path: Path) -> None:
    """Change one byte in the middle of a file and keep its size, if it has any."""
    middle = path.stat().st_size // 2
    with path.open("r+b") as stream:
        stream.seek(middle)
        byte = stream.read(1)
        stream.seek(middle)
        stream.write(bytes(value ^ 0xFF for value in byte))


def truncate(path: Path) -> None:
    """Cut a file off in the middle."""
    os.truncate(path, path.stat().st_size // 2)


def delete(path: Path) -> None:
    """Remove a file."""
    path.unlink()

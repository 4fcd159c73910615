"""The cache of products: each in a folder of its own, found by what it was derived from.

::

    cache/product/TASK/SUBJECT/ID/       the product's files, and record.json
    cache/work/RUN/view/TASK/SUBJECT/    the same files, while a run uses them

A run sees products by hard links in its view. So two runs never meet a product that the other has
just replaced, and nothing is taken away under a run that uses it.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from aimager.files import sha256
from aimager.locks import locked
from aimager.products.record import (
    RECORD,
    KeptFile,
    Record,
    read_record,
    remember,
    write_record,
)

_MADE = ".made"
"""In the view, of a product that the run did not find but made."""


@dataclass(frozen=True)
class Kept:
    """The kept products of one task and one subject, and where a run sees the one it uses."""

    folder: Path
    view: Path

    def records(self) -> list[Record]:
        """Those of all its kept products, the last used one first."""
        folders = [path.parent for path in self.folder.glob(f"[!.]*/{RECORD}")]
        folders.sort(key=lambda folder: (folder / RECORD).stat().st_mtime_ns, reverse=True)
        return [record for folder in folders if (record := read_record(folder))]

    def find(self, id: str) -> Record | None:
        """The record of the product ``id``, damaged or not."""
        record = read_record(self.folder / id)
        return record if record and record.id == id else None

    def others(self, id: str) -> "Iterator[Kept]":
        """Those of other subjects that hold the product ``id``, for a run that sees it as ours."""
        for folder in sorted(self.folder.parent.glob(f"*/{id}")):
            if folder.parent != self.folder:
                yield Kept(folder.parent, self.view)

    def damage(self, record: Record) -> "Damage | None":
        """What is wrong with a kept product's files; None if they are those of the record.

        A file of the recorded size and time is taken as undamaged; one of another time, such as a
        restored cache has, is read once.
        """
        return find_damage(self.folder / record.id, record.files)

    def use(self, record: Record) -> None:
        """Let the run see a kept product, and remember that it was used."""
        folder = self.folder / record.id
        os.utime(folder / RECORD)
        if self.view.is_dir():
            shutil.rmtree(self.view)
        self.view.mkdir(parents=True)
        for name in (*(file.name for file in record.files), RECORD):
            (self.view / name).hardlink_to(folder / name)

    def see(self, record: Record) -> None:
        """Let the run see the record of a product whose files are not there."""
        self.view.mkdir(parents=True, exist_ok=True)
        (self.view / RECORD).unlink(missing_ok=True)
        write_record(record, self.view)

    def keep(self, record: Record) -> None:
        """Keep what lies in the view as the product of ``record``, in place of a damaged one."""
        write_record(record, self.view)
        (self.view / _MADE).touch()
        with self.guarded():
            self._keep(record)

    def _keep(self, record: Record) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{record.id}.", dir=self.folder))
        try:
            for name in (*(file.name for file in record.files), RECORD):
                (folder / name).hardlink_to(self.view / name)
            target = self.folder / record.id
            if target.exists():
                shutil.rmtree(target)
            folder.rename(target)
        except BaseException:
            shutil.rmtree(folder)
            raise

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Keep `aimager.products.prune` from removing a product between seeing and using it."""
        with guard(self.folder.parents[1], shared=True):
            yield

    def forget(self) -> None:
        """Remove all kept products."""
        with guard(self.folder.parents[1]):
            for folder in self.folder.glob("*/"):
                remove_product(folder)
            with suppress(FileNotFoundError):
                self.folder.rmdir()

    @contextmanager
    def making(self, id: str) -> Iterator[bool]:
        """Hold the right to make the product ``id``; yields whether another was making it.

        That may be another task of this build, whose product is the same for another subject.
        """
        with locked(self.folder.parent / f".{id}.lock", keep=True) as waited:
            for unfinished in self.folder.glob(f".{id}.*/"):  # of a build that was killed
                shutil.rmtree(unfinished)
            yield waited


def remove_product(folder: Path) -> None:
    """Remove a kept product, whose files' sums are remembered."""
    remember(folder)
    shutil.rmtree(folder)


@contextmanager
def guard(products: Path, *, shared: bool = False) -> Iterator[None]:
    """Hold the lock of ``products``: who uses them shares it, who removes some does not."""
    with locked(products / ".lock", shared=shared, keep=True):
        yield


def describe_files(
    paths: Sequence[Path], known: Mapping[str, str] | None = None
) -> tuple[KeptFile, ...]:
    """What a record says of a product's files, some of whose SHA-256 may be ``known``."""
    sums = known or {}
    described = []
    for path in paths:
        status = path.stat()
        digest = sums.get(path.name) or sha256(path)
        described.append(KeptFile(path.name, digest, status.st_size, status.st_mtime_ns))
    return tuple(described)


def is_made_by_run(path: Path) -> bool:
    """Whether the product that the file ``path`` of a view is of was made or fetched by the run."""
    return (path.parent / _MADE).exists()


@dataclass(frozen=True)
class Damage:
    """What is wrong with a file, in words, and whether somebody wrote to it."""

    text: str
    is_change: bool = False


def find_damage(folder: Path, files: Sequence[KeptFile]) -> Damage | None:
    """What is wrong with ``files`` in ``folder``; None if nothing is."""
    for file in files:
        path = folder / file.name
        if not path.is_file():
            return Damage(f"{file.name} is missing")
        status = path.stat()
        if status.st_size != file.size:
            bytes_there = f"it has {status.st_size} bytes and not {file.size}"
            return Damage(f"{file.name} is damaged: {bytes_there}")
        if status.st_mtime_ns == file.mtime_ns:
            continue
        if sha256(path) != file.sha256:
            return Damage(f"{file.name} was changed since it was made", is_change=True)
        with suppress(PermissionError):  # then it is read again next time
            os.utime(path, ns=(status.st_atime_ns, file.mtime_ns))
    return None

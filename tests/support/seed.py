"""Cells that a run of the tests builds once: what tests begin with is copied from there."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from aimager.locks import locked
from aimager.products.record import RECORD, read_record
from tests.support.cells import HOST, Cell, fresh_folder
from tests.support.runs import Doit, Warm

KEPT = ("cache", "out")


@dataclass(frozen=True)
class Seed:
    """A cache in which cells are built by whichever worker of ``run`` needs them first.

    The host's own is the first, so that what was said of it is what a cold cache makes it say.
    """

    doit: Doit
    run: str

    @property
    def _lock(self) -> Path:
        return self.doit.folder.with_name(f"{self.doit.folder.name}.lock")

    def _grow(self, cell: Cell) -> str:
        """What was said of the build of a cell, which is made if it was not yet."""
        stamp, said = self.doit.folder / "run", self.doit.folder / f"said.{cell.id}"
        if not stamp.exists() or stamp.read_text() != self.run:
            fresh_folder(self.doit.folder)
            stamp.write_text(self.run)
        if not said.exists():
            said.write_text(self.doit.build(*cell.words))
        return said.read_text()

    def _refuse_written(self) -> None:
        """Fail if a test wrote to a product, whose files all copies share."""
        for path in self.doit.cache.glob(f"product/*/*/[!.]*/{RECORD}"):
            record = read_record(path.parent)
            for file in record.files if record else ():
                status = (path.parent / file.name).stat()
                assert (status.st_size, status.st_mtime_ns) == (file.size, file.mtime_ns), (
                    f"a test wrote to {path.parent / file.name}, which others share"
                )

    def copy(self, folder: Path, *cells: Cell, links: bool = True) -> Warm:
        """A cache and results in ``folder``, where the host's own cell and ``cells`` are built.

        Its files are the seed's own, unless ``links`` is false, as it must be for who writes to
        them; but for logs, which are written in place, and for locks.
        """
        fresh_folder(folder)
        with locked(self._lock):
            said = [self._grow(cell) for cell in (HOST, *cells)]
            self._refuse_written()
            kept = [self.doit.folder / name for name in KEPT]
            subprocess.run(["cp", "-al" if links else "-a", *kept, folder], check=True)
            shutil.rmtree(folder / "cache/log")
            shutil.copytree(self.doit.cache / "log", folder / "cache/log")
        for lock in (folder / "cache").rglob(".*lock"):
            lock.unlink()
        return Warm(Doit(folder, self.doit.variables), said[0])


@dataclass(frozen=True)
class Copies:
    """Copies of the seed below a folder of this worker's."""

    seed: Seed
    folder: Path

    def __call__(self, name: str, *cells: Cell) -> Doit:
        """A copy under a name of its own."""
        return self.seed.copy(self.folder / name, *cells).doit

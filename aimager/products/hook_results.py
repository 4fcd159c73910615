"""What hooks of packages and locale-gen made, for other builds: one kept product for each result.

They lie among the products, and are pruned as these are. A result is known by all that the program
that made it could see (`aimager.sandbox.clean_run`).
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from aimager.files import publish
from aimager.model.workshop import Workshop
from aimager.products.cache import Kept, describe_files
from aimager.products.derivation import Derivation
from aimager.products.record import RECORD, Record
from aimager.sandbox.results import RESULT, DamagedError, read_results

_TASK, _SUBJECT = "hook-results", "all"


@dataclass(frozen=True)
class HookResults:
    """Those of the cache whose products are in the folder ``products``."""

    products: Path

    @classmethod
    def of(cls, workshop: Workshop) -> "HookResults":
        """Those of the cache of a stage's ``workshop``."""
        return cls(workshop.cache / "product")

    @property
    def folder(self) -> Path:
        """Where a worker finds them."""
        return self.products / _TASK / _SUBJECT

    def has(self, key: str) -> bool:
        """Whether there is one of this key."""
        return (self.folder / key / RESULT).exists()

    @staticmethod
    def made_beside(work: Path) -> Path:
        """Where a worker tells what is new, beside the folder of its own that is removed."""
        return work.with_name(f"{work.name}.results")

    @contextmanager
    def receiving(self, made: Path) -> Iterator[None]:
        """Keep what a worker tells in the file ``made`` in the block.

        Any of it may be lost, as all is where the call fails.
        """
        view = made.with_name(f"{made.name}.view")
        try:
            yield
        finally:
            with suppress(OSError):  # such as that of a full disk
                if made.exists():
                    self._receive(made, Kept(self.folder, view))
            made.unlink(missing_ok=True)

    def _receive(self, made: Path, kept: Kept) -> None:
        with made.open("rb") as stream, suppress(DamagedError):
            for key, data in read_results(stream):
                if data:
                    _keep(kept, key, data)
                else:
                    with suppress(FileNotFoundError):  # it was pruned meanwhile
                        os.utime(self.folder / key / RECORD)


def _keep(kept: Kept, key: str, data: bytes) -> None:
    with kept.making(key):
        before = kept.find(key)
        if before and not kept.damage(before):
            return
        with publish(kept.view / RESULT) as temporary:
            temporary.write_bytes(data)
        kept.keep(_record(key, kept.view / RESULT))
    shutil.rmtree(kept.view)


def _record(key: str, path: Path) -> Record:
    return Record(
        task=_TASK,
        subject=_SUBJECT,
        id=key,
        by_content=True,
        derivation=Derivation(_TASK, "", {}, {}, {}),
        made_from={},
        ancestors={},
        packages={},
        files=describe_files([path]),
    )

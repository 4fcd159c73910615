"""Which products go to a shared store, and which are taken from there.

A stage that is ``shared`` shares its product: no secret is in it. A stage whose ``verified()``
tells which packages' signatures are checked by it lets these go there.

What checks signatures, the keyring and the borrowed programs, is made on each machine, of packages
that are verified there. So a store vouches for no key. Products are taken of those only whom the
user allows to sign them (`aimager.products.remote.signed`).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

from aimager.model.lock import LockedPackage
from aimager.model.remote import Remote
from aimager.model.workshop import Workshop
from aimager.products.cache import describe_files
from aimager.products.record import Record
from aimager.products.remote.packages import give_packages
from aimager.products.remote.signed import (
    Found,
    find_product,
    has_product,
    put_product,
    trusted_entry,
)
from aimager.products.remote.store import Entry, SharedFile, is_exposed
from aimager.products.remote.store import take as take_file
from aimager.products.remote.turns import turn
from aimager.products.remote.used import note_use
from aimager.products.stage import Stage, outputs


@runtime_checkable
class _Verifying(Protocol):
    @property
    def workshop(self) -> Workshop: ...

    def verified(self) -> tuple[LockedPackage, ...]: ...


@dataclass
class SharedProduct:
    """The product that ``stage`` makes, of which ``record`` tells but its files, in a store."""

    remote: Remote
    stage: Stage
    record: Record

    def __post_init__(self) -> None:
        self._folder = _folder(self.record)
        self._refused: Found | None = None

    @property
    def _is_taken(self) -> bool:
        """Whether such products are taken from the store."""
        trust = self.remote.trust
        takes = is_shared(self.stage) and trust.takes
        return takes and not (trust.unsigned and is_exposed(self.remote))

    def take(self) -> Record | None:
        """The record with the product's files, which then lie where the stage lays them.

        They must have been made from the same bytes, and be those that the stage makes. None: the
        store has no such product, or still the one that was refused before.
        """
        found = find_product(self.remote, self._folder) if self._is_taken else None
        if found is None or found == self._refused:
            return None
        taken = self._take(found)
        if taken is None:
            self._refused = found
        else:
            note_use(self.remote, self._folder)
        return taken

    def _take(self, found: Found) -> Record | None:
        remote, folder = self.remote, self._folder
        entry = trusted_entry(remote, folder, found)
        targets = {path.name: path for path in outputs(self.stage)}
        made_from = self.record.made_from
        if entry is None or entry.made_from != made_from or entry.names != sorted(targets):
            return None
        is_signed = not remote.trust.unsigned
        if not all(
            take_file(remote, folder, file, targets[file.name], is_signed=is_signed)
            for file in entry.files
        ):
            return None
        return replace(self.record, files=describe_files(list(targets.values())))

    @contextmanager
    def turn(
        self, is_taken: Callable[[], bool], tell: Callable[[str], None], *, waits: bool = True
    ) -> Iterator[bool]:
        """Be the one who makes it, of all that share the store (`aimager.products.remote.turns`).

        Yields True where it has been taken instead, once another had made it.
        """
        if not is_shared(self.stage):
            yield False
            return
        waits = waits and self._is_taken
        with turn(self.remote, self._folder, is_taken, tell, waits=waits) as taken:
            yield taken


def give(remote: Remote, stage: Stage, record: Record, view: Path) -> None:
    """Let what ``stage`` has just made, and ``record`` tells of, and what it has verified, go
    there; the product's files lie in ``view``."""
    if isinstance(stage, _Verifying):
        give_packages(remote, stage.verified(), stage.workshop.store)
    if is_shared(stage):
        files = tuple(SharedFile(file.name, file.sha256, file.size) for file in record.files)
        folder = _folder(record)
        put_product(remote, folder, Entry(files, record.made_from, folder), view)


def is_given(remote: Remote, task: str, id: str) -> bool:
    """Whether the product ``id`` of ``task`` lies there, by somebody who is trusted."""
    return has_product(remote, f"product/{task}/{id}")


def is_shared(stage: Stage) -> bool:
    """Whether its product may lie there for everybody."""
    return getattr(stage, "shared", False)


def _folder(record: Record) -> str:
    """Where its product lies: of whatever subject it is, an equal id is an equal product."""
    return f"product/{record.task}/{record.id}"

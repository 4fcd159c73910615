"""Which products go to a shared store, and which are taken from there.

A stage that is ``shared`` shares its product: no secret is in it. A stage whose ``verified()``
tells which packages' signatures are checked by it lets these go there.

What checks signatures, the keyring and the borrowed programs, is made on each machine, of packages
that are verified there. So a store vouches for no key. Products are taken of those only whom the
user allows to sign them (`aimager.products.remote.signed`).
"""

from dataclasses import replace
from pathlib import Path
from typing import Protocol, runtime_checkable

from aimager.model.lock import LockedPackage
from aimager.model.remote import Remote
from aimager.model.workshop import Workshop
from aimager.products.cache import describe_files
from aimager.products.record import Record
from aimager.products.remote.packages import give_packages
from aimager.products.remote.signed import find_product, has_product, put_product
from aimager.products.remote.store import Entry, SharedFile, is_exposed
from aimager.products.remote.store import take as take_file
from aimager.products.stage import Stage, outputs


@runtime_checkable
class _Verifying(Protocol):
    @property
    def workshop(self) -> Workshop: ...

    def verified(self) -> tuple[LockedPackage, ...]: ...


def take(remote: Remote, stage: Stage, record: Record) -> Record | None:
    """``record`` with the product's files, which then lie where the stage lays them; None: no such.

    They must have been made from the same bytes, and be those that the stage makes.
    """
    trust = remote.trust
    if not is_shared(stage) or not trust.takes or (trust.unsigned and is_exposed(remote)):
        return None
    folder = _folder(record)
    entry = find_product(remote, folder)
    targets = {path.name: path for path in outputs(stage)}
    if entry is None or entry.made_from != record.made_from or entry.names != sorted(targets):
        return None
    is_signed = not trust.unsigned
    if not all(
        take_file(remote, folder, file, targets[file.name], is_signed=is_signed)
        for file in entry.files
    ):
        return None
    return replace(record, files=describe_files(list(targets.values())))


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

"""Making room in a store that machines share: what nobody has used for the longest time goes first.

The record goes before what it names, so that nobody finds half of an entry. One without a record is
just being put there, unless it is older than `UNFINISHED`.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aimager.errors import ConfigError, HostError
from aimager.model.remote import Remote
from aimager.products.inventory import PACKAGES, Item
from aimager.products.prune import Limit, Pruned, choose
from aimager.products.remote.claims import is_claim
from aimager.products.remote.listing import Listed, abort_uploads, list_files, remove_files
from aimager.products.remote.store import RECORD, SIGNATURE
from aimager.products.remote.transport import StoreError, each
from aimager.products.remote.used import USED

UNFINISHED = 24 * 3600.0
"""Seconds in which whoever puts something there has done so."""


@dataclass(frozen=True)
class _Entry:
    """The files in one folder of the store."""

    folder: str
    files: tuple[Listed, ...]

    def changed(self, *names: str) -> float:
        """When one of these files, or with none of all, was last written; 0.0: there is none."""
        wanted = (file.changed for file in self.files if not names or file.name in names)
        return max(wanted, default=0.0)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    def names(self, now: float) -> list[str]:
        """The files in the order in which they are to be removed; whose claim is new keeps it."""
        new = {file.name for file in self.files if is_claim(file.name)} - set(self.old_claims(now))
        order = {RECORD: 0, SIGNATURE: 1}
        names = sorted({file.name for file in self.files} - new)
        return sorted(names, key=lambda name: (is_claim(name), order.get(name, 2)))

    def old_claims(self, now: float) -> list[str]:
        """Claims that were left behind."""
        claims = (file for file in self.files if is_claim(file.name))
        return [file.name for file in claims if file.changed < now - UNFINISHED]

    @property
    def item(self) -> Item:
        """What it is for who chooses."""
        top, kind, _ = self.folder.split("/")
        used = self.changed(RECORD, USED)
        return Item(PACKAGES if top == "pkg" else kind, Path(self.folder), self.size, used)


def prune_store(remote: Remote, limit: Limit) -> Pruned:
    """Remove products and packages from the store until what is left is within ``limit``.

    :raises ConfigError: when it can only be read
    :raises HostError: when it cannot be listed, or something cannot be removed
    """
    if not remote.is_writable:
        raise ConfigError(
            f"the remote store {remote.place} can only be read by http, and so not be pruned",
            hint="name it in remote= as those do who write to it, as s3://BUCKET/FOLDER",
        )
    try:
        return _prune(remote, limit, time.time())
    except StoreError as error:
        raise HostError(
            f"the remote store {remote.place} cannot be pruned: {error}",
            hint="see whether it can be reached, and whether you may list and remove what it has",
        ) from error


def _prune(remote: Remote, limit: Limit, now: float) -> Pruned:
    entries = _entries(list_files(remote))
    total = sum(entry.size for entry in entries.values())
    whole = {name: entry for name, entry in entries.items() if entry.changed(RECORD)}
    unfinished = [
        entry
        for name, entry in entries.items()
        if name not in whole and entry.changed() < now - UNFINISHED
    ]
    left = total - sum(entry.size for entry in unfinished)
    items = sorted((entry.item for entry in whole.values()), key=lambda item: item.used)
    chosen = choose(items, limit, left)
    gone = [*unfinished, *(whole.pop(str(item.folder)) for item in chosen)]
    _remove(remote, {entry.folder: entry.names(now) for entry in gone})
    claims = {name: entry.old_claims(now) for name, entry in whole.items()}
    _remove(remote, {name: left_behind for name, left_behind in claims.items() if left_behind})
    abort_uploads(remote, now - UNFINISHED)
    removed = (*(entry.item for entry in unfinished), *chosen)
    return Pruned(removed, total - sum(item.size for item in removed))


def _entries(files: Sequence[Listed]) -> dict[str, _Entry]:
    folders: dict[str, list[Listed]] = {}
    for file in files:
        folders.setdefault(file.folder, []).append(file)
    return {folder: _Entry(folder, tuple(some)) for folder, some in folders.items()}


def _remove(remote: Remote, names: Mapping[str, Sequence[str]]) -> None:
    """Remove files by the folders in which they lie."""
    each(partial(remove_files, remote), names.keys(), names.values())

"""The record that lies beside a product's files: what they are, and what they were made from."""

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aimager.codec import decode, encode
from aimager.files import ReadOnce, publish_text, sha256
from aimager.products.derivation import Derivation

RECORD = "record.json"

_REMOVED = "removed.json"
"""In the cache, beside its products: the SHA-256 of files of those that were removed."""
_REMEMBERED, _MOST = 32, 512
"""How many sums are kept of a product, and of how many that were removed."""


@dataclass(frozen=True)
class KeptFile:
    """One file of a product; ``mtime_ns`` in nanoseconds since 1970, to see damage by."""

    name: str
    sha256: str
    size: int
    mtime_ns: int


@dataclass(frozen=True)
class Record:
    """A product: ``made_from`` are its input files' SHA-256 by the name of the input,
    ``ancestors`` the ids of all products that it came from, by task, and ``packages`` the versions
    of those of its locks; ``origins`` tells the repositories and files of these.

    What comes after it knows it by ``id``, or, ``by_content``, by its bytes: a lock that comes out
    the same is the same, whatever databases it was resolved from.
    """

    task: str
    subject: str
    id: str
    by_content: bool
    derivation: Derivation
    made_from: dict[str, str]
    ancestors: dict[str, str]
    packages: dict[str, str]
    files: tuple[KeptFile, ...]
    origins: dict[str, str] = field(default_factory=dict)
    earlier: tuple[str, ...] = ()
    """The SHA-256 of files that products of this id had here before."""

    def file(self, name: str) -> KeptFile | None:
        """What is recorded of the file ``name``."""
        return next((file for file in self.files if file.name == name), None)


def write_record(record: Record, folder: Path) -> None:
    """Put the record into ``folder``."""
    publish_text(folder / RECORD, json.dumps(encode(record), indent=1, sort_keys=True) + "\n")


def read_record(folder: Path) -> Record | None:
    """The record in ``folder``; None if it is missing or damaged."""
    try:
        return _records(folder / RECORD)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


def _decode(text: bytes) -> Record | None:
    try:
        record: Record = decode(Record, json.loads(text))
    except (ValueError, TypeError):
        return None
    return record


_records = ReadOnce(_decode)


def sums_of(record: Record) -> tuple[str, ...]:
    """The SHA-256 of the files of a product and of those before it with the same id."""
    return (*record.earlier, *(file.sha256 for file in record.files))[-_REMEMBERED:]


def remember(folder: Path) -> None:
    """Keep the sums of the product in ``folder``, which is to be removed, for `removed_sums`.

    What was made from it is then not taken for made from something that no build has made.
    """
    record = read_record(folder)
    if record is None:
        return
    known, name = _removed(folder), _name(folder)
    sums = dict.fromkeys((*known.pop(name, ()), *sums_of(record)))
    known[name] = list(sums)[-_REMEMBERED:]
    newest = dict(list(known.items())[-_MOST:])
    publish_text(folder.parents[3] / _REMOVED, json.dumps(newest, indent=1) + "\n")


def removed_sums(folder: Path) -> tuple[str, ...]:
    """The sums of the products that were in ``folder``, TASK/SUBJECT/ID, and were removed."""
    return tuple(_removed(folder).get(_name(folder), ()))


def _name(folder: Path) -> str:
    return "/".join(folder.parts[-3:])


def _removed(folder: Path) -> dict[str, list[str]]:
    try:
        known: dict[str, list[str]] = decode(
            dict[str, list[str]], json.loads((folder.parents[3] / _REMOVED).read_bytes())
        )
    except (FileNotFoundError, ValueError, TypeError):
        return {}
    return known


def record_of(path: Path) -> Record | None:
    """The record of the product that the file ``path`` belongs to, if it belongs to one."""
    record = read_record(path.parent)
    return record if record and record.file(path.name) else None


def identity_of(path: Path) -> str:
    """The identity of the file for the products that are made from it."""
    record = record_of(path)
    return sha256_of(path) if record is None or record.by_content else record.id


def sha256_of(path: Path) -> str:
    """The SHA-256 of the file, as recorded, if it is a product's."""
    record = record_of(path)
    kept = record.file(path.name) if record else None
    if kept:
        return kept.sha256
    status = path.stat()
    return _sha256_once(path, status.st_ino, status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=64)
def _sha256_once(path: Path, inode: int, size: int, mtime_ns: int) -> str:
    """Databases are asked for by each of a platform's locks, and are large."""
    return sha256(path)


def provenance(paths: Sequence[Path]) -> dict[str, str]:
    """The ids of the products that ``paths`` are of, by task, and of all those they came from.

    What is known by its content ends the search: where a lock came from changes nothing.
    """
    found: dict[str, str] = {}
    for path in paths:
        record = record_of(path)
        if record:
            found[f"{record.task}:{record.subject}"] = identity_of(path)
            found |= {} if record.by_content else record.ancestors
    return dict(sorted(found.items()))

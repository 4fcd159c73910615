"""An entry of a shared store for the tests: its files, and putting and taking them."""

from pathlib import Path

import fsspec

from aimager.model.remote import Remote
from aimager.products.remote import transport as remote_files
from aimager.products.remote.store import Entry, describe, find, put, take

FOLDER = "product/shout/x:y/0123"
NAMES = ("large.tar.zst", "a-1:2.0+b-1-any.pkg.tar.zst")


def make_source(tmp_path: Path) -> Path:
    """Two files, one of more than two chunks."""
    folder = tmp_path / "source"
    folder.mkdir()
    for name, size in zip(NAMES, (17 << 20, 1000), strict=True):
        (folder / name).write_bytes((name * (size // 10))[:size].encode())
    return folder


def entry_of(source: Path) -> Entry:
    """The entry of all files in a folder."""
    return Entry(tuple(describe(source / name) for name in NAMES), {"lock": "f" * 64})


def shared_folder(tmp_path: Path, run: str = "run") -> Remote:
    """A store that is a folder, as one run sees it."""
    return Remote((tmp_path / "store").as_uri(), tmp_path / run)


def fill(remote: Remote, source: Path) -> Entry:
    """Put the files into the store."""
    entry = entry_of(source)
    put(remote, FOLDER, entry, source)
    assert find(remote, FOLDER) == entry
    return entry


def take_all(remote: Remote, entry: Entry, target: Path) -> list[bool]:
    """Take all files of an entry."""
    return [take(remote, FOLDER, file, target / file.name) for file in entry.files]


def connect_anew() -> None:
    """Forget all connections: a process makes one for each address."""
    remote_files._connect.cache_clear()
    for kind in ("s3", "ssh"):
        fsspec.get_filesystem_class(kind).clear_instance_cache()

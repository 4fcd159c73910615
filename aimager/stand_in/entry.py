"""One member of a package: a file, a directory or a symbolic link, with its owner and mode."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Literal

Kind = Literal["file", "dir", "link"]


@dataclass(frozen=True)
class Entry:
    """``path`` is relative to the root and has no leading ``./``.

    Files of one package with the same non-empty ``inode`` are hard links of each other.
    """

    path: str
    kind: Kind = "file"
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    data: bytes = b""
    target: str = ""
    capability: bytes = b""
    inode: str = ""


def make_directory(path: str, mode: int = 0o755, *, uid: int = 0, gid: int = 0) -> Entry:
    return Entry(path, "dir", mode, uid, gid)


def make_link(path: str, target: str) -> Entry:
    return Entry(path, "link", 0o777, target=target)


def make_file(path: str, data: bytes | str, mode: int = 0o644) -> Entry:
    return Entry(path, "file", mode, data=data.encode() if isinstance(data, str) else data)


def arrange_entries(entries: Iterable[Entry], date: int) -> tuple[Entry, ...]:
    """Sort, add the parent directories that nobody named, and date what has no date.

    Of several entries with one path the last wins: later sources correct earlier ones.
    """
    by_path = {entry.path: entry for entry in entries}
    for path in list(by_path):
        for parent in PurePosixPath(path).parents:
            if parent.name:
                by_path.setdefault(str(parent), make_directory(str(parent)))
    return tuple(
        entry if entry.mtime else replace(entry, mtime=date)
        for _path, entry in sorted(by_path.items(), key=lambda item: item[0].encode())
    )

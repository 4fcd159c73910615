"""What differs between two root archives that ought to be the same, path by path.

Both were packed by us, of trees that packages filled, so they are read in a jail (`call`).
"""

import hashlib
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from aimager.compression import opened
from aimager.sandbox.tree import shown

_CHUNK = 1 << 20
_LINKS = (tarfile.LNKTYPE, tarfile.SYMTYPE)
_TOLD_ELSEWHERE = {"path", "linkpath", "size", "mtime", "uid", "gid", "uname", "gname"}


@dataclass(frozen=True)
class Archives:
    """Two archives of one root, of which ``other`` was made later."""

    one: Path
    other: Path


def find_differences(archives: Archives) -> list[str]:
    """A line for each path that differs, with what of it does, in the order of paths."""
    ones, others = (_read(path) for path in (archives.one, archives.other))
    lines = []
    for path in sorted(ones.keys() | others.keys()):
        one, other = ones.get(path), others.get(path)
        if one is None or other is None:
            lines.append(f"{shown(path)}: it is there {'the first' if one else 'the second'} time")
        elif changed := [name for name in (one | other) if one.get(name) != other.get(name)]:
            lines.append(f"{shown(path)}: {', '.join(map(_told, changed))}")
    return lines


def _told(name: str) -> str:
    return shown(name)[1:]


def _read(path: Path) -> dict[str, dict[str, object]]:
    with opened(path) as stream:
        return dict(read_facts(stream))


def read_facts(stream: IO[bytes]) -> Iterator[tuple[str, dict[str, object]]]:
    """Each path of an archive, with all that the archive says of it by what that is called.

    A further name of a file has the first one as its ``target``; the top is ``.``.
    """
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            facts: dict[str, object] = {
                "kind": member.type,
                "mode": member.mode,
                "owner": (member.uid, member.gid),
                "time": member.pax_headers.get("mtime", member.mtime),
            }
            if member.type in _LINKS:
                facts["target"] = member.linkname
            if member.isreg():
                facts["content"] = _digest(archive, member)
            more = {k: v for k, v in member.pax_headers.items() if k not in _TOLD_ELSEWHERE}
            yield member.name.removeprefix("./"), facts | more
            archive.members.clear()  # type: ignore[attr-defined]  # in which all would stay


def _digest(archive: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    digest = hashlib.sha256()
    content = archive.extractfile(member)
    while content and (chunk := content.read(_CHUNK)):
        digest.update(chunk)
    return digest.hexdigest()

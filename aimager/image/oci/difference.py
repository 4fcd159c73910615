"""What a tree has that the one below it has not, as a layer of an OCI image tells it.

All that is compared is what `aimager.archive.pack_tree` keeps, by content: how a tree came to be
what it is, and on which machine, makes no difference (image-spec's layer.md).
"""

import hashlib
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import IO

from aimager.errors import ImageError
from aimager.sandbox.tree import shown
from aimager.sandbox.tree_changes import by_folders
from aimager.system.archive_difference import read_facts

WHITEOUT = ".wh."
"""What a name begins with that tells of another's removal: that after it."""

_FOLDER = tarfile.DIRTYPE


@dataclass(frozen=True, slots=True)
class Known:
    """What is at a path: a digest of all that is kept of it, and its kind as tar(5) has it.

    ``first`` is another name of the file, if it has one that comes before this.
    """

    digest: bytes
    kind: bytes
    first: str = ""


State = Mapping[str, Known]
"""A tree by its paths; that of the top is empty."""


@dataclass(frozen=True)
class Difference:
    """``paths`` that are new or others, a folder before what lies in it, and ``whiteouts``.

    Those are the paths of the entries that hide what the tree below has. All folders on the way to
    either are among the paths, for an engine that unpacks a layer alone would make them anyhow.
    """

    whiteouts: tuple[str, ...]
    paths: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.paths)


def read_state(stream: IO[bytes]) -> State:
    """What an archive of a whole tree holds.

    :raises ImageError: for a name by which engines would remove something
    """
    state = {}
    for name, facts in read_facts(stream):
        if PurePath(name).name.startswith(WHITEOUT):
            raise ImageError(
                f"{shown(name)} cannot be in an OCI image, where names that begin with"
                f" {WHITEOUT} say what is removed",
                hint="leave out what brings it, or name another product with create=",
            )
        state[_path(name)] = _known(facts)
    return state


def _path(name: PurePath | str) -> str:
    path = str(name)
    return "" if path == "." else path


def _known(facts: Mapping[str, object]) -> Known:
    kind = facts["kind"]
    assert isinstance(kind, bytes), "tarfile has kinds in bytes"
    digest = hashlib.sha256(repr(sorted(facts.items())).encode(errors="surrogateescape"))
    first = str(facts["target"]).removeprefix("./") if kind == tarfile.LNKTYPE else ""
    return Known(digest.digest(), kind, first)


def find_difference(below: State, tree: State) -> Difference:
    """What is to be laid over ``below`` so that it becomes ``tree``."""
    changed = {path for path, known in tree.items() if below.get(path) != known}
    changed |= set(_with_all_names(tree, changed))
    whiteouts = sorted(_whiteouts(below, tree), key=by_folders)
    needed = (folder for path in (*changed, *whiteouts) for folder in _folders(path))
    return Difference(tuple(whiteouts), tuple(sorted({*changed, *needed}, key=by_folders)))


def _with_all_names(tree: State, changed: Iterable[str]) -> Iterator[str]:
    """All names of the files that have one of those: a link leads into its own layer alone."""
    names: dict[str, list[str]] = {}
    for path, known in tree.items():
        if known.first:
            names.setdefault(known.first, [known.first]).append(path)
    firsts = {tree[path].first or path for path in changed}
    return (name for first in firsts for name in names.get(first, ()))


def _whiteouts(below: State, tree: State) -> Iterator[str]:
    """An entry for each path that is gone from a folder which is still there."""
    for path in below.keys() - tree.keys():
        place = PurePath(path)
        folder = tree.get(_path(place.parent))
        if folder and folder.kind == _FOLDER:
            yield str(place.with_name(f"{WHITEOUT}{place.name}"))


def _folders(path: str) -> list[str]:
    return [_path(folder) for folder in PurePath(path).parents] if path else []

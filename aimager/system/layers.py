"""A system in layers: the archive of a root, and of what each later installation changed in it.

So what many systems have in common is packed and kept once, and one more package costs itself. A
layer is a tar whose first member, `_HEAD`, says what to take away from the tree below; the others
are all that is new or different in it, as ``./PATH``. A file without any content is the layer that
changes nothing.
"""

import json
import os
import stat
import tarfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory

from aimager.archive import pack_paths, unpack_tree
from aimager.codec import decode, encode
from aimager.compression import opened
from aimager.digests import Sums
from aimager.errors import ImageError
from aimager.sandbox.tree import Tree
from aimager.sandbox.tree_changes import (
    Seen,
    Snapshot,
    attributes_of,
    by_folders,
    find_changes,
    look,
    look_again,
)
from aimager.sandbox.written_files import WrittenFiles
from aimager.toolbox import Heed, Toolbox

_HEAD = "layer.json"
_ACL = "system.posix_acl_access"


@dataclass(frozen=True)
class Layer:
    """What is ``removed`` from the tree below, and ``paths``, which come in its place.

    Each folder among those is before what lies in it. Some that are there already are made ``bare``
    first: what is made in them would inherit their set-group-ID bit and their default access
    control list (mkdir(2), acl(5)).
    """

    removed: tuple[str, ...]
    bare: tuple[str, ...]
    paths: tuple[str, ...]


@dataclass(frozen=True)
class _Head:
    removed: tuple[str, ...]
    bare: tuple[str, ...]


class Growing:
    """What becomes of ``tree`` from now on, as a layer on what it is now."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._below = look(tree)
        self._written = WrittenFiles(tree)

    def end(self) -> Layer:
        """What it is; the whole tree where the kernel does not tell of all that is written to.

        Whoever may have changed the tree is gone by now.
        """
        self._written.end()
        if not self._written.complete:
            return whole_layer(self._tree)
        return _find_layer(self._tree, self._below, self._written.paths)


def whole_layer(tree: Tree) -> Layer:
    """All of ``tree``, in the place of whatever lies below."""
    return _find_layer(tree, {}, ())


def _find_layer(tree: Tree, below: Snapshot, written: Collection[str]) -> Layer:
    changes = find_changes(tree, look_again(tree, below, written))
    removed = [path for path, _ in changes.removed] if below else [""]
    folders = {path for path, *_ in changes.kept}
    files = [path for path, seen in changes.made if not stat.S_ISSOCK(seen.mode)]
    # Their folders' times change once more when it is laid.
    parents = {str(PurePath(path).parent) for path in (*removed, *folders, *files)}
    folders |= {"", *parents - {".", *removed}}
    paths = sorted({*folders, *files}, key=by_folders)
    bare = sorted(path for path in folders & below.keys() if _passes_on(below[path]))
    return Layer(tuple(removed), ("", *bare), tuple(paths))


def _passes_on(seen: Seen) -> bool:
    return seen.is_folder and bool(seen.attributes or seen.mode & stat.S_ISGID)


def pack_layer(
    tools: Toolbox, tree: Tree, layer: Layer, target: Path, *, epoch: int, sums: Sums | None = None
) -> None:
    """Publish ``target``, a ``.tar.zst`` of ``layer``; times after ``epoch``, in s, become it.

    ``sums`` computes its checksum meanwhile.

    :raises CommandError: when tar or zstd fails
    """
    with TemporaryDirectory(dir=tree.path.parent) as work:
        head = Path(work, _HEAD)
        head.write_text(json.dumps(encode(_Head(layer.removed, layer.bare)), indent=1) + "\n")
        if _ACL in os.listxattr(head):  # of a default one of the folder
            os.removexattr(head, _ACL)
        head.chmod(0o644)
        os.utime(head, (epoch, epoch))
        pack_paths(tools, tree.path, layer.paths, target, head=head, epoch=epoch, sums=sums)


def without_empty(archives: Sequence[Path]) -> list[Path]:
    """Those of a root archive and layers that make a difference."""
    return [path for path in archives if path.stat().st_size]


def lay_layers(
    tools: Toolbox, archives: Sequence[Path], root: Path, *, heed: Heed | None = None
) -> None:
    """Unpack the first of ``archives`` to ``root``, and lay the others, layers, over it in turn.

    None of them is empty (`without_empty`). ``heed`` is `unpack_tree`'s.

    :raises CommandError: when tar fails
    :raises ImageError: when a layer does not fit those below it, or is damaged
    """
    first, *layers = archives
    unpack_tree(tools, first, root, heed=heed)
    for archive in layers:
        _take_away(_read_head(archive), Tree(root))
        unpack_tree(tools, archive, root, without=(_HEAD,), heed=heed)


def _read_head(archive: Path) -> _Head:
    try:
        with opened(archive) as stream, tarfile.open(fileobj=stream, mode="r|") as members:
            member = members.next()
            content = members.extractfile(member) if member and member.name == _HEAD else None
            head: _Head = decode(_Head, json.load(content) if content else None)
    except (tarfile.TarError, ValueError, TypeError) as error:
        raise ImageError(
            f"{archive.name} is not a layer of a system: {error}",
            hint="doit forget install-packages has it made again",
        ) from error
    return head


def _take_away(head: _Head, tree: Tree) -> None:
    for path in head.removed:
        for name in [path] if path else tree.names():
            tree.remove(name)
    for path in head.bare:
        with tree.folder(path, os.O_NOFOLLOW) as folder:
            for name, _ in attributes_of(folder):
                os.removexattr(folder, name)
            os.fchmod(folder, 0o700)

"""A program run where nothing is but what it is given: a root made for it, in a jail of its own.

What it makes follows from that alone, and its key is a digest of all of it. So no program that ran
before in an image, or runs beside it, can have had a hand in what is remembered by that key.
"""

import hashlib
import json
import os
import posixpath
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from aimager import process
from aimager.errors import CommandError, ImageError
from aimager.sandbox.chroot import chroot
from aimager.sandbox.privileges import Limits
from aimager.sandbox.results import Files
from aimager.sandbox.tree import Tree
from aimager.trees import remove_folder

_MAKE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
"""A library may come twice, by the name of a link to its folder, too."""

_FOLDERS = ("usr/bin", "usr/lib")
_FORM = 1
"""Counts up when a root is made in another way of the same files."""


class RefusedError(Exception):
    """It failed, or has something to say, which whoever has it run ought to read."""


@dataclass(frozen=True)
class Given:
    """A file that a program is given at ``path``; of a link, ``content`` is the text.

    ``twin`` is a descriptor of a folder where there is a file of its name, content and mode, that
    nobody changes, and that the program may: it can be given that one itself, by a hard link.
    """

    path: str
    content: bytes
    mode: int = 0o644
    is_link: bool = False
    twin: int | None = None


@dataclass(frozen=True)
class CleanRun:
    """``argv``, run in a root of what ``given`` yields; it makes files in the folder ``makes_in``.

    ``given`` is asked each time, and the files are copied but for those that have twins: what it
    reads may change meanwhile.
    """

    argv: Sequence[str]
    given: Callable[[], Iterable[Given]]
    makes_in: str

    def key(self) -> str:
        """The SHA-256 of all that the program would be given now."""
        for _ in (summed := _Summed(self.argv, self.given())):
            pass
        return summed.key

    def run(self, place: Path, limits: Limits) -> tuple[str, Files]:
        """Run it in ``place``, an empty folder, and return the key of what it made, and that.

        The folder is removed.

        :raises RefusedError: when it fails, or says anything
        """
        place.chmod(0o755)
        try:
            tree = Tree(place)
            for folder in (*_FOLDERS, self.makes_in):
                tree.mkdir(folder)  # which links lead to
            summed = _Summed(self.argv, self.given())
            _lay(tree, summed)
            before = set(tree.names(self.makes_in))
            said: list[str] = []
            with chroot(tree, limits) as image:
                process.run(self.argv, within=image.jail(), watch=said.append, native=True)
            if said:
                raise RefusedError(said[0])
            names = [name for name in tree.names(self.makes_in) if name not in before]
            return summed.key, {name: tree.read_bytes(f"{self.makes_in}/{name}") for name in names}
        except (CommandError, ImageError) as error:
            raise RefusedError(str(error)) from error
        finally:
            remove_folder(place)


class _Summed:
    """Hands on files, and knows the key of all when the last has been taken."""

    def __init__(self, argv: Sequence[str], files: Iterable[Given]) -> None:
        about = [_FORM, *argv, sorted(process.ENVIRONMENT.items())]
        self._digest = hashlib.sha256(json.dumps(about).encode())
        self._files = files

    def __iter__(self) -> Iterator[Given]:
        for file in self._files:
            content = hashlib.sha256(file.content).hexdigest()
            line = f"{file.mode:o} {file.is_link:d} {content} {len(file.path)} {file.path}\n"
            self._digest.update(line.encode(errors="surrogateescape"))
            yield file

    @property
    def key(self) -> str:
        return self._digest.hexdigest()


def _lay(tree: Tree, files: Iterable[Given]) -> None:
    """Make ``files`` in a tree of ours; those of a folder come together."""
    for folder, some in groupby(files, lambda file: posixpath.dirname(file.path)):
        tree.mkdir(folder)
        with tree.folder(folder) as descriptor:
            for file in some:
                if not _link_twin(file, descriptor):
                    _make(file, descriptor)


def _link_twin(file: Given, folder: int) -> bool:
    """Whether the file's twin, if it has one, is in the folder now."""
    name = posixpath.basename(file.path)
    if file.twin is not None:
        with suppress(OSError):  # it is on another file system, say
            os.link(name, name, src_dir_fd=file.twin, dst_dir_fd=folder, follow_symlinks=False)
            return True
    return False


def _make(file: Given, folder: int) -> None:
    name = posixpath.basename(file.path)
    if file.is_link:
        os.symlink(file.content, name, dir_fd=folder)
        return
    made = os.open(name, _MAKE, 0o600, dir_fd=folder)
    with os.fdopen(made, "wb") as stream:
        stream.write(file.content)
        os.fchmod(made, file.mode)

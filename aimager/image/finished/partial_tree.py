"""Part of a finished image's files, as a tree in which set-up can read and write them.

What a folder holds is there with the folder: small files as they are, of larger ones only that
they are there, and folders empty until they are asked for, too.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from aimager.errors import ImageError
from aimager.image.finished.ext4_files import Ext4Files, Found
from aimager.sandbox.owners import held_ids, refuse_owner
from aimager.sandbox.tree import Tree, shown
from aimager.sandbox.tree_changes import Difference

_READ = 1 << 20
"""Bytes of the largest file whose content is there."""
_MOST_FILES, _MOST_BYTES = 50_000, 64 << 20
_MOST_LINKS = 40  # as the kernel follows (path_resolution(7))


class PartialTree:
    """The files of ``trees``, file systems by where they are mounted, as far as they are asked for.

    They lie in ``folder``, which is made, as ``tree``.
    """

    def __init__(self, folder: Path, trees: Mapping[str, Ext4Files]) -> None:
        folder.mkdir(mode=0o755)
        self.tree = Tree(folder)
        self.with_attributes: set[str] = set()
        """Paths of what has extended attributes, which are not there."""
        self._trees = trees
        self._ids = held_ids()
        self._folders: dict[str, Found] = {"": trees[""].top}
        self._loaded: set[str] = set()
        self._made: set[str] = set()
        self._bytes = 0

    def load(self, path: str, *, deep: bool = False) -> None:
        """Have all that lies in the folder that ``path`` leads to; ``deep``: in those below, too.

        Nothing comes of a path that leads to no folder.

        :raises ImageError: when the image holds too much, or is damaged
        :raises HostError: when this machine lacks the id of an owner
        """
        left = [self._resolve(path)]
        while left:
            real = left.pop()
            if real is None or real not in self._folders:
                continue
            self._load(real)
            if deep:
                left += [p for p in self._folders if p.rpartition("/")[0] == real and p]

    def settle(self) -> None:
        """Give folders the owners, modes and times that they have in the image, once filled."""
        for path, found in self._folders.items():
            with self.tree.folder(path, os.O_NOFOLLOW) as descriptor:
                os.fchown(descriptor, *found.owner)
                os.fchmod(descriptor, found.mode & 0o7777)
                os.utime(descriptor, ns=_times(found))

    def unseen(self, found: Difference) -> set[str]:
        """The folders in which something was made, of which nobody has asked what they hold."""
        new = {path.rpartition("/")[0] for path in found.after if path not in found.before}
        return {path for path in new if path in self._folders and path not in self._loaded}

    def _resolve(self, path: str) -> str | None:
        """The path of a folder without links; None: there is none."""
        links, done = 0, ""
        left = [part for part in reversed(path.split("/")) if part]
        while left:
            part = left.pop()
            if part == ".":
                continue
            if part == "..":
                done = done.rpartition("/")[0]
                continue
            found = self._entry(done, part)
            if found is None:
                return None
            if not found.is_link:
                done = f"{done}/{part}" if done else part
                continue
            links += 1
            target = self._files(done)[0].target(found)
            if links > _MOST_LINKS:
                return None
            done = "" if target.startswith("/") else done
            left += [part for part in reversed(target.split("/")) if part]
        return done

    def _entry(self, folder: str, name: str) -> Found | None:
        """What a folder has by that name; its own entry and the ways to it are there then."""
        path = f"{folder}/{name}" if folder else name
        files, inside = self._files(folder)
        if folder not in self._folders:
            return None
        found = files.find(f"{inside}/{name}" if inside else name)
        if found and path not in self._made:
            self._make(folder, name, found, files)
        return found

    def _files(self, folder: str) -> tuple[Ext4Files, str]:
        """The file system that what is in a folder lies in, and the folder's path in that."""
        tops = [t for t in self._trees if folder == t or folder.startswith(f"{t}/") or not t]
        top = max(tops, key=len)
        return self._trees[top], folder[len(top) :].strip("/")

    def _load(self, folder: str) -> None:
        if folder in self._loaded:
            return
        self._loaded.add(folder)
        files, inside = self._files(folder)
        here = files.find(inside)
        if here is None or not here.is_folder:
            return
        for name, found in files.entries(here):
            path = f"{folder}/{name}" if folder else name
            if path not in self._made:
                self._make(folder, name, found, files)

    def _make(self, folder: str, name: str, found: Found, files: Ext4Files) -> None:
        path = f"{folder}/{name}" if folder else name
        refuse_owner(shown(path), *found.owner, self._ids)
        self._made.add(path)
        self._bytes += found.size if found.is_file and found.size <= _READ else 0
        if len(self._made) > _MOST_FILES or self._bytes > _MOST_BYTES:
            raise ImageError(
                f"{files.image.name} holds too many files to be set up so, about {shown(path)}",
                hint="build it anew with these settings",
            )
        if found.has_attributes:
            self.with_attributes.add(path)
        with self.tree.folder(folder, os.O_NOFOLLOW) as descriptor:
            if found.is_folder:
                os.mkdir(name, 0o700, dir_fd=descriptor)
                self._folders[path] = found
            elif found.is_link:
                os.symlink(files.target(found), name, dir_fd=descriptor)
                os.chown(name, *found.owner, dir_fd=descriptor, follow_symlinks=False)
            elif found.is_file:
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
                with os.fdopen(os.open(name, flags, 0o600, dir_fd=descriptor), "wb") as stream:
                    stream.write(files.read(found, _READ) if found.size <= _READ else b"")
                    os.fchown(stream.fileno(), *found.owner)
                    os.fchmod(stream.fileno(), found.mode & 0o7777)
            else:
                return
            os.utime(name, ns=_times(found), dir_fd=descriptor, follow_symlinks=False)


def _times(found: Found) -> tuple[int, int]:
    """What it is read and changed at, in ns."""
    return found.mtime * 10**9, found.mtime * 10**9

"""Changed files in an ext4 image that is made already, by debugfs(8).

It works on a copy of the file system's metadata alone, in a sparse file; what that becomes, and
what is written to blocks that were free, is then taken over.
"""

import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from aimager.errors import ImageError
from aimager.image.changed_image import ChangedImage
from aimager.image.filesystem.ext4_attributes import quoted
from aimager.image.filesystem.ext4_layout import Ext4, Kind, Part, runs
from aimager.image.filesystem.usage import BLOCK
from aimager.model.layout import Extent
from aimager.sandbox.tree import shown
from aimager.sandbox.tree_changes import Changes, Seen, attributes_of
from aimager.toolbox import Toolbox

_VERSION = re.compile(r"debugfs \d")
"""How the line begins that debugfs says first; it complains of all that fails."""

_FULL = re.compile(r"[Cc]ould not allocate|No free space|allocat\w+ .*(?:block|inode)")


def patch_ext4(
    tools: Toolbox, image: ChangedImage, changes: Changes, work: Path, *, label: str, epoch: int
) -> None:
    """Let ``image``, an ext4 of what was there before ``changes``, hold what is there now.

    Times after ``epoch``, in seconds since 1970, become it, as do access and change times.
    ``label`` is what errors call the file system by; ``work`` has room for the changed files.

    :raises ImageError: when there is no room, or a name that debugfs cannot be told
    """
    if not changes:
        return
    with tempfile.TemporaryDirectory(prefix=".patch.", dir=work) as folder:
        _Patch(tools, image, changes, Path(folder), label, epoch).make()


class _Patch:
    def __init__(
        self,
        tools: Toolbox,
        image: ChangedImage,
        changes: Changes,
        work: Path,
        label: str,
        epoch: int,
    ) -> None:
        self.tools = tools
        self.image = image
        self.changes = changes
        self.work = work
        self.label = label
        self.epoch = epoch
        self.contents = 0

    def make(self) -> None:
        scratch = self.work / "metadata"
        parts = list(Ext4(self.image).parts())
        with scratch.open("wb") as stream:
            stream.truncate(self.image.size)
            for part in parts:
                stream.seek(part.extent.start)
                stream.write(self.image.read(part.extent.start, part.extent.size))
        with scratch.open("rb") as stream:
            self._run(scratch, self._removals())
            changed = ChangedImage(stream, Extent(0, self.image.size))
            _refuse_lost(parts, Ext4(changed))
            before = Ext4(changed).blocks_in_use()
            self._run(scratch, self._additions())
            ext4 = Ext4(changed)
            written = list(runs(ext4.blocks_in_use() & ~before))
            self.image.take(changed, [*_metadata(ext4), *written])

    def _run(self, scratch: Path, commands: Iterator[str]) -> None:
        text = "".join(commands)
        if not text:
            return
        env = {"E2FSPROGS_FAKE_TIME": str(self.epoch), "LC_ALL": "C"}
        argv: list[str | Path] = ["debugfs", "-w", "-f", "-", scratch]
        with self.tools.pipe_in(argv, env=env, heed=self._heed) as debugfs:
            debugfs.write(text.encode(errors="surrogateescape"))

    def _heed(self, said: str) -> None:
        """Refuse what debugfs complained of: it goes on, and ends well even if all fails.

        :raises ImageError: then
        """
        wrong = [line for line in said.split("\n") if line and not _VERSION.match(line)]
        if any(_FULL.search(line) for line in wrong):
            raise ImageError(
                f"the {self.label} file system has no room for the files that the settings add",
                hint="give it more with root-size= or table=, or add less with files=",
            )
        if wrong:
            raise ImageError(
                f"debugfs cannot change the {self.label} file system: {wrong[0].strip()}",
                hint="build again; if that does not help, tell which settings it was",
            )

    def _removals(self) -> Iterator[str]:
        for name, seen in self.changes.removed:
            yield f"{'rmdir' if seen.is_folder else 'rm'} {self._name(name)}\n"

    def _additions(self) -> Iterator[str]:
        links: dict[int, list[str]] = {}
        for name, seen in self.changes.made:
            if seen.is_folder:
                yield from self._make(name, "mkdir")
                yield from self._fields(name, seen, self._attributes(name, folder=True))
                continue
            names = links.setdefault(seen.inode, [])
            names.append(name)
            if len(names) > 1:
                yield from self._link(names)
                continue
            yield from self._file(name, seen)
        for name, before, after in self.changes.kept:
            for attribute, _ in before.attributes:
                yield f"ea_rm {self._name(name)} {quoted(attribute)}\n"
            yield from self._fields(name, after, after.attributes)

    def _make(self, name: str, command: str, more: str = "") -> Iterator[str]:
        """Make a file of that name, in whose folder debugfs has to be for it."""
        folder, _, last = name.rpartition("/")
        yield f"cd {self._name(folder)}\n"
        yield f"{command} {self._word(last)} {more}\n"

    def _link(self, names: list[str]) -> Iterator[str]:
        """One name more for a file. The folder does not grow by that, but for another file."""
        yield from self._make(names[-1], f"write {self._file_of(b'')}")
        yield f"rm {self._name(names[-1])}\n"
        yield f"link {self._name(names[0])} {self._name(names[-1])}\n"
        yield f"set_inode_field {self._name(names[0])} links_count {len(names)}\n"

    def _file(self, name: str, seen: Seen) -> Iterator[str]:
        kind, path = stat.S_IFMT(seen.mode), self.changes.path(name)
        if kind == stat.S_IFLNK:
            with self.changes.tree.folder(path.rpartition("/")[0]) as folder:
                target = os.readlink(path.rpartition("/")[2], dir_fd=folder)
            yield from self._make(name, "symlink", self._word(target))
            yield from self._fields(name, seen, ())
        elif kind == stat.S_IFREG:
            yield from self._make(name, f"write {self._content(name)}")
            yield from self._fields(name, seen, self._attributes(name))
        elif kind == stat.S_IFIFO:
            yield from self._make(name, "mknod", "p")
            yield from self._fields(name, seen, ())
        elif kind != stat.S_IFSOCK:  # which no archive and no image holds
            raise ImageError(
                f"{shown(path)} is a device, which no setting makes",
                hint="build again; a program of the image may have made it",
            )

    def _fields(
        self, name: str, seen: Seen, attributes: tuple[tuple[str, bytes], ...]
    ) -> Iterator[str]:
        for attribute, value in attributes:
            file = self._file_of(value)
            yield f"ea_set -f {file} {self._name(name)} {self._word(attribute)}\n"
        user, group = seen.owner
        times = {"atime": self.epoch, "ctime": self.epoch, "crtime": self.epoch}
        fields = {
            "mode": f"0{seen.mode:o}",
            "uid": str(user),
            "gid": str(group),
            "mtime": f"@{min(seen.mtime, self.epoch)}",
            **{field: f"@{value}" for field, value in times.items()},
        }
        for field, text in fields.items():
            yield f"set_inode_field {self._name(name)} {field} {text}\n"

    def _attributes(self, name: str, *, folder: bool = False) -> tuple[tuple[str, bytes], ...]:
        path = self.changes.path(name)
        if folder:
            with self.changes.tree.folder(path, os.O_NOFOLLOW) as descriptor:
                return attributes_of(descriptor)
        with self.changes.tree.open(path) as stream:
            return attributes_of(stream.fileno())

    def _content(self, name: str) -> str:
        """A copy of a file, at a path through which no link of the tree leads."""
        self.contents += 1
        target = self.work / str(self.contents)
        with self.changes.tree.open(self.changes.path(name)) as source, target.open("wb") as copy:
            shutil.copyfileobj(source, copy)
        return quoted(str(target))

    def _file_of(self, content: bytes) -> str:
        self.contents += 1
        path = self.work / str(self.contents)
        path.write_bytes(content)
        return quoted(str(path))

    def _name(self, name: str) -> str:
        return self._word(f"/{name}")

    def _word(self, word: str) -> str:
        # debugfs reads a line at a time, and does what it says.
        if "\n" in word or "\r" in word:
            raise ImageError(
                f"{shown(word)} has a line break in its name, and cannot be added",
                hint="give it another name",
            )
        return quoted(word)


def _refuse_lost(before: Sequence[Part], after: Ext4) -> None:
    """Refuse what debugfs makes of the removal of a file that has a block of attributes.

    The block stays in use, and is nobody's (its kill_file_by_inode()).

    :raises ImageError: then
    """
    blocks = {part.extent.start // BLOCK for part in before if part.kind is Kind.attributes}
    kept = {p.extent.start // BLOCK for p in after.parts() if p.kind is Kind.attributes}
    in_use = after.blocks_in_use()
    if any(in_use >> number & 1 for number in blocks - kept):
        raise ImageError(
            "a file is replaced whose attributes take a block of their own",
            hint="build again; if that does not help, tell which settings it was",
        )


def _metadata(ext4: Ext4) -> list[Extent]:
    """All that debugfs may read or change of what is there."""
    return [part.extent for part in ext4.parts()]

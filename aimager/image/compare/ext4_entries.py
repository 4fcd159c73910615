"""The files of an ext4 image, as they are compared."""

import hashlib
import stat
from collections.abc import Mapping

from aimager.errors import ImageError
from aimager.image.compare.entry import LARGEST_RECORD, Budget, Digest, Entry, Found
from aimager.image.compare.packages import is_record
from aimager.image.finished.ext4_files import Ext4Files
from aimager.image.finished.ext4_files import Found as Inode
from aimager.limits import TAR_NAME as LONGEST_PATH

_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "folder",
    stat.S_IFLNK: "link",
    stat.S_IFCHR: "character device",
    stat.S_IFBLK: "block device",
    stat.S_IFIFO: "pipe",
    stat.S_IFSOCK: "socket",
}


def read_ext4(files: Ext4Files) -> Found:
    """All that lies in the file system, a folder's files in its order.

    :raises ImageError: when it is damaged, or its folders lie in themselves
    """
    reader = _Reader(files)
    top = files.top
    yield "", reader.entry(top), b""
    folders, seen = [("", top)], {top.inode}
    while folders:
        path, folder = folders.pop()
        reader.budget.take_bytes(folder.size)
        for name, found in files.entries(folder):
            below = f"{path}/{name}" if path else name
            if len(below) > LONGEST_PATH:
                raise _damaged(files, "a path is too long for any system")
            reader.budget.take_file()
            if found.is_folder:
                if found.inode in seen:
                    raise _damaged(files, "a folder lies in several")
                seen.add(found.inode)
                folders.append((below, found))
            is_wanted = is_record(below) and found.is_file and found.size <= LARGEST_RECORD
            yield below, reader.entry(found), reader.record(found) if is_wanted else b""


class _Reader:
    """Makes entries; a file of several names is read once."""

    def __init__(self, files: Ext4Files) -> None:
        self.files = files
        self.budget = Budget(files.image.name, files.image.size)
        self._records = Budget(files.image.name, files.image.size)
        self._digests: dict[int, str] = {}

    def entry(self, found: Inode) -> Entry:
        kind = _KINDS.get(stat.S_IFMT(found.mode), "file of an unknown kind")
        target, size = "", found.size if found.is_file else 0
        if found.is_link:
            target = self.files.target(found)
        elif stat.S_ISCHR(found.mode) or stat.S_ISBLK(found.mode):
            target = "{}:{}".format(*self.files.device(found))
        attributes = self.files.attributes(found) if found.has_attributes else {}
        return Entry(
            kind=kind,
            size=size,
            mode=stat.S_IMODE(found.mode),
            owner=found.owner,
            target=target,
            digest=self._digest(found) if found.is_file else "",
            attributes=digest_attributes(attributes),
            time=found.mtime,
        )

    def record(self, found: Inode) -> bytes:
        """What a package's record says."""
        self._records.take_bytes(found.size)
        return self.files.read(found, LARGEST_RECORD)

    def _digest(self, found: Inode) -> str:
        if found.inode not in self._digests:
            digest = Digest(found.size)
            for start, data in self.files.pieces(found):
                self.budget.take_bytes(len(data))
                digest.update(start, data)
            self._digests[found.inode] = digest.finish()
        return self._digests[found.inode]


def digest_attributes(attributes: Mapping[str, bytes]) -> str:
    """The digest of extended attributes, whatever their order; empty: there are none."""
    if not attributes:
        return ""
    told = repr(sorted(attributes.items()))
    return hashlib.sha256(told.encode(errors="surrogateescape")).hexdigest()


def _damaged(files: Ext4Files, why: str) -> ImageError:
    return ImageError(
        f"a file system of {files.image.name} is damaged: {why}",
        hint="take another copy, or build it anew",
    )

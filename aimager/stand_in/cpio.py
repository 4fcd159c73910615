"""Writing the kernel's kind of cpio archive ("newc", Documentation/driver-api/early-userspace)."""

from collections.abc import Mapping
from pathlib import PurePosixPath

_DIRECTORY = 0o040755
_FILE = 0o100644


def write_cpio(files: Mapping[str, bytes]) -> bytes:
    """An archive of the files and their directories, owned by root and dated 1970."""
    members: dict[str, tuple[int, bytes]] = {}
    for path, data in sorted(files.items()):
        for parent in reversed(PurePosixPath(path).parents):
            if parent.name:
                members[str(parent)] = (_DIRECTORY, b"")
        members[path] = (_FILE, data)
    archive = b"".join(
        _write_member(inode, path, mode, data)
        for inode, (path, (mode, data)) in enumerate(members.items(), 1)
    )
    archive += _write_member(0, "TRAILER!!!", 0, b"")
    return archive + b"\0" * (-len(archive) % 512)


def _write_member(inode: int, path: str, mode: int, data: bytes) -> bytes:
    name = path.encode() + b"\0"
    links = 2 if mode == _DIRECTORY else 1
    numbers = (inode, mode, 0, 0, links, 0, len(data), 0, 0, 0, 0, len(name), 0)
    header = b"070701" + b"".join(f"{number:08x}".encode() for number in numbers) + name
    header += b"\0" * (-len(header) % 4)
    return header + data + b"\0" * (-len(data) % 4)

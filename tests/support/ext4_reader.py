"""Reading ext4 in an image, as far as mke2fs writes it (kernel: Documentation/filesystems/ext4)."""

import functools
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from tests.support.node import Node, Window

_EXTENTS = 0x80000
_XATTR_MAGIC = 0xEA020000
_XATTR_PREFIXES = {
    1: "user.", 2: "system.posix_acl_access", 3: "system.posix_acl_default", 4: "trusted.",
    6: "security.", 7: "system.",
}  # fmt: skip
_ROOT = 2


def is_ext4(image: Window) -> bool:
    """Whether there is ext2 or one of its kin."""
    return image.read(1024 + 56, 2) == b"\x53\xef"


def read_ext4(image: Window) -> Iterator[Node]:
    """All files, in the order of their folders' entries."""
    file_system = _Ext4(image)
    yield file_system.node("/", _ROOT)
    yield from file_system.walk("", _ROOT)


@dataclass(frozen=True)
class _Inode:
    number: int
    raw: bytes

    def number_at(self, form: str, at: int) -> int:
        value: int = struct.unpack_from(f"<{form}", self.raw, at)[0]
        return value

    @property
    def mode(self) -> int:
        return self.number_at("H", 0)

    @property
    def size(self) -> int:
        return self.number_at("I", 4) | self.number_at("I", 0x6C) << 32

    @property
    def flags(self) -> int:
        return self.number_at("I", 0x20)

    def facts(self) -> dict[str, str]:
        owner = [self.number_at("H", 2) | self.number_at("H", 0x78) << 16,
                 self.number_at("H", 0x18) | self.number_at("H", 0x7A) << 16]  # fmt: skip
        times = {"mtime": 0x10, "atime": 8, "ctime": 0xC, "crtime": 0x90, "dtime": 0x14}
        return {
            "mode": f"{self.mode:o}",
            "owner": ":".join(map(str, owner)),
            "size": str(self.size),
            "links": str(self.number_at("H", 0x1A)),
            **{name: str(self.number_at("I", at)) for name, at in times.items()},
            "flags": f"{self.flags:#x}",
            "generation": str(self.number_at("I", 0x64)),
        }


class _Ext4:
    def __init__(self, image: Window) -> None:
        self.image = image
        superblock = image.read(1024, 1024)
        first, log_size = struct.unpack_from("<2I", superblock, 0x14)
        self.block_size = 1024 << log_size
        (self.inodes_per_group,) = struct.unpack_from("<I", superblock, 0x28)
        (self.inode_size,) = struct.unpack_from("<H", superblock, 0x58)
        (incompatible,) = struct.unpack_from("<I", superblock, 0x60)
        (size,) = struct.unpack_from("<H", superblock, 0xFE)
        self.descriptor_size = size if incompatible & 0x80 else 32
        self.descriptors = (first + 1) * self.block_size

    def block(self, number: int, count: int = 1) -> bytes:
        return self.image.read(number * self.block_size, count * self.block_size)

    def inode(self, number: int) -> _Inode:
        group, index = divmod(number - 1, self.inodes_per_group)
        at = self.descriptors + group * self.descriptor_size
        descriptor = self.image.read(at, self.descriptor_size)
        (table,) = struct.unpack_from("<I", descriptor, 8)
        if self.descriptor_size >= 64:
            table |= struct.unpack_from("<I", descriptor, 0x28)[0] << 32
        at = table * self.block_size + index * self.inode_size
        return _Inode(number, self.image.read(at, self.inode_size))

    def extents(self, node: bytes) -> Iterator[tuple[int, int, int]]:
        """First block in the file, blocks, and first block on the disk, 0 where it is unwritten."""
        magic, entries, _, depth, _ = struct.unpack_from("<4HI", node)
        assert magic == 0xF30A, "no extents"
        for at in range(12, 12 + 12 * entries, 12):
            if depth:
                _, low, high = struct.unpack_from("<2IH", node, at)
                yield from self.extents(self.block(high << 32 | low))
            else:
                first, count, high, low = struct.unpack_from("<I2HI", node, at)
                written = count <= 32768
                yield first, count if written else count - 32768, (high << 32 | low) * written

    def content(self, inode: _Inode) -> bytes:
        if not inode.flags & _EXTENTS:
            return inode.raw[0x28 : 0x28 + inode.size] if inode.size < 60 else b""
        content = bytearray(inode.size)
        for first, count, start in self.extents(inode.raw[0x28 : 0x28 + 60]):
            if start:
                at = first * self.block_size
                data = self.block(start, count)[: max(inode.size - at, 0)]
                content[at : at + len(data)] = data
        return bytes(content)

    def xattrs(self, inode: _Inode) -> dict[str, str]:
        found: dict[str, bytes] = {}
        if self.inode_size > 128:
            start = 128 + inode.number_at("H", 0x80)
            if inode.raw[start : start + 4] == struct.pack("<I", _XATTR_MAGIC):
                found |= _read_xattrs(inode.raw[start + 4 :], 0)
        number = inode.number_at("I", 0x68) | inode.number_at("H", 0x76) << 32
        if number:
            found |= _read_xattrs(self.block(number), 32)
        return {f"xattr {name}": value.hex() for name, value in sorted(found.items())}

    def node(self, path: str, number: int) -> Node:
        inode = self.inode(number)
        kind = stat.S_IFMT(inode.mode)
        facts = inode.facts() | self.xattrs(inode)
        if kind == stat.S_IFLNK:
            facts["target"] = self.content(inode).decode(errors="replace")
        facts["inode"] = str(number)
        if inode.flags & _EXTENTS:
            extents = self.extents(inode.raw[0x28 : 0x28 + 60])
            facts["blocks"] = " ".join(f"{start}+{count}" for _, count, start in extents)
        regular = kind == stat.S_IFREG
        return Node(path, facts, functools.partial(self.content, inode) if regular else bytes)

    def walk(self, folder: str, number: int) -> Iterator[Node]:
        for name, child in self.entries(self.content(self.inode(number))):
            path = f"{folder}/{name}"
            node = self.node(path, child)
            yield node
            if stat.S_ISDIR(int(node.facts["mode"], 8)):
                yield from self.walk(path, child)

    def entries(self, content: bytes) -> Iterator[tuple[str, int]]:
        at = 0
        while at + 8 <= len(content):
            number, length, name_length, _ = struct.unpack_from("<IHBB", content, at)
            name = content[at + 8 : at + 8 + name_length].decode(errors="surrogateescape")
            if number and name not in (".", ".."):
                yield name, number
            at += max(length, 8)


def _read_xattrs(area: bytes, at: int) -> dict[str, bytes]:
    """The attributes whose entries begin at ``at``, with values counted from the area's start."""
    found = {}
    while area[at : at + 4] not in (bytes(4), b""):
        length, index, offset, _, size, _ = struct.unpack_from("<2BH3I", area, at)
        name = _XATTR_PREFIXES.get(index, f"{index}.") + area[at + 16 : at + 16 + length].decode()
        found[name] = area[offset : offset + size]
        at += 16 + -(-length // 4) * 4
    return found

"""Where two archives or images differ first, and in what: for tests that want equal bytes."""

import io
import shutil
import struct
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aimager.compression import opened
from tests.support.ext4_reader import is_ext4, read_ext4
from tests.support.fat_reader import is_fat, read_fat
from tests.support.node import Node, Window

_CHUNK = 1 << 20
_TYPES = {
    tarfile.REGTYPE: "file", tarfile.AREGTYPE: "file", tarfile.DIRTYPE: "folder",
    tarfile.SYMTYPE: "symbolic link", tarfile.LNKTYPE: "hard link",
}  # fmt: skip
FURTHER = 10
DIFFOSCOPE_LINES = 60
DIFFOSCOPE_SECONDS = 300


def explain(one: Path, other: Path) -> str:
    """The first difference, and the head of what diffoscope says, where that is installed."""
    said = first_difference(one, other)
    diffoscope = shutil.which("diffoscope")
    if not said or diffoscope is None:
        return said
    argv = [diffoscope, "--no-progress", "--max-report-size", "100000", str(one), str(other)]
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=DIFFOSCOPE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"{said}\ndiffoscope was not ready in {DIFFOSCOPE_SECONDS} s"
    return "\n".join([said, *(done.stdout or done.stderr).splitlines()[:DIFFOSCOPE_LINES]])


def first_difference(one: Path, other: Path) -> str:
    """The first path that differs and all that differs in it; nothing where the bytes are equal."""
    at = _first_differing_byte(Window.whole(one), Window.whole(other))
    if at is None:
        return ""
    if ".tar" in one.name:
        with _open_tar(one) as members, _open_tar(other) as others:
            said = _compare(members, others)
        return said or f"no member differs, only their wrapping: {_tell_byte(one, other, at)}"
    return _compare_windows(Window.whole(one), Window.whole(other))


def _compare(ones: list[Node], others: list[Node]) -> str:
    """The first difference of two lists of files."""
    names = [[node.path for node in nodes] for nodes in (ones, others)]
    for here, there, where in ((*names, "first"), (*reversed(names), "second")):
        alone = [path for path in here if path not in set(there)] if here != there else []
        if alone:
            return f"{alone[0]} is only in the {where}"
    found = []
    for index, (one, other) in enumerate(zip(ones, others, strict=False)):
        if one.path != other.path:
            return f"order: {one.path} is number {index} in the first only, there {other.path}"
        told = list(_differing_facts(one, other))
        content, changed = one.read(), other.read()
        if content != changed:
            told.append(_tell_content(content, changed))
        if told:
            found.append(f"{one.path}: {'; '.join(told)}")
    if found:
        return "\n".join((found[0], *_tell_further(found[1:])))
    return "" if len(ones) == len(others) else "order: a path is in one of them twice"


def _tell_further(found: list[str]) -> Iterator[str]:
    if found:
        paths = [line.partition(": ")[0] for line in found]
        more = ", ..." if len(paths) > FURTHER else ""
        yield f"{len(paths)} further paths differ: {', '.join(paths[:FURTHER])}{more}"


def _differing_facts(one: Node, other: Node) -> Iterator[str]:
    for name in dict.fromkeys((*one.facts, *other.facts)):
        values = [node.facts.get(name, "none") for node in (one, other)]
        if values[0] != values[1]:
            yield f"{name} {values[0]}, not {values[1]}"


def _tell_content(one: bytes, other: bytes) -> str:
    pairs = enumerate(zip(one, other, strict=False))
    at = next((i for i, (a, b) in pairs if a != b), min(len(one), len(other)))
    start = max(at - 20, 0)
    return f"content from byte {at} on: {one[start : at + 20]!r}, not {other[start : at + 20]!r}"


@contextmanager
def _open_tar(path: Path) -> Iterator[list[Node]]:
    """The members of an archive, which can be read in the block."""
    with tempfile.TemporaryFile() as plain:
        with opened(path) as stream:
            shutil.copyfileobj(stream, plain, _CHUNK)
        plain.seek(0)
        with tarfile.open(fileobj=plain, mode="r:") as archive:
            yield list(_read_tar(archive))


def _read_tar(archive: tarfile.TarFile) -> Iterator[Node]:
    for member in archive:
        told = {"linkpath", "path", "mtime", "size", "uid", "gid", "uname", "gname"}
        extended = {k: v for k, v in member.pax_headers.items() if k not in told}
        facts = {
            "type": _TYPES.get(member.type, repr(member.type)),
            "mode": f"{member.mode:o}",
            "owner": f"{member.uid}:{member.gid}",
            "owner's name": f"{member.uname}:{member.gname}",
            "mtime": str(member.pax_headers.get("mtime", member.mtime)),
            "size": str(member.size),
            "target": member.linkname,
            **{_name_of(key): repr(value) for key, value in sorted(extended.items())},
        }
        yield Node(member.name, facts, _Reader(archive, member))


def _name_of(header: str) -> str:
    return header.replace("SCHILY.xattr.", "xattr ").replace("SCHILY.acl.", "acl ")


class _Reader:
    """Reads a member's content when it is asked for."""

    def __init__(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        self.archive, self.member = archive, member

    def __call__(self) -> bytes:
        stream = self.archive.extractfile(self.member) if self.member.isreg() else None
        return (stream or io.BytesIO()).read()


def _compare_windows(one: Window, other: Window) -> str:
    """The first difference of two images that are not equal."""
    at = _first_differing_byte(one, other)
    if at is None:
        return ""
    said = ""
    if is_fat(one) and is_fat(other):
        said = _compare(list(read_fat(one)), list(read_fat(other)))
    elif is_ext4(one) and is_ext4(other):
        said = _compare(list(read_ext4(one)), list(read_ext4(other)))
    else:
        said = _compare_partitions(one, other)
    if one.size != other.size:
        said = said or f"the size is {one.size}, not {other.size}"
    return said or f"no file differs: {_tell_byte(one.file, other.file, one.start + at)}"


def _compare_partitions(one: Window, other: Window) -> str:
    pairs = zip(read_partitions(one), read_partitions(other), strict=False)
    for number, (first, second) in enumerate(pairs, 1):
        if first != second:
            return f"partition {number}: its entry is {first}, not {second}"
        windows = [image.part(first.start * 512, first.sectors * 512) for image in (one, other)]
        if said := _compare_windows(*windows):
            return f"partition {number}: {said}"
    return ""


@dataclass(frozen=True)
class GivenPartition:
    """An entry of a partition table; ``start`` and ``sectors`` count 512 bytes."""

    start: int
    sectors: int
    raw: str


def read_partitions(image: Window) -> list[GivenPartition]:
    """The partitions of a GPT, or else an MBR, of a whole disk."""
    head = image.read(512, 512)
    found = []
    if head.startswith(b"EFI PART"):
        at, count, size = struct.unpack_from("<Q2I", head, 72)
        for number in range(count):
            raw = image.read(at * 512 + number * size, size)
            if any(raw[:16]):
                first, last = struct.unpack_from("<2Q", raw, 32)
                found.append(GivenPartition(first, last - first + 1, raw.rstrip(b"\0").hex()))
    elif image.read(510, 2) == b"\x55\xaa":
        for at in range(446, 510, 16):
            raw = image.read(at, 16)
            if raw[4]:
                first, sectors = struct.unpack_from("<2I", raw, 8)
                found.append(GivenPartition(first, sectors, raw.hex()))
    return found


def _tell_byte(one: Path, other: Path, at: int) -> str:
    values = [Window.whole(file).read(at, 16).hex() for file in (one, other)]
    return f"byte {at} on ({at // 4096} whole 4 KiB before) is {values[0]}, not {values[1]}"


def _first_differing_byte(one: Window, other: Window) -> int | None:
    for at in range(0, max(one.size, other.size), _CHUNK):
        chunks = [image.read(at, _CHUNK) for image in (one, other)]
        if chunks[0] != chunks[1]:
            pairs = enumerate(zip(*chunks, strict=False))
            shorter = min(map(len, chunks))
            return at + next((i for i, (a, b) in pairs if a != b), shorter)
    return None

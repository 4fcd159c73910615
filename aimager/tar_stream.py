"""Reading files out of a tar archive that nobody has vouched for, in one pass and little memory.

Python's tarfile reads an extended header of whatever length into memory, follows one after the
other by recursion, and searches them with regular expressions that go back and forth. Here nothing
is held but what is asked for, and every length is looked at before it is read.

As tar(5) of libarchive and pax(1) have it: ustar, GNU's long names, pax's ``path`` and ``size``.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO

from aimager import limits

_BLOCK = 512
_CHUNK = 1 << 16
PIECE = 1 << 20
"""Bytes of a member's content that are read at once, a multiple of every file system's blocks."""
_PAX, _PAX_GLOBAL, _LONG_NAME, _LONG_LINK = b"x", b"g", b"L", b"K"
_REGULAR = (b"0", b"\0", b"7")
_GNU_SPARSE = b"S"
_LARGEST_NUMBER = (1 << 63) - 1  # no system has wider sizes and times (off_t, time_t)
TYPES = {
    **dict.fromkeys(_REGULAR, "file"),
    b"1": "hard link",
    b"2": "link",
    b"3": "character device",
    b"4": "block device",
    b"5": "folder",
    b"6": "pipe",
}
"""What members are, by the letter of their header."""

_IN_A_ROW = 8
"""Extended headers of one member; there are three at most: pax's, and GNU's two."""


class TarError(ValueError):
    """The archive is damaged, or holds more than is taken."""


@dataclass
class _Extension:
    """What extended headers say of the member that follows.

    ``facts`` are pax's keywords that are not fields of their own here.
    """

    name: bytes = b""
    link: bytes = b""
    size: int | None = None
    is_sparse: bool = False
    count: int = field(default=0)
    facts: dict[bytes, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Member:
    """A member of an archive, as tar(5) has it.

    ``kind`` is one of ``TYPES``, or its letter; ``link`` is the target of a link, and ``device``
    the numbers of a device. ``time`` is when its content changed last, in whole seconds since 1970.
    ``attributes`` are the extended ones, with access control lists as star's keywords have them.
    """

    name: str
    kind: str
    size: int
    mode: int
    owner: tuple[int, int]
    time: int
    link: str
    device: tuple[int, int]
    attributes: tuple[tuple[bytes, bytes], ...]


def read_files(
    stream: IO[bytes], wanted: Callable[[str], int], *, members: int = limits.MEMBERS
) -> Iterator[tuple[str, bytes]]:
    """The regular files of an archive by name, in its order, for which ``wanted`` says how large.

    It is asked for the bytes that a file of this name may have at most; 0: it is not wanted. What
    is not is skipped. Names are not changed; bytes that are not UTF-8 become lone surrogates.

    :raises TarError: when it is damaged, a file is larger, or there are more than ``members``
    """
    for header, said, size in _heads(stream, members, limits.TAR_HEADERS):
        name = _decode(said.name or _name(header))
        most = wanted(name) if header[156:157] in _REGULAR else 0
        if most and said.is_sparse:
            raise TarError(f"{name} is a sparse member")
        if most:
            yield name, _content(stream, size, most, name)
        else:
            _skip(stream, _padded(size))


def read_members(
    stream: IO[bytes], *, members: int = limits.MEMBERS
) -> Iterator[tuple[Member, Iterator[bytes]]]:
    """All members of an archive, each with its content in pieces, to be read before the next.

    :raises TarError: when it is damaged, or there are more than ``members``
    """
    for header, said, size in _heads(stream, members, None):
        member = _member(header, said, size)
        if said.is_sparse:
            raise TarError(f"{member.name} is a sparse member")
        left = _Left(size)
        yield member, _pieces(stream, left)
        _skip(stream, left.size + _padded(size) - size)


@dataclass
class _Left:
    """The bytes of a member's content that are not read yet."""

    size: int


def _pieces(stream: IO[bytes], left: _Left) -> Iterator[bytes]:
    while left.size:
        data = _read(stream, min(left.size, PIECE))
        if not data:
            raise TarError("it is cut off")
        left.size -= len(data)
        yield data


def _member(header: bytes, said: _Extension, size: int) -> Member:
    kind, facts = header[156:157], said.facts
    starts = (b"SCHILY.xattr.", b"SCHILY.acl.")
    return Member(
        name=_decode(said.name or _name(header)),
        kind=TYPES.get(kind, _decode(kind)),
        size=size,
        mode=_number(header[100:108]) & 0o7777,
        owner=(
            _fact(facts, b"uid", _number(header[108:116])),
            _fact(facts, b"gid", _number(header[116:124])),
        ),
        time=_fact(facts, b"mtime", _time(header[136:148])),
        link=_decode(said.link or header[157:257].partition(b"\0")[0]),
        device=(_number(header[329:337]), _number(header[337:345])),
        attributes=tuple(sorted((k, v) for k, v in facts.items() if k.startswith(starts))),
    )


def _fact(facts: Mapping[bytes, bytes], key: bytes, usual: int) -> int:
    """A number that pax's headers say, its fraction cut off, or else the usual header."""
    text = facts.get(key)
    if text is None:
        return usual
    whole = text.partition(b".")[0]
    return -_decimal(whole[1:]) if whole.startswith(b"-") else _decimal(whole)


def _heads(
    stream: IO[bytes], members: int, left: int | None
) -> Iterator[tuple[bytes, _Extension, int]]:
    """The header of each member, what extended headers say of it, and its size in bytes.

    Its content, padded, is to be read before the next. ``left`` are the bytes that all extended
    headers may have together, None where that does not matter.
    """
    said, count = _Extension(), 0
    while header := _header(stream, is_first=not count):
        count += 1
        if count > members:
            raise TarError(f"it has more than {members} members")
        kind, size = header[156:157], _number(header[124:136])
        if kind in (_PAX, _PAX_GLOBAL, _LONG_NAME, _LONG_LINK):
            content = _content(stream, size, limits.TAR_HEADER, "a header")
            said.count, left = said.count + 1, left if left is None else left - size
            if left is not None and left < 0:
                raise TarError(f"its headers have more than {limits.TAR_HEADERS} bytes")
            _read_extension(kind, content, said)
            continue
        if kind == _GNU_SPARSE:
            raise TarError("it has a sparse member in GNU's old format")
        yield header, said, size if said.size is None else said.size
        said = _Extension()


def _header(stream: IO[bytes], *, is_first: bool) -> bytes:
    """The next header; empty at the archive's end, which is a block of zeros, or nothing."""
    header = _read(stream, _BLOCK)
    if not header and is_first:
        raise TarError("it is empty")
    if not header or not any(header):
        return b""
    if len(header) < _BLOCK:
        raise TarError("it is cut off")
    if _number(header[148:156]) != sum(header[:148]) + 8 * 32 + sum(header[156:]):
        raise TarError("a header has a wrong checksum")
    return header


def _read_extension(kind: bytes, content: bytes, said: _Extension) -> None:
    if said.count > _IN_A_ROW:
        raise TarError(f"it has more than {_IN_A_ROW} headers for one member")
    if kind == _LONG_NAME:
        said.name = _short(content.partition(b"\0")[0])
    elif kind == _LONG_LINK:
        said.link = _short(content.partition(b"\0")[0])
    elif kind == _PAX:
        for key, value in _records(content):
            if key == b"path":
                said.name = _short(value)
            elif key == b"linkpath":
                said.link = _short(value)
            elif key == b"size":
                said.size = _decimal(value)
            elif key.startswith(b"GNU.sparse"):
                said.is_sparse = True
            else:
                said.facts[key] = value


def _records(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The keywords of a pax header with their values: ``LENGTH KEYWORD=VALUE``, each a line."""
    at = 0
    while at < len(content) and content[at]:
        blank = content.find(b" ", at, at + 8)
        length = _decimal(content[at:blank]) if blank > 0 else 0
        record = content[blank + 1 : at + length]
        key, equals, value = record.partition(b"=")
        if not length or not equals or not value.endswith(b"\n") or at + length > len(content):
            raise TarError("a pax header is damaged")
        yield key, value[:-1]
        at += length


def _short(name: bytes) -> bytes:
    if len(name) > limits.TAR_NAME:
        raise TarError(f"a name has more than {limits.TAR_NAME} bytes")
    return name


def _name(header: bytes) -> bytes:
    name, prefix = header[:100].partition(b"\0")[0], header[345:500].partition(b"\0")[0]
    has_prefix = header[257:263] == b"ustar\0" and prefix  # GNU has other things there
    return prefix + b"/" + name if has_prefix else name


def _number(text: bytes) -> int:
    """A field of a header: octal digits, or as GNU has it, the bytes of a large number."""
    if text[0] == 0x80 and (found := int.from_bytes(text[1:], "big")) <= _LARGEST_NUMBER:
        return found
    digits = text.strip(b" \0")
    if not digits:
        return 0
    if len(digits) > 12 or digits.strip(b"01234567"):
        raise TarError("a header is damaged")
    return int(digits, 8)


def _time(text: bytes) -> int:
    """The same of a time; one before 1970 GNU has as the bytes of a negative number."""
    negative = max(int.from_bytes(text, "big", signed=True), -_LARGEST_NUMBER)
    return negative if text[0] == 0xFF else _number(text)


def _decimal(digits: bytes) -> int:
    if not digits.isdigit() or len(digits) > 18:
        raise TarError("a pax header is damaged")
    return int(digits)


def _decode(name: bytes) -> str:
    return name.decode(errors="surrogateescape")


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _content(stream: IO[bytes], size: int, most: int, name: str) -> bytes:
    if size > most:
        raise TarError(f"{name} has {size} bytes, and not at most {most}")
    content = _read(stream, size)
    if len(content) < size:
        raise TarError("it is cut off")
    _skip(stream, _padded(size) - size)
    return content


def _read(stream: IO[bytes], size: int) -> bytes:
    """``size`` bytes, or as many as there are."""
    content = stream.read(size)
    while len(content) < size and (more := stream.read(size - len(content))):
        content += more
    return content


def _skip(stream: IO[bytes], size: int) -> None:
    """Pass over bytes; that padding is missing at the end, nobody minds."""
    while size and (chunk := stream.read(min(size, _CHUNK))):
        size -= len(chunk)

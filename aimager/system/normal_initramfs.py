"""Initramfs images whose bytes depend on what they hold alone, not on how they were made.

Makers write members in the order in which threads and hash tables come to them, with times and
inodes of the machine, and compress by as many threads as it has. So each image that no package
brought is read, put in order and compressed again by the method it had: a kernel may be configured
to undo that one alone. One that is not understood stays as it is.
"""

import os
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath
from tempfile import TemporaryFile
from threading import Lock
from typing import IO

from aimager import limits, progress
from aimager.compression import DAMAGES, TooLargeError, zstd_argv
from aimager.cpio import Member, NotUnderstoodError, in_order, read_archive, write_archive
from aimager.errors import HostError
from aimager.initramfs_stream import ARCHIVE, Source, Unpacked, method_of
from aimager.packages.local_database import read_file_lists
from aimager.sandbox.tree import Tree, shown
from aimager.toolbox import Toolbox

_FOLDERS = ("boot", "efi")
_BESIDE_MODULES = "usr/lib/modules/*/init*"
_NAMES = ("initramfs-*", "initrd*", "booster-*", "uInitrd*")
_PE_HEADERS = 4096
_TOGETHER = 64 << 20
"""Bytes of images that are put in order side by side, whose content is unpacked to memory."""

_PIECE = 1 << 20

_ZSTD = 3
"""zstd's own default, and so mkinitcpio's: level 9 takes four times as long for 35 MB, of which it
makes 7.9 MB in place of 9.0."""

_PROGRAMS = {
    "gzip": ("gzip", "-n", "-6", "-c"),
    "bzip2": ("bzip2", "-9", "-c"),
    "lzma": ("xz", "--format=lzma", "-6", "-c"),
    "lz4": ("lz4", "-q", "-l", "-9", "-c"),
    "xz": ("xz", "-6", "--check=crc32", f"--block-size={24 << 20}", "--threads=2"),
}
"""Of each method but zstd, what writes equal bytes whatever the machine.

They are programs and not Python's modules, for these are of the host: some build zlib as zlib-ng,
which writes other bytes. The kernel reads lz4's legacy frame alone, and no other check of xz than
CRC32; one thread of xz would write other bytes than two.
"""

_LZ4_END = bytes(4)
"""What tells the kernel that a stream of lz4 is over where something follows it."""


State = tuple[int, int, int]
"""What tells a file from what it was before: size, inode, and time in nanoseconds."""


class _NoProgramError(ValueError):
    """Nothing at hand compresses as the image's maker did."""


@dataclass(frozen=True)
class _Part:
    """Archives that follow one another, and what they are compressed by; empty: nothing."""

    method: str
    archives: tuple[tuple[Member, ...], ...]


def initramfs_states(tree: Tree) -> dict[str, State]:
    """What tells, of each file of ``tree`` that may be one, whether it is still the same."""
    return {path: _state(status) for path, status in _candidates(tree).items()}


def normalize_initramfs(
    tree: Tree, tools: Toolbox, work: Path, *, ordered: Mapping[str, State] | None = None
) -> None:
    """Put in order every initramfs of ``tree`` that came in no package.

    What is unpacked lies in ``work``, without a name. One that cannot be understood, or would be
    larger than `limits.INITRAMFS_UNPACKED` allows, or is compressed by what no program at hand
    does, is told and left. Those that were ``ordered``, and are the same since, are not read.
    """
    unpackaged = list(_unpackaged(tree, ordered or {}))
    for path in unpackaged:
        if _is_unified(tree, path):
            _tell_left(path, "it is inside a unified kernel image")
    found = [path for path in unpackaged if _starts_as_one(tree, path)]
    if not found:
        return
    progress.step(f"putting {' and '.join(PurePath(path).name for path in found)} in order")
    sizes = [status.st_size for path in found if (status := tree.lstat(path))]
    cores = tools.cores if sum(sizes) <= _TOGETHER else 1
    unpacking = Lock()  # two at a time would take twice the memory, and no less time
    with ThreadPoolExecutor(cores) as pool:
        reasons = pool.map(lambda path: _put_in_order(tree, path, tools, work, unpacking), found)
        for path, why in zip(found, reasons, strict=True):
            if why:
                _tell_left(path, why)


def _put_in_order(tree: Tree, path: str, tools: Toolbox, work: Path, unpacking: Lock) -> str:
    """Why an initramfs is left as it is; empty if it is not, or what it is not meant to be."""
    try:
        _normalize(tree, path, tools, work, unpacking)
    except (NotUnderstoodError, TooLargeError, *DAMAGES) as error:
        return str(error) if _is_initramfs(tree, path) else ""
    except _NoProgramError as error:
        return str(error)
    return ""


def _tell_left(path: str, why: str) -> None:
    progress.say(
        f"   the initramfs {shown(path)} stays as its maker left it, so that equal builds may"
        f" differ in it: {why}"
    )


def _is_unified(tree: Tree, path: str) -> bool:
    """Whether it is a PE file with a section .initrd (the UAPI group's UKI specification)."""
    if not path.lower().endswith(".efi"):
        return False
    with tree.open(path) as stream:
        headers = stream.read(_PE_HEADERS)
    return headers.startswith(b"MZ") and b".initrd\0" in headers


def _candidates(tree: Tree) -> dict[str, os.stat_result]:
    """The files that lie where an initramfs does."""
    found = set(tree.glob(_BESIDE_MODULES))
    for folder in _FOLDERS:
        if (status := tree.lstat(folder)) and stat.S_ISDIR(status.st_mode):
            found |= {f"{folder}/{below}" for below, _ in tree.walk(folder)}
    status_of = {path: tree.lstat(path) for path in found}
    return {p: what for p, what in status_of.items() if what and stat.S_ISREG(what.st_mode)}


def _state(status: os.stat_result) -> State:
    """Its size, its inode, and when it was last changed, be it with its times set back."""
    return status.st_size, status.st_ino, status.st_ctime_ns


def _unpackaged(tree: Tree, ordered: Mapping[str, State]) -> Iterator[str]:
    files = [p for p, what in _candidates(tree).items() if ordered.get(p) != _state(what)]
    owned = {path for _, path in read_file_lists(tree)} if files else set()
    yield from sorted(set(files) - owned)


def _starts_as_one(tree: Tree, path: str) -> bool:
    with tree.open(path) as stream:
        start = stream.read(8)
    return start.startswith(ARCHIVE) or bool(method_of(start)) or _is_named_so(path)


def _is_named_so(path: str) -> bool:
    return any(PurePath(path).match(name) for name in _NAMES)


def _is_initramfs(tree: Tree, path: str) -> bool:
    """Whether one that is not understood is meant to be one: kernels are compressed, too."""
    if _is_named_so(path):
        return True
    with tree.open(path) as stream:
        return stream.read(4) == ARCHIVE


def _normalize(tree: Tree, path: str, tools: Toolbox, work: Path, unpacking: Lock) -> None:
    with (
        tree.open(path) as stream,
        TemporaryFile(dir=work) as data,
        TemporaryFile(dir=work) as made,
    ):
        if os.fstat(stream.fileno()).st_size > limits.INITRAMFS:
            raise TooLargeError(f"it is larger than {limits.INITRAMFS >> 20} MiB")
        with unpacking:
            parts = list(_read_parts(stream, data))
        _write_parts(parts, data, made, tools, work)
        if made.tell() > limits.INITRAMFS:
            raise TooLargeError(f"it would become larger than {limits.INITRAMFS >> 20} MiB")
        if not _are_equal(stream, made):
            made.seek(0)
            tree.write(path, iter(partial(made.read, _PIECE), b""))


def _are_equal(one: IO[bytes], other: IO[bytes]) -> bool:
    one.seek(0)
    other.seek(0)
    while piece := one.read(_PIECE):
        if other.read(_PIECE) != piece:
            return False
    return not other.read(1)


def _read_parts(stream: IO[bytes], data: IO[bytes]) -> Iterator[_Part]:
    source = Source(stream)
    number = 0
    source.skip_zeros()
    while start := source.peek(8):
        number += 1
        if number > limits.STREAMS:
            raise TooLargeError("it has too many parts")
        method = "" if start.startswith(ARCHIVE) else method_of(start)
        if start.startswith(ARCHIVE):
            yield _Part("", (tuple(in_order(_one_archive(source, data))),))
        elif method:
            left = limits.INITRAMFS_UNPACKED - data.tell()
            unpacked: IO[bytes] = Unpacked(source, method, left)  # type: ignore[assignment]
            yield _Part(method, tuple(_read_archives(Source(unpacked), data)))
        else:
            raise NotUnderstoodError("it is neither a cpio archive nor compressed in a known way")
        source.skip_zeros()
    if not number:
        raise NotUnderstoodError("it is empty")


def _one_archive(source: Source, data: IO[bytes]) -> list[Member]:
    if source.place % 4:
        raise NotUnderstoodError("an archive in it begins where the kernel finds none")
    return read_archive(source, data)


def _read_archives(source: Source, data: IO[bytes]) -> Iterator[tuple[Member, ...]]:
    source.skip_zeros()
    while source.peek(1):
        yield tuple(in_order(_one_archive(source, data)))
        source.skip_zeros()


def _write_parts(
    parts: Sequence[_Part], data: IO[bytes], made: IO[bytes], tools: Toolbox, work: Path
) -> None:
    argv_of = {part.method: _argv(part.method, tools) for part in parts if part.method}
    before = ""
    for part in parts:
        if before == "lz4":
            made.write(_LZ4_END)
        made.write(bytes(-made.tell() % 4))
        if part.method:
            _compress(part, argv_of[part.method], data, made, tools, work)
        else:
            _write_archives(part, data, made)
        before = part.method


def _argv(method: str, tools: Toolbox) -> list[str]:
    """What compresses by ``method`` from standard input to standard output.

    :raises _NoProgramError: when it is missing
    """
    argv = zstd_argv(tools, _ZSTD) if method == "zstd" else list(_PROGRAMS[method])
    try:
        root = tools.root_of(argv[0])
    except HostError as error:
        raise _NoProgramError(
            f"it is compressed by {method}, and the program {argv[0]} is missing here"
        ) from error
    if tools.borrowed and root is None:
        raise _NoProgramError(
            f"it is compressed by {method}, and the host's {argv[0]} may write other bytes than the"
            " borrowed one, which is missing"
        )
    return argv


def _compress(
    part: _Part,
    argv: Sequence[str],
    data: IO[bytes],
    made: IO[bytes],
    tools: Toolbox,
    work: Path,
) -> None:
    with TemporaryFile(dir=work) as plain, TemporaryFile(dir=work) as packed:
        _write_archives(part, data, plain)
        plain.seek(0)
        tools.pipe_through(argv, plain, packed)
        packed.seek(0)
        shutil.copyfileobj(packed, made, _PIECE)


def _write_archives(part: _Part, data: IO[bytes], target: IO[bytes]) -> None:
    for archive in part.archives:
        write_archive(archive, data, target)

"""Trees as archives that have the same bytes wherever and whenever they are packed."""

import gzip
import io
import lzma
import os
import shutil
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import tarfile
import zstandard

from aimager import files
from aimager.errors import ConfigError, ImageError
from aimager.toolbox import Toolbox

LEVEL = 3
"""zstd's compression level unless told; with two workers, about 400 MB of a root a second."""

MEMBERS_LIMIT = 64 << 20
"""No more bytes than these are read out of a package into memory."""

_CHUNK = 1 << 20
_ZSTD_INPUT = 1 << 13

_DAMAGES = (
    tarfile.TarError,
    zstandard.ZstdError,
    lzma.LZMAError,
    zlib.error,
    gzip.BadGzipFile,
    EOFError,
)

# Only what belongs to the files: a host adds security.selinux, an overlay trusted.overlay.*.
_XATTRS = ("--xattrs", "--xattrs-include=security.capability", "--xattrs-include=user.*", "--acls")


def pack_tree(
    tools: Toolbox,
    root: Path,
    target: Path,
    *,
    epoch: int,
    exclude: tuple[str, ...] = (),
    level: int = LEVEL,
    threads: int = 2,
) -> None:
    """Publish ``target``, a ``.tar`` or ``.tar.zst`` of all below ``root``, by GNU tar.

    It keeps owners as numbers, modes, hard links, capabilities, ``user.*`` attributes and access
    control lists. Sockets are left out, and so is what one of the patterns of ``exclude``
    matches: shell wildcards that match no slash, relative to ``root``, so ``tmp/*`` leaves an
    empty tmp. Times after ``epoch`` (seconds since 1970) become it.

    zstd's stream is one with ``threads`` = 0 and another with any other number: it is at least 1.

    :raises CommandError: when tar fails, which it also does when a file changes under it
    :raises ConfigError: when the name of ``target`` tells no known compression
    """
    argv = [
        "tar",
        "--create",
        "--file=-",
        f"--directory={root}",
        "--sort=name",
        "--format=posix",
        # Else the names of the extended headers hold tar's process id.
        "--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime",
        f"--mtime=@{epoch}",
        "--clamp-mtime",
        "--numeric-owner",
        *_XATTRS,
        "--anchored",
        "--wildcards",
        "--no-wildcards-match-slash",
        *(f"--exclude=./{pattern}" for pattern in exclude),
        ".",
    ]
    compressed = _is_compressed(target)
    with files.publish(target) as temporary, temporary.open("wb") as stream:
        with tools.pipe_out(argv) as tree:
            if not compressed:
                shutil.copyfileobj(tree, stream, _CHUNK)
                return
            compressor = zstandard.ZstdCompressor(
                level=level, threads=max(threads, 1), write_checksum=True
            )
            compressor.copy_stream(tree, stream, read_size=_CHUNK, write_size=_CHUNK)


def _is_compressed(target: Path) -> bool:
    if target.name.endswith(".tar"):
        return False
    if target.name.endswith(".tar.zst"):
        return True
    raise ConfigError(
        f"{target.name} is no name of an archive that can be made",
        hint="let it end in .tar or .tar.zst",
    )


def unpack_tree(tools: Toolbox, archive: Path, root: Path) -> None:
    """Unpack ``archive`` (.tar, or that in zst, xz or gz) to ``root``, made if missing.

    Restores all that `pack_tree` keeps, the mode and time of ``root`` itself included. Device
    nodes make it fail: the kernel refuses them to a user namespace, so no tree has any.

    :raises CommandError: when tar fails
    :raises ImageError: when the archive's compression is damaged
    """
    root.mkdir(parents=True, exist_ok=True)
    argv = [
        "tar",
        "--extract",
        "--file=-",
        f"--directory={root}",
        "--preserve-permissions",
        "--same-owner",
        "--numeric-owner",
        *_XATTRS,
        "--warning=no-timestamp",  # the clock of a board may be behind the archive's times
    ]
    with _damage_of(archive), opened(archive) as stream, tools.pipe_in(argv) as tree:
        shutil.copyfileobj(stream, tree, _CHUNK)


@contextmanager
def opened(archive: Path) -> Iterator[IO[bytes]]:
    """Yield what ``archive`` holds, decompressed as the end of its name tells.

    The damages that reading it may meet are turned into ImageError by `read_members` and the
    rest here; truncation is always noticed.
    """
    with archive.open("rb") as stream:
        match archive.suffix:
            case ".zst":
                yield io.BufferedReader(_ZstdReader(stream), _CHUNK)
            case ".xz":
                with lzma.open(stream) as text:
                    yield text
            case ".gz":
                with gzip.open(stream) as text:
                    yield text
            case _:
                yield stream


class _ZstdReader(io.RawIOBase):
    """Decompress zstd frames; zstandard's own reader takes a truncated one for a whole one."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream
        self.frame = zstandard.ZstdDecompressor().decompressobj()
        self.begun = False
        self.ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]
        while not self.ready:
            # Little, for 4 bytes of zstd may become 128 KiB.
            chunk = self.frame.unused_data if self.frame.eof else b""
            if self.frame.eof:
                self.frame = zstandard.ZstdDecompressor().decompressobj()
                self.begun = False
            chunk = chunk or self.stream.read(_ZSTD_INPUT)
            if not chunk:
                if self.begun:
                    raise EOFError("the last zstd frame is cut off")
                return 0
            self.begun = True
            self.ready = memoryview(self.frame.decompress(chunk))
        size = min(len(buffer), len(self.ready))
        buffer[:size] = self.ready[:size]
        self.ready = self.ready[size:]
        return size


@contextmanager
def _damage_of(archive: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGES as error:
        raise ImageError(
            f"{archive.name} is damaged: {error}", hint=f"remove {archive} and build again"
        ) from error


def read_members(package: Path, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """The regular files of ``package`` whose names ``wanted`` accepts, without writing anything.

    Names are as pacman lists them: relative, without a leading ``./``. Links are not followed,
    and are no regular files.

    :raises ImageError: when the package is damaged or the files are more than `MEMBERS_LIMIT`
    """
    found: dict[str, bytes] = {}
    total = 0
    with _damage_of(package), opened(package) as stream:
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                name = member_name(package, member)
                if not member.isreg() or not wanted(name):
                    continue
                total += member.size
                if total > MEMBERS_LIMIT:
                    raise ImageError(
                        f"{package.name} holds more than {MEMBERS_LIMIT >> 20} MiB of the files"
                        f" that were looked for, {name} being the last of them"
                    )
                content = archive.extractfile(member)
                assert content
                found[name] = content.read()
    return found


def member_name(package: Path, member: tarfile.TarInfo) -> str:
    """The path of ``member`` relative to a root; empty is the root itself.

    :raises ImageError: when it leads out of the root
    """
    parts = [part for part in member.name.split("/") if part not in ("", ".")]
    if member.name.startswith("/") or ".." in parts:
        raise ImageError(f"{package.name} holds a file outside the root: {member.name}")
    return "/".join(parts)

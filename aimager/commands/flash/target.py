"""A disk, or a file in its place, while an image is written to it and read back.

What the kernel has only in memory does not count as written: it is brought to the device now and
then, and is read back past the kernel's memory (O_DIRECT), or, of a file, once that has let go of
it. The first MiB, where a partition table and a boot loader are, is empty until all else is there:
nothing starts from what is half written, nor takes it for what it held before. So is, in the end,
the last MiB of a larger disk, where another table's copy, or the marks of a RAID or of ZFS, may be
left over.
"""

import errno
import mmap
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from aimager.commands.flash.source import CHUNK
from aimager.errors import HostError, about
from aimager.files import write_at
from aimager.units import size as in_words

EDGE = 1 << 20
"""Bytes at either end of a disk."""

SETTLED = 16 << 20
"""Bytes after which they are brought to the device, so that progress is that of the device."""

_ALIGNMENT = 4096
"""Of what is read past the kernel's memory: a multiple of every disk's sectors."""

_GONE = {errno.ENODEV, errno.ENXIO, errno.ENOMEDIUM}

_ANOTHER = (
    "what it held is lost: write the image anew; if that fails again, take another card, reader or"
    " port"
)


@dataclass
class Target:
    """Is written to by the descriptor ``writer``, and read by ``reader``.

    ``written`` are bytes of ``total`` that are on the device; ``is_there`` asks whether that still
    is.
    """

    path: Path
    writer: int
    reader: int
    size: int
    total: int
    is_there: Callable[[], bool]
    written: int = 0
    unsettled: int = 0
    head: bytearray | None = None
    is_whole: bool = False

    @property
    def state(self) -> str:
        """What became of the device, for who ends it early."""
        if self.head is None:
            return f"nothing was written to {self.path}"
        if self.is_whole:
            return f"{self.path} has all of the image, which was not read back to its end"
        far = f"{in_words(self.written)} of {in_words(self.total)}"
        return (
            f"{self.path} is half written ({far}): what it held is lost, and nothing starts from it"
        )

    def begin(self, image_size: int) -> None:
        """Empty both ends, the last as far as no image will be there.

        :raises HostError: as every method here, when the device fails
        """
        self.head = bytearray(min(EDGE, image_size))
        tail = max(image_size, self.size - EDGE)
        with self._telling("written"):
            write_at(self.writer, bytes(len(self.head)), 0)
            write_at(self.writer, bytes(max(self.size - tail, 0)), tail)
            os.fdatasync(self.writer)

    def write(self, data: bytes, at: int) -> None:
        """Write ``data`` at the byte ``at``; of the first MiB it is kept for later."""
        assert self.head is not None, "it has begun"
        kept = data[: max(len(self.head) - at, 0)]
        self.head[at : at + len(kept)] = kept
        with self._telling("written"):
            write_at(self.writer, data[len(kept) :], at + len(kept))
            self.unsettled += len(data)
            if self.unsettled >= SETTLED:
                self._settle()

    def finish(self) -> None:
        """Write the first MiB."""
        assert self.head is not None, "it has begun"
        with self._telling("written"):
            self._settle()
            write_at(self.writer, bytes(self.head), 0)
            os.fsync(self.writer)
        self.is_whole = True

    def _settle(self) -> None:
        os.fdatasync(self.writer)
        self.written += self.unsettled
        self.unsettled = 0

    def read(self, start: int, size: int) -> Iterator[memoryview]:
        """The bytes from ``start`` on, in chunks that are overwritten by the next one."""
        view = memoryview(mmap.mmap(-1, CHUNK + 2 * _ALIGNMENT))  # begins with a page
        end = start + size
        while start < end:
            begin, after = start - start % _ALIGNMENT, min(start + CHUNK, end)
            aligned = min(-(-after // _ALIGNMENT) * _ALIGNMENT, self.size)
            with self._telling("read back"):
                os.posix_fadvise(self.reader, begin, aligned - begin, os.POSIX_FADV_DONTNEED)
                got = os.preadv(self.reader, [view[: aligned - begin]], begin)
            if begin + got < after:
                raise HostError(f"{self.path} ends after {in_words(begin + got)}", hint=_ANOTHER)
            yield view[start - begin : after - begin]
            start = after

    @contextmanager
    def _telling(self, done: str) -> Iterator[None]:
        """Turn what the kernel says of the device into a sentence."""
        try:
            yield
        except OSError as error:
            far = f"{in_words(self.written)} of {in_words(self.total)}"
            if error.errno in _GONE or not self.is_there():
                what = f"{self.path} is gone: {far} were written"
            else:
                what = f"{self.path} cannot be {done} after {far} were written: {error.strerror}"
            raise HostError(what, hint=_ANOTHER) from error


@contextmanager
def open_file(path: Path, *, image_size: int, total: int) -> Iterator[Target]:
    """Yield a file to be written in a disk's place; it grows to the image's size if it is smaller.

    :raises OSError: when it cannot be opened, or cannot grow
    """
    writer = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        size = max(os.fstat(writer).st_size, image_size)
        with about(path):
            os.ftruncate(writer, size)
        yield Target(path, writer, writer, size, total, path.exists)
    finally:
        os.close(writer)


@contextmanager
def open_disk(path: Path, number: str, *, total: int, node: Path) -> Iterator[Target]:
    """Yield a disk, which nobody else may use meanwhile (O_EXCL on a block device: open(2)).

    ``number`` is that of the device which was looked at, and ``node`` its folder in sysfs. It stays
    open for writing until all is read back: only then udev looks at it anew, and may mount it.

    :raises HostError: when it cannot be opened, or is another device by now
    """
    writer = _open_alone(path)
    reader = -1
    try:
        device = os.fstat(writer).st_rdev
        if f"{os.major(device)}:{os.minor(device)}" != number:
            raise HostError(f"{path} is another device by now", hint="look again: doit flash")
        reader = os.open(path, os.O_RDONLY | os.O_DIRECT | os.O_CLOEXEC)
        size = os.lseek(writer, 0, os.SEEK_END)
        yield Target(path, writer, reader, size, total, node.exists)
    finally:
        with suppress(OSError):  # a device that is gone says so here, too
            os.close(writer)
        if reader >= 0:
            os.close(reader)


def _open_alone(path: Path) -> int:
    """A descriptor to write to a disk that nobody else uses.

    :raises HostError: when somebody does, or it is gone
    """
    try:
        return os.open(path, os.O_RDWR | os.O_EXCL | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise HostError(
                f"{path} is in use: it was mounted meanwhile, or is so in a container",
                hint="lsblk and fuser may tell by what; it can be written to once that has ended",
            ) from error
        raise HostError(
            f"{path} cannot be opened: {error.strerror}",
            hint="nothing was written to it; doit flash lists the devices that are there",
        ) from error

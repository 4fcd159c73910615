"""personalise: a finished image with another name, users, keys or ids, without a build.

What is to be written is found in a namespace, where the image can only be read; it is written to a
copy that was made meanwhile, or to the image itself.
"""

import errno
import os
import signal
import stat
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aimager import files
from aimager.compression import DAMAGES, TooLargeError, decompressed
from aimager.compression_magics import LONGEST_MAGIC, suffix_of, unreadable_suffix_of
from aimager.errors import ConfigError, HostError, ImageError
from aimager.image.bmap import bmap_text, strides, sum_of
from aimager.image.finished.personalise import Patch, Wanted, make_patch
from aimager.memory import tmpfs_size
from aimager.model.layout import Extent, meet
from aimager.model.settings import Settings
from aimager.model.workshop import Workshop, environment
from aimager.sandbox.borrowed_root import equip
from aimager.sandbox.namespace import call
from aimager.system.personal import programs

_WORK = 512 << 20
"""Bytes that the metadata of an image of many GiB takes, with the files that set-up reads."""

MAP = ".bmap"
"""What follows an image's name in that of its block map."""


_ALWAYS = ("debugfs", "mcopy", "mdel")


def needed_programs(setup: Settings) -> tuple[str, ...]:
    """The programs without which an image cannot be set up to ``setup``."""
    return *_ALWAYS, *programs(setup)


@dataclass(frozen=True)
class Personalise:
    """Let ``image`` be set up to ``setup``, with ids that also follow from ``seed``.

    ``target`` is the copy to make, which may be read by ``readers``; None: the image itself is
    changed, a file or a block device. ``borrowed`` are programs to run in place of the host's.
    """

    image: Path
    target: Path | None
    setup: Settings
    seed: str
    readers: files.Readers
    borrowed: Path | None
    workshop: Workshop = environment()

    def run(self) -> tuple[str, ...]:
        """Do it, and return the paths in the image that have changed.

        :raises ConfigError: when it is no image of aimager's, or cannot be set up so
        :raises ImageError: when it is damaged, or has no room
        :raises HostError: when it cannot be read or written, or a program is missing
        """
        with _held(self.image, write=self.target is None) as image:
            if self.target:
                return self._copy(image, self.target)
            return self._change(image)

    def _copy(self, image: int, target: Path) -> tuple[str, ...]:
        with files.publish(target, mode=self.readers.file) as temporary, _helpers() as pool:
            packed = _suffix(self.image, image)
            copied = pool.submit(_unpack if packed else _clone, self.image, temporary)
            if packed:
                copied.result()
            start = temporary if packed else self.image
            sums = _Sums(start, pool)
            patch, changed = self._patch(start)
            copied.result()
            with temporary.open("r+b") as stream:
                _write(stream.fileno(), patch.runs, changed)
                flushed = pool.submit(os.fsync, stream.fileno())
                text = bmap_text(temporary, patch.mapped, sums.outside(patch.runs))
                flushed.result()
            _map_of(target).unlink(missing_ok=True)  # one of what the copy replaces
        files.publish_text(_map_of(target), text, mode=self.readers.file)
        return patch.files

    def _change(self, image: int) -> tuple[str, ...]:
        if _suffix(self.image, image):
            raise ConfigError(
                f"{self.image.name} is compressed, and cannot be changed in place",
                hint="leave out in-place=, and a copy is made",
            )
        block_map = _map_of(self.image)
        with _helpers() as pool:
            sums = _Sums(self.image, pool) if block_map.exists() else None
            patch, changed = self._patch(self.image)
            known = sums.outside(patch.runs) if sums else {}
        before = [os.pread(image, run.size, run.start) for run in patch.runs]
        with _uninterrupted():
            try:
                _write(image, patch.runs, changed)
                os.fsync(image)
            except OSError as error:
                _write(image, tuple(reversed(patch.runs)), list(reversed(before)))
                raise HostError(
                    f"{self.image} cannot be written: {error.strerror}; it is as it was",
                    hint="see what dmesg says of it, or make room on its disk",
                ) from error
        if sums:
            mode = stat.S_IMODE(block_map.stat().st_mode)
            files.publish_text(block_map, bmap_text(self.image, patch.mapped, known), mode=mode)
        return patch.files

    def _patch(self, image: Path) -> tuple[Patch, list[bytes]]:
        """What is to be written to ``image``, and the bytes for each place."""
        work = self.workshop.work
        target = work.with_name(f"{work.name}.patch")
        patch = call(
            _make_patch,
            _Patching(self, image, target),
            work=work,
            reads=[image, *([self.borrowed] if self.borrowed else [])],
            products=[target],
            keeps=[self.workshop.log],
            tmpfs=tmpfs_size(_WORK, wish=self.workshop.memory),
        )
        try:
            with target.open("rb") as stream:
                return patch, [stream.read(run.size) for run in patch.runs]
        finally:
            target.unlink()


@contextmanager
def _helpers() -> Iterator[ThreadPoolExecutor]:
    """Threads that do no more than what they are at once the block has ended."""
    pool = ThreadPoolExecutor(2)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


class _Sums:
    """The sums of an image's strides, which ``pool`` finds while others look for its changes."""

    def __init__(self, image: Path, pool: ThreadPoolExecutor) -> None:
        self._found = {part: pool.submit(sum_of, image, part) for part in strides(image)}

    def outside(self, runs: Sequence[Extent]) -> dict[Extent, str]:
        """Those of strides of which ``runs`` change nothing."""
        whole = [part for part in self._found if not any(meet(part, run) for run in runs)]
        return {part: self._found[part].result() for part in whole}


@dataclass(frozen=True)
class _Patching:
    stage: Personalise
    image: Path
    target: Path


def _make_patch(patching: _Patching) -> Patch:
    stage = patching.stage
    with stage.workshop.logging() as log:
        tools = equip(stage.workshop, stage.borrowed, log)
        wanted = Wanted(patching.image, stage.setup, stage.seed)
        return make_patch(tools, wanted, stage.workshop.work, patching.target)


@contextmanager
def _held(image: Path, *, write: bool) -> Iterator[int]:
    """Hold an image open; nobody else may have a device mounted that is to be written."""
    exclusive = os.O_EXCL if write and image.is_block_device() else 0
    try:
        descriptor = os.open(image, (os.O_RDWR if write else os.O_RDONLY) | exclusive)
    except OSError as error:
        if exclusive and error.errno == errno.EBUSY:
            raise HostError(
                f"{image} is in use", hint="unmount what is mounted of it: lsblk shows that"
            ) from error
        raise HostError(
            f"{image} cannot be {'written' if write else 'read'}: {error.strerror}",
            hint="it needs to be yours, or of a group that you are in: ls -l shows that",
        ) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _suffix(image: Path, descriptor: int) -> str:
    """How an image is compressed; empty: it is not.

    :raises ConfigError: in a way that cannot be undone here
    """
    start = os.pread(descriptor, LONGEST_MAGIC, 0)
    if unknown := unreadable_suffix_of(start):
        raise ConfigError(
            f"{image.name} is compressed as {unknown}, which cannot be unpacked here",
            hint="unpack it yourself, and name the image itself",
        )
    return suffix_of(start)


def _clone(image: Path, target: Path) -> None:
    """Copy an image, whose blocks are shared where the file system can."""
    if not files.share_blocks(image, target):
        files.copy_sparse(image, target)


def _unpack(image: Path, target: Path) -> None:
    """Write what a compressed image holds, with holes where that is zeros.

    :raises ImageError: when it is damaged
    """
    with image.open("rb") as source:
        suffix = suffix_of(source.read(LONGEST_MAGIC))
        source.seek(0)
        try:
            files.write_sparse(decompressed(source, suffix), target)
        except (*DAMAGES, TooLargeError) as error:
            raise ImageError(
                f"{image.name} is damaged: {error}",
                hint="fetch it again, and compare its checksum",
            ) from error


def _write(descriptor: int, runs: Sequence[Extent], pieces: Sequence[bytes]) -> None:
    for run, data in zip(runs, pieces, strict=True):
        files.write_at(descriptor, data, run.start)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Have Ctrl-C and SIGTERM wait until the block has ended: it takes no second."""
    signals = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _map_of(image: Path) -> Path:
    return image.with_name(f"{image.name}{MAP}")

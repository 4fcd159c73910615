"""Compressing files with zstd and xz, to the same bytes however many threads do it.

The bytes depend on the programs' versions, so both are the toolbox's.
"""

from pathlib import Path

from aimager import files, progress
from aimager.compression import count_threads, zstd_argv
from aimager.model.product import Compression
from aimager.toolbox import Toolbox

ZSTD_LEVEL = 9
"""Higher levels gain little, and need windows that decompressors accept only with an option."""
XZ_LEVEL = 6
XZ_BLOCK = 24 << 20
"""Three times the level's dictionary: xz(1)'s own choice, given so that it stays the same."""

_XZ_THREAD = 192 << 20
"""The memory that one thread takes in bytes, measured and rounded up."""


def compress(tools: Toolbox, source: Path, target: Path, how: Compression) -> None:
    """Publish ``source``, compressed, as ``target``.

    :raises CommandError: when the program fails
    """
    if how is Compression.zst:
        argv = [*zstd_argv(tools, ZSTD_LEVEL), f"--stream-size={source.stat().st_size}"]
    else:
        # A single thread writes blocks without their sizes, which are other bytes.
        threads = count_threads(tools, _XZ_THREAD, least=2)
        argv = ["xz", f"-{XZ_LEVEL}", f"--block-size={XZ_BLOCK}", f"--threads={threads}"]
    with (
        files.publish(target) as temporary,
        source.open("rb") as reader,
        temporary.open("wb") as writer,
        progress.reading(target.name, reader),
    ):
        tools.pipe_through(argv, reader, writer)

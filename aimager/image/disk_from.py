"""The image that a disk starts as a copy of: a board's boot loader in its raw sectors."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aimager.compression import DAMAGES, TooLargeError, decompressed
from aimager.compression_magics import LONGEST_MAGIC, suffix_of, unreadable_suffix_of
from aimager.errors import ImageError
from aimager.files import write_sparse


@contextmanager
def unpacked(image: Path | None, work: Path) -> Iterator[Path | None]:
    """Yield ``image`` as it is when it is not compressed, else a copy of it below ``work``.

    Its first bytes tell how it is compressed.

    :raises ImageError: when it cannot be read, is damaged, or compressed in an unknown way
    """
    if image is None:
        yield None
        return
    try:
        source = image.open("rb")
    except OSError as error:
        raise ImageError(
            f"disk-from={image} cannot be read: {error.strerror}",
            hint="name a file that you can read with disk-from=",
        ) from error
    with source:
        start = source.read(LONGEST_MAGIC)
        if unknown := unreadable_suffix_of(start):
            raise ImageError(
                f"disk-from={image} cannot be unpacked: it is compressed as {unknown}",
                hint="unpack it yourself, and name the image itself with disk-from=",
            )
        suffix = suffix_of(start)
        if not suffix:
            yield image
            return
        source.seek(0)
        target = work / "disk-from.img"
        try:
            write_sparse(decompressed(source, suffix), target)
        except (*DAMAGES, TooLargeError) as error:
            raise ImageError(
                f"disk-from={image} is damaged: {error}",
                hint="fetch it again, and compare its checksum",
            ) from error
    yield target
    target.unlink()

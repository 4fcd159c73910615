"""Block maps: which blocks of a disk image have to be written, for bmaptool(1).

The format is 2.0, whose fields the comments of bmap-tools' own maps describe.
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from aimager.model.layout import Extent, second_gpt_size
from aimager.model.partition import PartitionTable

BLOCK = 4096
_CHUNK = 1 << 20
_NO_CHECKSUM = "0" * 64
"""Stands for the map's own checksum while that is computed."""


def mapped_extents(
    table: PartitionTable,
    partitions: Sequence[tuple[Extent, Sequence[Extent]]],
    size: int,
    *,
    kept: Sequence[Extent] = (),
) -> tuple[Extent, ...]:
    """The parts of a disk of ``size`` bytes that have to be written, in order.

    Each of ``partitions`` is its place and, relative to that, its parts in use. So is everything
    before the first partition, where a boot loader may be, GPT's second table at the end, and what
    is ``kept`` between the partitions.
    """
    extents = [Extent(0, min(place.start for place, _ in partitions))]
    for place, used in partitions:
        extents += [Extent(place.start + part.start, part.size) for part in used]
    if second := second_gpt_size(table):
        extents.append(Extent(size - second, second))
    return tuple(sorted((*extents, *kept), key=lambda extent: extent.start))


def bmap_text(image: Path, extents: Sequence[Extent]) -> str:
    """The block map of ``image`` by which the blocks of ``extents``, in order, are written."""
    size = image.stat().st_size
    ranges = list(_block_ranges(extents))
    with image.open("rb") as stream:
        lines = [_range_line(stream, first, last) for first, last in ranges]
    count = sum(last - first + 1 for first, last in ranges)
    text = _document(size, count, lines, _NO_CHECKSUM)
    return _document(size, count, lines, hashlib.sha256(text.encode()).hexdigest())


def _block_ranges(extents: Sequence[Extent]) -> Iterator[tuple[int, int]]:
    """The first and last blocks of what ``extents`` touch; neighbours become one."""
    first, last = 0, -1
    for extent in extents:
        if not extent.size:
            continue
        start, end = extent.start // BLOCK, (extent.end - 1) // BLOCK
        if start > last + 1:
            if last >= first:
                yield first, last
            first = start
        last = max(last, end)
    if last >= first:
        yield first, last


def _range_line(stream: IO[bytes], first: int, last: int) -> str:
    digest = hashlib.sha256()
    stream.seek(first * BLOCK)
    left = (last - first + 1) * BLOCK
    while chunk := stream.read(min(left, _CHUNK)):  # the disk may end within the last block
        digest.update(chunk)
        left -= len(chunk)
    blocks = f"{first}-{last}" if last > first else f"{first}"
    return f'        <Range chksum="{digest.hexdigest()}">{blocks}</Range>\n'


def _document(size: int, mapped: int, lines: Sequence[str], checksum: str) -> str:
    return f"""\
<?xml version="1.0" ?>
<bmap version="2.0">
    <ImageSize>{size}</ImageSize>
    <BlockSize>{BLOCK}</BlockSize>
    <BlocksCount>{-(-size // BLOCK)}</BlocksCount>
    <MappedBlocksCount>{mapped}</MappedBlocksCount>
    <ChecksumType>sha256</ChecksumType>
    <BmapFileChecksum>{checksum}</BmapFileChecksum>
    <BlockMap>
{"".join(lines)}    </BlockMap>
</bmap>
"""

"""Block maps: which blocks of a disk image have to be written, for bmaptool(1).

The format is 2.0, whose fields the comments of bmap-tools' own maps describe.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from aimager.model.layout import Extent, second_gpt_size
from aimager.model.partition import PartitionTable

BLOCK = 4096
_CHUNK = 1 << 20
_STRIDE = 16 << 20
"""Bytes at whose multiples a range ends: where an image is changed, most others keep their sums."""
_NO_CHECKSUM = "0" * 64
"""Stands for the map's own checksum while that is computed."""
_NONE: Mapping[Extent, str] = MappingProxyType({})


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


def bmap_text(image: Path, extents: Sequence[Extent], known: Mapping[Extent, str] = _NONE) -> str:
    """The block map of ``image`` by which the blocks of ``extents``, in order, are written.

    ``known`` are the sums of some of the `strides` that it could be in whole.
    """
    size = image.stat().st_size
    ranges = list(_ranges(extents))
    lines = [_range_line(part, known.get(part) or sum_of(image, part)) for part in ranges]
    count = sum(part.size for part in ranges) // BLOCK
    text = _document(size, count, lines, _NO_CHECKSUM)
    return _document(size, count, lines, hashlib.sha256(text.encode()).hexdigest())


def strides(image: Path) -> list[Extent]:
    """What of ``image`` may be ranges of its map by itself: the strides that have no holes."""
    size = image.stat().st_size
    with image.open("rb") as stream:
        descriptor = stream.fileno()
        return [
            Extent(start, _STRIDE)
            for start in range(0, size - _STRIDE + 1, _STRIDE)
            if os.lseek(descriptor, start, os.SEEK_HOLE) >= start + _STRIDE
        ]


def sum_of(image: Path, part: Extent) -> str:
    """The SHA-256 of a part of ``image``, which may end within it."""
    digest = hashlib.sha256()
    left = part.size
    with image.open("rb") as stream:
        stream.seek(part.start)
        while chunk := stream.read(min(left, _CHUNK)):
            digest.update(chunk)
            left -= len(chunk)
    return digest.hexdigest()


def _ranges(extents: Iterable[Extent]) -> Iterator[Extent]:
    """The blocks that ``extents`` touch, neighbours as one, but for the ends of strides."""
    first = last = 0
    for extent in extents:
        if not extent.size:
            continue
        start, end = extent.start // BLOCK * BLOCK, -(-extent.end // BLOCK) * BLOCK
        if start > last:
            yield from _cut(first, last)
            first = start
        last = max(last, end)
    yield from _cut(first, last)


def _cut(start: int, end: int) -> Iterator[Extent]:
    while start < end:
        after = min(end, (start // _STRIDE + 1) * _STRIDE)
        yield Extent(start, after - start)
        start = after


def _range_line(part: Extent, checksum: str) -> str:
    first, last = part.start // BLOCK, part.end // BLOCK - 1
    blocks = f"{first}-{last}" if last > first else f"{first}"
    return f'        <Range chksum="{checksum}">{blocks}</Range>\n'


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

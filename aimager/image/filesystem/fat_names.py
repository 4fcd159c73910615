"""Names in a FAT image that are not ASCII, each as a long-name entry.

mtools writes a name without one where it fits 8.3 in codepage 850, of which Linux reads another
letter in its own, 437. So characters that no codepage has stand in for those of the names while
mtools writes, and are changed in the long-name entries afterwards.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from aimager.errors import ImageError
from aimager.image.changed_image import ChangedImage
from aimager.image.filesystem.fat_geometry import FIRST_CLUSTER, FOLDER_ENTRY, read_geometry
from aimager.model.layout import Extent

_FIRST, _LAST = 0xE000, 0xF8FF
"""Unicode's private use area."""

_ATTRIBUTES, _LONG_NAME, _FOLDER, _VOLUME = 11, 0x0F, 0x10, 0x08
_UNITS = (*range(1, 11, 2), *range(14, 26, 2), *range(28, 32, 2))
"""Where a long-name entry has its UTF-16 units."""
_END, _GONE = 0x00, 0xE5
_UNIT = struct.Struct("<H")


def stand_ins(names: Iterable[str]) -> Mapping[int, int]:
    """What stands for each character of ``names`` that is not ASCII, for `str.translate`.

    :raises ImageError: when there are more than can be told apart
    """
    found = sorted({ord(letter) for name in names for letter in name if not letter.isascii()})
    if len(found) > _LAST - _FIRST + 1:
        raise ImageError(
            f"the boot files have {len(found)} different letters beside those of ASCII",
            hint="give them plain names",
        )
    return {letter: _FIRST + number for number, letter in enumerate(found)}


def put_back(image: Path, stood_in: Mapping[int, int]) -> None:
    """Change the long names of ``image`` to those that ``stood_in`` was made for."""
    if not stood_in:
        return
    letters = {stand_in: letter for letter, stand_in in stood_in.items()}
    with image.open("r+b") as stream:
        whole = ChangedImage(stream, Extent(0, image.stat().st_size))
        for place, content in FatFolders(whole).parts():
            changed = _changed(content, letters)
            if changed != content:
                stream.seek(place)
                stream.write(changed)


def _changed(content: bytes, letters: Mapping[int, int]) -> bytes:
    """Part of a folder, with other letters in its long names."""
    changed = bytearray(content)
    for at in range(0, len(content), FOLDER_ENTRY):
        if content[at] == _GONE or content[at + _ATTRIBUTES] != _LONG_NAME:
            continue
        for unit in _UNITS:
            (letter,) = _UNIT.unpack_from(content, at + unit)
            _UNIT.pack_into(changed, at + unit, letters.get(letter, letter))
    return bytes(changed)


class FatFolders:
    """The folders of a file system that mkfs.fat and mtools have made."""

    def __init__(self, image: ChangedImage) -> None:
        self.image = image
        self.fat = read_geometry(image.name, image.read(0, 512))
        self.table = self._read(self.fat.table)

    def _read(self, extent: Extent) -> bytes:
        return self.image.read(extent.start, extent.size)

    def parts(self) -> Iterator[tuple[int, bytes]]:
        """The parts of all folders: where each lies, and its entries."""
        left: list[int] = []
        if self.fat.root_cluster:
            left.append(self.fat.root_cluster)
        else:
            content = self._read(self.fat.root)
            yield self.fat.root.start, content
            left += self._below(content)
        while left:
            for cluster in self._chain(left.pop()):
                place = self.fat.place(cluster)
                content = self._read(Extent(place, self.fat.cluster))
                yield place, content
                left += self._below(content)

    def _below(self, content: bytes) -> Iterator[int]:
        """The first clusters of the folders in part of one."""
        for at in range(0, len(content), FOLDER_ENTRY):
            entry = content[at : at + FOLDER_ENTRY]
            if entry[0] == _END:
                return
            kind = entry[_ATTRIBUTES]
            if entry[0] in (_GONE, ord(".")) or kind & _VOLUME or not kind & _FOLDER:
                continue
            high, low = _UNIT.unpack_from(entry, 20)[0], _UNIT.unpack_from(entry, 26)[0]
            yield high << 16 | low

    def _chain(self, cluster: int) -> Iterator[int]:
        while FIRST_CLUSTER <= cluster < self.fat.clusters + FIRST_CLUSTER:
            yield cluster
            cluster = self.fat.entry(self.table, cluster)

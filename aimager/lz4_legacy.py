"""LZ4 in the frame that Linux reads, which LZ4's own documents call the legacy one.

After its magic number come blocks of at most 8 MiB of content, each after its compressed size in
four bytes; nothing marks the end (lz4_Frame_format.md, lz4_Block_format.md of LZ4).
"""

import struct

_MAGIC = 0x184C2102
_BLOCK = 8 << 20
_LARGEST = _BLOCK + _BLOCK // 255 + 16
"""Bytes of a block that could not be made smaller (``LZ4_COMPRESSBOUND`` of lz4.h)."""


class Lz4Legacy:
    """Undoes it a block at a time, with the interface that bz2's and lzma's objects have.

    What cannot be a block's size ends it, for it begins what follows.
    """

    needs_input = True

    def __init__(self) -> None:
        self.eof = False
        self.unused_data = b""
        self._input = bytearray()

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """The content of the next block, if ``data`` completes one, however long that is.

        :raises EOFError: when it is damaged
        """
        self._input += data
        self.needs_input = False
        while len(self._input) >= 4:
            (size,) = struct.unpack_from("<I", self._input)
            if size == _MAGIC:
                del self._input[:4]
                continue
            if not 0 < size <= _LARGEST:
                self.eof, self.unused_data = True, bytes(self._input)
                return b""
            if len(self._input) < 4 + size:
                break
            block = bytes(self._input[4 : 4 + size])
            del self._input[: 4 + size]
            return _undo(block)
        self.needs_input = True
        return b""

    def finish(self) -> bool:
        """Whether the input may end here; then it is over."""
        self.eof = not self._input
        return self.eof


def _undo(block: bytes) -> bytes:
    content = bytearray()
    place, end = 0, len(block)
    try:
        while place < end:
            token = block[place]
            literals, place = _length(block, place + 1, token >> 4)
            if place + literals > end:
                raise EOFError("a block of lz4 is damaged")
            content += block[place : place + literals]
            place += literals
            if place == end:
                break
            distance = block[place] | block[place + 1] << 8
            length, place = _length(block, place + 2, token & 15)
            _repeat(content, distance, length + 4)
    except IndexError:
        raise EOFError("a block of lz4 is damaged") from None
    return bytes(content)


def _length(block: bytes, place: int, nibble: int) -> tuple[int, int]:
    """A length that begins in a token, and the place after it."""
    length = nibble
    while nibble == 15:
        more = block[place]
        place += 1
        length += more
        if more != 255:
            break
    return length, place


def _repeat(content: bytearray, distance: int, length: int) -> None:
    """Append ``length`` bytes that begin ``distance`` before the end, and may overlap it."""
    if not 0 < distance <= len(content) or len(content) + length > _BLOCK:
        raise EOFError("a block of lz4 is damaged")
    piece = bytes(content[-distance:][:length])
    content += (piece * (length // len(piece) + 1))[:length]

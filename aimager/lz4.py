"""LZ4 in both of its framings (lz4_Frame_format.md, lz4_Block_format.md of LZ4).

A frame is what lz4(1) and libarchive write. The legacy one is what Linux reads of an initramfs:
blocks after a magic number, each after its compressed size; nothing marks the end.

Checksums are not verified, for nothing that aimager needs computes xxHash: what cuts a frame off,
or leads outside of it, is noticed all the same.
"""

import struct

MAGIC = b"\x04\x22\x4d\x18"

_WINDOW = 1 << 16
"""Bytes before a block that it may repeat, where blocks depend on one another."""

_RAW = 1 << 31
"""In a block's size: it could not be made smaller."""

_LEGACY_MAGIC = 0x184C2102
_LEGACY_BLOCK = 8 << 20
_LEGACY_LARGEST = _LEGACY_BLOCK + _LEGACY_BLOCK // 255 + 16
"""Bytes of a block that could not be made smaller (``LZ4_COMPRESSBOUND`` of lz4.h)."""

_DAMAGED = "a block of lz4 is damaged"


class _Blocks:
    """Input that is undone a block at a time, with what objects of bz2 and lzma tell of it."""

    needs_input = True

    def __init__(self) -> None:
        self.eof = False
        self.unused_data = b""
        self._input = bytearray()


class Lz4Frame(_Blocks):
    """Undoes a frame, a block at a time, with the interface that objects of bz2 and lzma have."""

    def __init__(self) -> None:
        super().__init__()
        self._flags = 0
        self._largest = 0
        self._before = b""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """The content of the next block, if ``data`` completes one, however long that is.

        :raises EOFError: when it is damaged
        """
        self._input += data
        self.needs_input = False
        if not self._largest and not self._begin():
            self.needs_input = True
            return b""
        if len(self._input) < 4:
            self.needs_input = True
            return b""
        (size,) = struct.unpack_from("<I", self._input)
        if not size:
            self._end()
            return b""
        return self._block(size & (_RAW - 1), is_raw=bool(size & _RAW))

    def _begin(self) -> bool:
        """Read the frame's header, if it is there."""
        if len(self._input) < 7:
            return False
        self._flags, block = self._input[4], self._input[5] >> 4 & 7
        length = 7 + (8 if self._flags & 0x08 else 0) + (4 if self._flags & 0x01 else 0)
        if self._input[:4] != MAGIC or self._flags >> 6 != 1 or block < 4:
            raise EOFError("a frame of lz4 is damaged")
        if len(self._input) < length:
            return False
        self._largest = 1 << 2 * block + 8
        del self._input[:length]
        return True

    def _end(self) -> None:
        length = 4 + (4 if self._flags & 0x04 else 0)
        if len(self._input) < length:
            self.needs_input = True
            return
        self.eof, self.unused_data = True, bytes(self._input[length:])

    def _block(self, size: int, *, is_raw: bool) -> bytes:
        if size > self._largest:
            raise EOFError(_DAMAGED)
        whole = 4 + size + (4 if self._flags & 0x10 else 0)
        if len(self._input) < whole:
            self.needs_input = True
            return b""
        block = bytes(self._input[4 : 4 + size])
        del self._input[:whole]
        depends = not self._flags & 0x20
        content = block if is_raw else _undo(block, self._before, self._largest)
        if depends:
            self._before = (self._before + content)[-_WINDOW:]
        return content


class Lz4Legacy(_Blocks):
    """Undoes the legacy framing, with the same interface.

    What cannot be a block's size ends it, for it begins what follows.
    """

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """The content of the next block, if ``data`` completes one, however long that is.

        :raises EOFError: when it is damaged
        """
        self._input += data
        self.needs_input = False
        while len(self._input) >= 4:
            (size,) = struct.unpack_from("<I", self._input)
            if size == _LEGACY_MAGIC:
                del self._input[:4]
                continue
            if not 0 < size <= _LEGACY_LARGEST:
                self.eof, self.unused_data = True, bytes(self._input)
                return b""
            if len(self._input) < 4 + size:
                break
            block = bytes(self._input[4 : 4 + size])
            del self._input[: 4 + size]
            return _undo(block, b"", _LEGACY_BLOCK)
        self.needs_input = True
        return b""

    def finish(self) -> bool:
        """Whether the input may end here; then it is over."""
        self.eof = not self._input
        return self.eof


def _undo(block: bytes, before: bytes, most: int) -> bytes:
    """The content of a block: literals, and repetitions of what is up to 64 KiB before."""
    content = bytearray(before)
    most += len(before)
    place, end = 0, len(block)
    try:
        while True:
            token = block[place]
            literals, place = _length(block, place + 1, token >> 4)
            if place + literals > end:
                raise EOFError(_DAMAGED)
            content += block[place : place + literals]
            place += literals
            if place == end:
                break
            distance = block[place] | block[place + 1] << 8
            length, place = _length(block, place + 2, token & 15)
            length += 4
            if not 0 < distance <= len(content) or len(content) + length > most:
                raise EOFError(_DAMAGED)
            start = len(content) - distance
            piece = bytes(content[start : start + length])
            content += (piece * (length // len(piece) + 1))[:length]
    except IndexError:
        raise EOFError(_DAMAGED) from None
    if len(content) > most:
        raise EOFError(_DAMAGED)
    return bytes(content[len(before) :])


def _length(block: bytes, place: int, nibble: int) -> tuple[int, int]:
    """A length that begins in a token, and the place after it."""
    length, more = nibble, 255 if nibble == 15 else 0
    while more == 255:
        more = block[place]
        length += more
        place += 1
    return length, place

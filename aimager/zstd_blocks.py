"""Where the blocks of a zstd frame end (RFC 8878), so that a decoder can be given some at a time.

What a frame holds may be any number of times as long as the frame, but no block of it becomes more
than 128 KiB.
"""

LARGEST_BLOCK = 128 << 10
"""Bytes that a block is decompressed to at most (Block_Maximum_Size)."""

_FRAME = 0xFD2FB528
_SKIPPABLE = 0x184D2A50  # to ...5F
_MAGIC = 4
_BLOCK_HEADER = 3
_CHECKSUM = 4
_IDS = (0, 1, 2, 4)
_SIZES = (0, 2, 4, 8)
_RLE = 1


class Blocks:
    """Follows one frame through pieces of it, each of which begins where the last one ended."""

    def __init__(self) -> None:
        self._left = 0
        self._is_begun = False
        self._has_checksum = False
        self._is_last = False

    def follow(self, data: bytes, most: int) -> tuple[int, bool]:
        """Where in ``data`` the frame, or so many of its blocks, end, and whether more is needed.

        More is needed where ``data`` ends within them. What is no frame goes to its end.
        """
        at = blocks = 0
        while True:
            step = min(self._left, len(data) - at)
            at += step
            self._left -= step
            if self._left or (self._is_begun and not self._is_last and at == len(data)):
                return at, True
            if self._is_last or blocks == most:
                return at, False
            found = self._block(data, at) if self._is_begun else self._header(data)
            if not found:
                return at, True
            blocks += self._is_begun
            self._is_begun = True
            self._left = found

    def _header(self, data: bytes) -> int:
        """The bytes of the frame's header, or of all of a frame to skip; 0: more has to come."""
        if len(data) <= _MAGIC:
            return 0
        magic = int.from_bytes(data[:_MAGIC], "little")
        if magic & ~0xF == _SKIPPABLE:
            self._is_last = len(data) >= 2 * _MAGIC
            size = int.from_bytes(data[_MAGIC : 2 * _MAGIC], "little")
            return 2 * _MAGIC + size if self._is_last else 0
        if magic != _FRAME:
            self._is_last = True
            return len(data)
        about = data[_MAGIC]
        is_whole = bool(about & 0x20)
        self._has_checksum = bool(about & 0x04)
        size = _SIZES[about >> 6] or is_whole
        return _MAGIC + 1 + (not is_whole) + _IDS[about & 3] + size

    def _block(self, data: bytes, at: int) -> int:
        """The bytes of the block that begins at ``at``, its header and a checksum behind the last
        one included; 0: more has to come."""
        if len(data) < at + _BLOCK_HEADER:
            return 0
        about = int.from_bytes(data[at : at + _BLOCK_HEADER], "little")
        self._is_last = bool(about & 1)
        size = 1 if about >> 1 & 3 == _RLE else about >> 3
        return _BLOCK_HEADER + size + self._is_last * self._has_checksum * _CHECKSUM

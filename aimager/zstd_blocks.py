"""Where the blocks of a zstd frame end (RFC 8878), so that a decoder can be given some at a time.

What a frame holds may be any number of times as long as the frame, but each block tells how long it
becomes, or becomes 128 KiB at most.
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
_RAW, _RLE = 0, 1


class Blocks:
    """Follows one frame through pieces of it, each of which begins where the last one ended."""

    def __init__(self) -> None:
        self._left = 0
        self._is_begun = False
        self._has_checksum = False
        self._is_last = False
        self._becomes = 0

    def follow(self, data: bytes, room: int) -> tuple[int, bool]:
        """Where in ``data`` the frame ends, or the block by which ``room`` bytes may have come out.

        And whether more is needed, as ``data`` ends before that. Of anything but a frame it is a
        few bytes.
        """
        at = 0
        while True:
            step = min(self._left, len(data) - at)
            at += step
            self._left -= step
            if self._left or (self._is_begun and not self._is_last and at == len(data)):
                return at, True
            if self._is_last or room <= 0:
                return at, False
            found = self._block(data, at) if self._is_begun else self._header(data)
            if not found:
                return at, True
            room -= self._becomes
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
            return _MAGIC + 1
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
        kind, size = about >> 1 & 3, about >> 3
        self._becomes = size if kind in (_RAW, _RLE) else LARGEST_BLOCK * (size > 0)
        size = 1 if kind == _RLE else size
        return _BLOCK_HEADER + size + self._is_last * self._has_checksum * _CHECKSUM

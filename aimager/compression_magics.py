"""What compressed files begin with: the one list of that."""

from aimager.lz4 import MAGIC

MAGICS = {
    b"\x1f\x8b": ".gz",
    b"\xfd7zXZ\0": ".xz",
    b"BZh": ".bz2",
    b"\x28\xb5\x2f\xfd": ".zst",
    MAGIC: ".lz4",
}
"""What a file begins with that can be undone here, and the suffix that its name should have."""

UNREADABLE = {
    ".lz": b"LZIP",
    ".lzo": b"\x89LZO\0\r\n\x1a\n",
    ".lrz": b"LRZI",
    ".Z": b"\x1f\x9d",
    ".zip": b"PK\3\4",
    ".7z": b"7z\xbc\xaf\x27\x1c",
}
"""Compressions that makepkg knows, or images come in, and that cannot be undone here."""

LONGEST_MAGIC = max(map(len, (*MAGICS, *UNREADABLE.values())))

_SKIPPABLE = b"\x2a\x4d\x18"
"""Of a zstd frame with no content, the bytes after the first: 0x50 to 0x5f (RFC 8878 3.1.2)."""


def suffix_of(start: bytes) -> str:
    """The suffix of a compression that can be undone, for a file that begins so; else empty."""
    if start[1:4] == _SKIPPABLE and 0x50 <= start[0] <= 0x5F:
        return ".zst"
    return next((suffix for magic, suffix in MAGICS.items() if start.startswith(magic)), "")


def unreadable_suffix_of(start: bytes) -> str:
    """That of one that cannot; empty: nothing known."""
    return next((s for s, magic in UNREADABLE.items() if start.startswith(magic)), "")

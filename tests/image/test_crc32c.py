"""CRC-32C is that of the RFC, and follows changes."""

from aimager.image.filesystem.crc32c import changed_crc32c, crc32c


def test_known_values() -> None:
    """RFC 3720 B.4, and the check value of the catalogues."""
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"\xff" * 32) == 0x62A8AB43
    assert crc32c(bytes(range(32))) == 0x46DD794E


def test_changes() -> None:
    old = bytes(range(256)) * 64
    new = bytearray(old)
    changes = []
    for position, text in ((0, b"first"), (5, b"\0" * 300), (9000, b"x"), (16380, b"last")):
        changes.append((position, bytes(new[position : position + len(text)]), text))
        new[position : position + len(text)] = text
        assert changed_crc32c(crc32c(old), len(old), changes) == crc32c(bytes(new))
    assert changed_crc32c(crc32c(old), len(old), ()) == crc32c(old)

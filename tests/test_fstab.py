"""The text of /etc/fstab."""

from pathlib import Path

from aimager.fstab import Entry, fstab_text
from aimager.identifiers import fat_uuid
from aimager.partition import FileSystem


def test_text() -> None:
    text = fstab_text(
        (
            Entry("UUID=12345678-1234-8234-8234-123456789abc", "/", FileSystem.ext4),
            Entry(f"UUID={fat_uuid('1a2b3c4d')}", "/boot", FileSystem.vfat),
        )
    )
    assert text == (Path(__file__).parent / "golden/fstab.txt").read_text()

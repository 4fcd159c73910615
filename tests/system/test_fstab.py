"""The text of /etc/fstab."""

from aimager.model.partition import FileSystem
from aimager.system.fstab import Entry, fstab_text
from aimager.uuids import fat_uuid
from tests.support.places import GOLDEN


def test_text() -> None:
    text = fstab_text(
        (
            Entry("UUID=12345678-1234-8234-8234-123456789abc", "/", FileSystem.ext4),
            Entry(f"UUID={fat_uuid('1a2b3c4d')}", "/boot", FileSystem.vfat),
        )
    )
    assert text == (GOLDEN / "fstab.txt").read_text()

"""fstab and the kernel's command line name what the table says, in the right order."""

import pytest

from aimager.model.image_ids import ImageIds
from aimager.model.partition import FileSystem, Role, Subvolume
from aimager.model.sfdisk_table import read_table
from aimager.system.fstab import Entry, fstab_text, list_mounts, root_words
from aimager.uuids import fat_uuid
from tests.support.places import GOLDEN

TABLE = read_table(
    "label: gpt; size=1M; aimager@swap: size=1G; aimager@boot: size=1G;"
    " aimager@home: size=1G; aimager@root:"
)
SUBVOLUMES = (Subvolume("@", "/"), Subvolume("@log", "/var/log"))


def with_root(**changes: object) -> ImageIds:
    return ImageIds("seed", TABLE.changed(Role.root, **changes))


def test_text() -> None:
    text = fstab_text(
        (
            Entry("UUID=12345678-1234-8234-8234-123456789abc", "/", FileSystem.ext4),
            Entry(f"UUID={fat_uuid('1a2b3c4d')}", "/boot", FileSystem.vfat),
        )
    )
    assert text == (GOLDEN / "fstab.txt").read_text()


def test_all_kinds() -> None:
    ids = with_root(file_system=FileSystem.btrfs, subvolumes=SUBVOLUMES, compression="zstd:3")
    assert fstab_text(list_mounts(ids)) == (GOLDEN / "fstab-all.txt").read_text()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ["root=UUID={uuid}", "rw"]),
        ({"file_system": FileSystem.xfs}, ["root=UUID={uuid}", "rw", "rootfstype=xfs"]),
        (
            {"file_system": FileSystem.btrfs, "subvolumes": SUBVOLUMES},
            ["root=UUID={uuid}", "rw", "rootfstype=btrfs", "rootflags=subvol=@"],
        ),
        (
            {"file_system": FileSystem.erofs},
            ["root=UUID={uuid}", "ro", "rootfstype=erofs", "systemd.volatile=state"],
        ),
        (
            {"file_system": FileSystem.squashfs},
            ["root=PARTUUID={partuuid}", "ro", "rootfstype=squashfs", "systemd.volatile=state"],
        ),
    ],
)
def test_the_root_is_found(changes: dict[str, object], words: list[str]) -> None:
    ids = with_root(**changes)
    uuid, partuuid = ids.file_system(Role.root), ids.partitions[-1]
    expected = [word.format(uuid=uuid, partuuid=partuuid) for word in words]
    assert list(root_words(ids)) == expected
    root = next(entry for entry in list_mounts(ids) if entry.mount_point == "/")
    assert f"root={root.source}" == expected[0]


def test_squashfs_on_a_dos_label() -> None:
    table = read_table("label: dos; label-id: 0x1a2b3c4d; aimager@boot: size=1G; aimager@root:")
    ids = ImageIds("seed", table.changed(Role.root, file_system=FileSystem.squashfs))
    assert root_words(ids)[0] == "root=PARTUUID=1a2b3c4d-02"

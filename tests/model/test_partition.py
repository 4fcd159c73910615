"""What is known of each file system, and of the partitions that hold them."""

import pytest

from aimager.model.partition import (
    FileSystem,
    GiB,
    Label,
    MiB,
    Partition,
    PartitionTable,
    Role,
    boot_fat,
    root_ext4,
)
from aimager.model.sfdisk_table import read_table

FACTS = {
    # package, options, checked, packed, DOS type, UUID
    "vfat": ("dosfstools", "rw,relatime,fmask=0177,dmask=0077", True, False, "c", True),
    "ext4": ("e2fsprogs", "rw,relatime", True, False, "83", True),
    "btrfs": ("btrfs-progs", "rw,relatime", False, False, "83", True),
    "xfs": ("xfsprogs", "rw,relatime", False, False, "83", True),
    "erofs": ("erofs-utils", "ro", False, True, "83", True),
    "squashfs": ("squashfs-tools", "ro", False, True, "83", False),
    "swap": ("util-linux", "defaults", False, False, "82", True),
    "none": ("", "rw,relatime", False, False, "83", False),
}


def test_facts() -> None:
    assert {
        kind.value: (
            *(kind.package, kind.mount_options, kind.is_checked, kind.is_packed),
            *(kind.dos_type, kind.has_uuid),
        )
        for kind in FileSystem
    } == FACTS


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("read_only", "erofs squashfs"),
        ("can_be_root", "ext4 btrfs xfs erofs squashfs"),
        ("compressions", "btrfs erofs squashfs"),
        ("has_subvolumes", "btrfs"),
    ],
)
def test_what_only_some_can(name: str, kinds: str) -> None:
    assert [kind.value for kind in FileSystem if getattr(kind, name)] == kinds.split()


def test_what_parts_of_a_table_are_for() -> None:
    boot, root = boot_fat(2 * MiB), root_ext4()
    raw = Partition(Role.raw, FileSystem.none, GiB)
    table = PartitionTable(Label.gpt, (raw, boot, root))
    assert (MiB, GiB, table.alignment) == (1024**2, 1024**3, MiB)
    assert (boot.size, boot.esp, boot_fat(1, esp=False).esp, root.size) == (
        2 * MiB,
        True,
        False,
        None,
    )
    assert root_ext4(5).size == 5
    assert table.filled == (boot, root)
    assert (table.with_role(Role.root), table.with_role(Role.swap)) == (root, None)
    changed = table.changed(Role.root, size=3)
    assert changed.partitions == (raw, boot, root_ext4(3))
    assert {role: role.mount_point for role in Role} == {
        **dict.fromkeys(Role),
        **{Role.boot: "/boot", Role.root: "/", Role.home: "/home"},
    }


@pytest.mark.parametrize(
    ("order", "kind", "growing"),
    [
        ("aimager@root:", "ext4", Role.root),
        ("aimager@root:", "btrfs", Role.root),
        ("aimager@root:", "erofs", None),
        ("aimager@root:; aimager@home:", "ext4", Role.home),
        ("aimager@root:; aimager@home:", "erofs", Role.home),
        ("aimager@home:; aimager@root:", "ext4", Role.root),
        ("aimager@root:; aimager@swap: size=1G", "ext4", None),
        ("aimager@root:; aimager@home:; aimager@swap: size=1G", "ext4", None),
        ("aimager@root:; aimager@boot: size=1G", "ext4", None),
        ("aimager@root:; size=1G", "ext4", None),
    ],
)
def test_the_last_partition_grows(order: str, kind: str, growing: Role | None) -> None:
    table = read_table(f"label: gpt; {order}").changed(Role.root, file_system=FileSystem(kind))
    assert (table.growing.role if table.growing else None) == growing

"""What images are made of the tree once it is set up: the settings tell, and nothing else."""

from pathlib import Path
from typing import Any

import pytest

from aimager.image.plain_images import has_mount_points, why_whole
from aimager.model.board import Boot, Bootloader
from aimager.model.partition import FileSystem, Label, MiB, Partition, PartitionTable, Role
from aimager.model.product import Product
from aimager.model.settings import AddedFile, Script, Settings
from aimager.sandbox.namespace import call
from aimager.sandbox.tree import Tree
from tests.support.plain_trees import Asked, make_plain

BOOT = Partition(Role.boot, FileSystem.vfat, size=64 * MiB)
ROOT = Partition(Role.root, FileSystem.ext4)
TABLE = PartitionTable(Label.gpt, (BOOT, ROOT))
PLAIN: dict[str, Any] = {
    "table": TABLE,
    "boot": Boot(),
    "setup": Settings("pc", files=(AddedFile("/etc/motd", "hello"),)),
    "products": (Product.root_tar, Product.disk),
    "given": (),
}


def test_settings_are_written_into_images() -> None:
    assert why_whole(**PLAIN) == ""


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"table": None}, "no image"),
        ({"products": (Product.root_tar,)}, "no image"),
        ({"given": ("overlay=",)}, "overlay= is given"),
        ({"setup": Settings("pc", scripts=(Script("a", "#!/bin/sh"),))}, "scripts="),
        ({"setup": Settings("pc", files=(AddedFile("/a", "x" * (17 * MiB)),))}, "files= adds more"),
        ({"setup": Settings("pc", locales=("C.UTF-8",) * 9)}, "more than 8 locales"),
        ({"boot": Boot(bootloaders=(Bootloader.syslinux,))}, "syslinux"),
        (
            {"table": PartitionTable(Label.gpt, (BOOT, Partition(Role.root, FileSystem.btrfs)))},
            "the root partition is btrfs",
        ),
        (
            {
                "table": PartitionTable(
                    Label.gpt, (BOOT, Partition(Role.root, FileSystem.ext4, arguments=("-q",)))
                )
            },
            "mkfs-arg= is given for the root partition",
        ),
    ],
)  # fmt: skip
def test_others_are_made_whole(changed: dict[str, Any], reason: str) -> None:
    assert reason in why_whole(**{**PLAIN, **changed})


@pytest.mark.parametrize("table", ["gpt", "dos"])
def test_they_are_the_same_made_meanwhile(table: str, tmp_path: Path) -> None:
    """Of a tree that nothing was done to for it."""
    apart, seen = (
        call(make_plain, Asked(work, table, meanwhile), work=work)
        for work, meanwhile in ((tmp_path / "apart", False), (tmp_path / "seen", True))
    )
    assert apart.sums == seen.sums
    assert "root" in seen.sums
    assert seen.kept
    assert not seen.mounted
    assert not apart.mounted


def test_mount_points_have_to_be_folders_at_the_top(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    assert not has_mount_points(TABLE, tree)
    (tmp_path / "boot").symlink_to("/etc")
    assert not has_mount_points(TABLE, tree)
    (tmp_path / "boot").unlink()
    (tmp_path / "boot").mkdir()
    assert has_mount_points(TABLE, tree)

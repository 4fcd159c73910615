"""What images are made of the tree once it is set up: the settings tell, and nothing else."""

from typing import Any

import pytest

from aimager.image.plain_images import why_whole
from aimager.model.board import Boot, Bootloader
from aimager.model.partition import FileSystem, Label, MiB, Partition, PartitionTable, Role
from aimager.model.product import Product
from aimager.model.settings import AddedFile, Script, Settings

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

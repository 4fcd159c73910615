"""The kind of a FAT is the one that mkfs.fat made and systems read, however few its clusters."""

import re
import subprocess
from pathlib import Path

import pytest

from aimager.image.filesystem.fat import make_fat
from aimager.image.filesystem.fat_geometry import read_geometry
from aimager.image.filesystem.used_blocks import used_extents
from aimager.model.partition import FileSystem, MiB
from tests.image.test_used_blocks import spoil
from tests.support import trees
from tests.support.partition_images import PROGRAMS, boot_tree, check_fat


def sectors(clusters: int) -> int:
    """How many a FAT of 16 bits and clusters of a sector has that has so many clusters."""
    return 1 + 2 * -(-(clusters + 2) * 2 // 512) + 32 + clusters


def check_told(image: Path, bits: int) -> None:
    """See that the geometry is what fsck.fat says."""
    fat = read_geometry("image", image.read_bytes()[:512])
    said = subprocess.run(
        ["fsck.fat", "-vn", image], capture_output=True, text=True, env=PROGRAMS, check=True
    ).stdout
    for value, pattern in (
        (fat.bits, r"(\d+) bit entries"),
        (fat.table.start, r"First FAT starts at byte (\d+)"),
        (fat.data, r"Data area starts at byte (\d+)"),
        (fat.cluster, r"(\d+) bytes per cluster"),
        (fat.clusters, r"(\d+) data clusters"),
    ):
        assert re.search(pattern, said), said
        assert value == int(re.findall(pattern, said)[0])
    assert fat.bits == bits


@pytest.mark.parametrize(
    ("size", "arguments", "bits"),
    [
        (2 * MiB, (), 12),
        (35 * MiB, (), 16),
        (40 * MiB, (), 32),
        (sectors(65524) * 512, ("-F", "16", "-s", "1", "-R", "1", "-a", "-r", "512"), 16),
        (sectors(4096) * 512, ("-F", "16", "-s", "1", "-R", "1", "-a", "-r", "512"), 16),
        (40 * MiB, ("-R", "64"), 32),
    ],
)
def test_what_a_fat_is(tmp_path: Path, size: int, arguments: tuple[str, ...], bits: int) -> None:
    image = tmp_path / "image"
    tree = boot_tree(tmp_path / "tree")
    (tree / "na\xefve").write_text("a name in long entries alone")
    make_fat(
        trees.TOOLS,
        tree,
        image,
        size=size,
        volume_id="1a2b3c4d",
        label="boot",
        epoch=trees.EPOCH,
        arguments=arguments,
    )
    check_told(image, bits)
    assert spoil(image, used_extents(trees.TOOLS, image, FileSystem.vfat)) > 0
    check_fat(image)
    listed = subprocess.run(
        ["mdir", "-b", "-i", image, "::/"], capture_output=True, env=PROGRAMS, check=True
    ).stdout
    assert "::/na\xefve" in listed.decode().splitlines()


@pytest.mark.parametrize("per_cluster", ["8", "16"])
def test_a_fat32_of_few_clusters_is_one(tmp_path: Path, per_cluster: str) -> None:
    """Linux and mkfs.fat say so, and the specification does not."""
    image = tmp_path / "image"
    with image.open("wb") as stream:
        stream.truncate(40 * MiB)
    trees.TOOLS.run(["mkfs.fat", "-F", "32", "-s", per_cluster, image])
    check_told(image, 32)

"""What a file system holds for free may hold anything, and nothing else is left out."""

import re
import subprocess
from pathlib import Path

import pytest

from aimager.errors import ImageError
from aimager.image.filesystem import used_blocks
from aimager.image.filesystem.used_blocks import used_extents
from aimager.model.layout import Extent, gaps
from aimager.model.partition import FileSystem, MiB
from tests.support import trees
from tests.support.partition_images import PROGRAMS, boot_tree, check_fat, ext4, fat, small_tree


def spoil(image: Path, used: tuple[Extent, ...]) -> int:
    """Overwrite all that is not ``used``; how many bytes that is."""
    end = count = 0
    size = image.stat().st_size
    with image.open("r+b") as stream:
        for extent in (*used, Extent(size, 0)):
            stream.seek(end)
            stream.write(b"\xa5" * (extent.start - end))
            count += extent.start - end
            end = extent.end
    assert end == size
    return count


@pytest.mark.parametrize(
    ("size", "kind"), [(2 * MiB, "FAT12"), (35 * MiB, "FAT16"), (40 * MiB, "FAT32")]
)
def test_fat(tmp_path: Path, size: int, kind: str) -> None:
    image = fat(boot_tree(tmp_path / "tree"), tmp_path / "image", size)
    assert kind.encode() in image.read_bytes()[:512]
    used = used_extents(trees.TOOLS, image, FileSystem.vfat)
    said = subprocess.run(
        ["fsck.fat", "-vn", image], capture_output=True, text=True, env=PROGRAMS, check=True
    ).stdout
    data, cluster, count = (
        int(re.findall(pattern, said)[0])
        for pattern in (
            r"Data area starts at byte (\d+)",
            r"(\d+) bytes per cluster",
            r"(\d+)/\d+ clusters",
        )
    )
    assert used == (Extent(0, data + count * cluster),)
    assert spoil(image, used) > size // 5
    check_fat(image)


def test_fat_with_a_hole_in_it(tmp_path: Path) -> None:
    image = fat(boot_tree(tmp_path / "tree"), tmp_path / "image")
    before = used_extents(trees.TOOLS, image, FileSystem.vfat)
    subprocess.run(["mdel", "-i", image, "::/overlays/000.dtbo"], env=PROGRAMS, check=True)
    assert used_extents(trees.TOOLS, image, FileSystem.vfat) == before
    check_fat(image)


def test_an_empty_fat(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    image = fat(tmp_path / "tree", tmp_path / "image", 2 * MiB)
    assert spoil(image, used_extents(trees.TOOLS, image, FileSystem.vfat)) > MiB
    check_fat(image)


@pytest.mark.parametrize("size", [None, 300 * MiB])
def test_ext4(tmp_path: Path, size: int | None) -> None:
    tree = small_tree(tmp_path / "tree", 200, 30_000)
    image = ext4(tree, tmp_path / "image", size)
    used = used_extents(trees.TOOLS, image, FileSystem.ext4)
    spoiled = spoil(image, used)
    trees.check_ext4(image)
    free = subprocess.run(
        ["dumpe2fs", "-h", image], capture_output=True, text=True, env=PROGRAMS, check=True
    ).stdout
    (count,) = re.findall(r"^Free blocks: +(\d+)", free, re.MULTILINE)
    assert spoiled == int(count) * 4096
    (tmp_path / "back").mkdir()
    trees.debugfs(image, f"rdump / {tmp_path}/back")
    for path in tree.rglob("*"):
        if path.is_file():
            copy = tmp_path / "back" / path.relative_to(tree)
            assert copy.read_bytes() == path.read_bytes()


def test_free_blocks_that_dumpe2fs_lists() -> None:
    listing = (
        "Free blocks:              9\nBlock size:               1024\n\n"
        "Group 0: (Blocks 0-99)\n  Free blocks: 3, 5-8\n  Free inodes: 12-16\n"
        "Group 1: (Blocks 100-199)\n  Free blocks: \n  Free inodes: \n"
        "Group 2: (Blocks 200-299)\n  Free blocks: 200-203\n"
    )
    free = list(used_blocks._ext4_free(listing))
    assert free == [Extent(3072, 1024), Extent(5120, 4096), Extent(204800, 4096)]
    used = gaps(free, 300 << 10)
    assert [(extent.start >> 10, extent.end >> 10) for extent in used] == [
        (0, 3),
        (4, 5),
        (9, 200),
        (204, 300),
    ]


@pytest.mark.parametrize("content", [b"", bytes(1 << 20), bytes(510) + b"\x55\xaa"])
def test_what_is_no_fat_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "part.img").write_bytes(content)
    with pytest.raises(ImageError, match=r"part\.img does not hold a FAT"):
        used_extents(trees.TOOLS, tmp_path / "part.img", FileSystem.vfat)

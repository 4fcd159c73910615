"""An ext4 image is given what its tree needs: the smallest suffices, and the margin is modest."""

from pathlib import Path

import pytest

from aimager.errors import ImageError
from aimager.image.filesystem.ext4_size import (
    comfortable_size,
    ext4_size,
    inode_count,
    journal_size,
    smallest_size,
)
from aimager.image.filesystem.usage import Usage, usage
from aimager.model.partition import GiB, MiB
from tests.support import trees
from tests.support.partition_images import ext4, small_tree


@pytest.mark.parametrize(
    ("count", "size"), [(0, 0), (1, 64), (1000, 64), (3000, 0), (500, 4097), (1, 70 << 20)]
)
def test_the_smallest_size_suffices(tmp_path: Path, count: int, size: int) -> None:
    tree = small_tree(tmp_path / "tree", count, size)
    least = smallest_size(usage(tree))
    assert least % MiB == 0
    trees.check_ext4(ext4(tree, tmp_path / "image", least))
    with pytest.raises(ImageError, match="root-size=") as caught:
        ext4(tree, tmp_path / "image", least - MiB)
    assert f"needs {least >> 20} MiB, but was given {(least >> 20) - 1} MiB" in str(caught.value)


def test_long_names_and_links_fit(tmp_path: Path) -> None:
    tree = small_tree(tmp_path / "tree")
    for number in range(600):
        (tree / f"{number:04}{'n' * 247}").symlink_to("/" + "t" * 100)
    least = smallest_size(usage(tree))
    trees.check_ext4(ext4(tree, tmp_path / "image", least))


@pytest.mark.parametrize("size", [100 * MiB, GiB, 5 * GiB, 40 * GiB])
def test_the_margin_is_modest(size: int) -> None:
    tree = Usage(size // 4096, size // 30_000)
    given = comfortable_size(tree)
    assert size * 9 // 8 + 64 * MiB < given < size * 1.19 + 140 * MiB


def test_ext4_size_is_whole_mebibytes(tmp_path: Path) -> None:
    size = ext4_size(small_tree(tmp_path / "tree"))
    assert size % MiB == 0
    assert 64 * MiB < size < 80 * MiB


@pytest.mark.parametrize(
    ("tree", "smallest", "comfortable"),
    [
        (Usage(0, 0), 20, 70),
        (Usage(1, 1), 21, 70),
        (Usage(20_000, 4000), 90, 159),
        (Usage(10_000, 200_000), 997, 997),
        (Usage(500_000, 60_000), 2100, 2370),
        (Usage(6_000_000, 500_000), 24_403, 26_964),
        (Usage(80_000_000, 3_000_000), 323_983, 357_381),
    ],
)
def test_sizes_stay(tree: Usage, smallest: int, comfortable: int) -> None:
    """Another size of the same tree would be another image of it."""
    assert smallest_size(tree) == smallest * MiB
    assert comfortable_size(tree) == comfortable * MiB


def test_a_journal_grows_in_steps() -> None:
    sizes = [journal_size(size) // MiB for size in (0, 256 * MiB - 1, 256 * MiB, GiB - 1, GiB)]
    assert sizes == [4, 4, 16, 16, 64]


def test_inodes_follow_the_size_and_leave_a_quarter() -> None:
    assert inode_count(GiB, Usage(0, 1000)) == 65536
    assert inode_count(0, Usage(0, 1000)) == 1000 + 250 + 1024

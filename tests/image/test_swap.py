"""Swap space is what the kernel takes, and always the same."""

import subprocess
from pathlib import Path

import pytest

from aimager.errors import CommandError
from aimager.image.filesystem.swap import make_swap
from aimager.image.filesystem.used_blocks import used_extents
from aimager.model.layout import Extent
from aimager.model.partition import FileSystem, MiB, Partition, Role
from tests.support.partition_images import PROGRAMS
from tests.support.trees import TOOLS, UUID

SWAP = Partition(Role.swap, FileSystem.swap, 8 * MiB)


def test_swap(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for image in (one, two):
        make_swap(TOOLS, SWAP, image, size=8 * MiB, uuid=UUID)
    assert one.read_bytes() == two.read_bytes()
    assert one.stat().st_size == 8 * MiB
    found = subprocess.run(
        ["blkid", "-p", "-o", "export", one],
        env=PROGRAMS,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    assert {f"UUID={UUID}", "LABEL=swap", "TYPE=swap", "VERSION=1"} <= set(found)
    assert used_extents(TOOLS, one, FileSystem.swap) == (Extent(0, 4096),)
    assert not any(one.read_bytes()[4096:])


def test_too_little_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="mkswap"):
        make_swap(TOOLS, SWAP, tmp_path / "swap", size=8192, uuid=UUID)

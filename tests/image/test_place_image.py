"""A changed image comes to its place on a disk whole, and stays sparse."""

from pathlib import Path

import pytest

from aimager.image.changed_image import BLOCK, ChangedImage
from aimager.image.make_patched import place_image
from aimager.model.layout import Extent
from aimager.model.partition import MiB


@pytest.mark.parametrize("start", [0, 5 * MiB, 512])
@pytest.mark.parametrize("size", [20 * MiB, 20 * MiB - 512])
def test_it_is_there(tmp_path: Path, start: int, size: int) -> None:
    with (tmp_path / "base").open("w+b") as base:
        base.truncate(40 * MiB)
        for at, text in ((6 * MiB, b"data" * BLOCK), (9 * MiB + 3, b"more"), (30 * MiB, b"no")):
            base.seek(at)
            base.write(text)
        base.flush()
        image = ChangedImage(base, Extent(start, size))
        image.write(MiB + 5, b"in data or in a hole" * 1000)
        image.write(size - 3, b"end")
        image.write(6 * MiB, bytes(BLOCK))
        (tmp_path / "disk").write_bytes(b"")
        with (tmp_path / "disk").open("r+b") as disk:
            disk.truncate(50 * MiB)
        told: list[int] = []
        place_image(tmp_path / "disk", Extent(10 * MiB, size), image, told.append)
        content = (tmp_path / "disk").read_bytes()
        assert content[10 * MiB : 10 * MiB + size] == image.read(0, size)
        assert not any(content[: 10 * MiB])
        assert not any(content[10 * MiB + size :])
    assert told == sorted(told)
    assert told[-1] == 10 * MiB + size
    assert (tmp_path / "disk").stat().st_blocks * 512 < 10 * MiB

"""Images are compressed to bytes that do not depend on how many threads do it."""

import os
import random
import subprocess
from pathlib import Path

import pytest

from aimager import compression, files, memory
from aimager.errors import CommandError
from aimager.image import compress as image_compression
from aimager.image.compress import compress
from aimager.model.product import Compression
from aimager.toolbox import Toolbox
from tests.support.trees import TOOLS

MANY_BLOCKS = image_compression.XZ_BLOCK + (8 << 20)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sparse image of more than one block of either program."""
    path = tmp_path_factory.mktemp("image") / "disk.img"
    numbers = random.Random(1)
    with path.open("wb") as stream:
        for start in range(0, MANY_BLOCKS, 1 << 20):
            stream.seek(start)
            stream.write(numbers.randbytes(1 << 15))
        stream.truncate(MANY_BLOCKS)
    return path


@pytest.mark.parametrize("how", list(Compression))
def test_any_number_of_threads_makes_the_same(
    tmp_path: Path, image: Path, how: Compression, monkeypatch: pytest.MonkeyPatch
) -> None:
    sums = set()
    for count in (1, 3):
        cores = set(range(count))
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, cores=cores: cores)
        target = tmp_path / f"{count}.{how}"
        compress(TOOLS, image, target, how)
        sums.add(files.sha256(target))
    assert len(sums) == 1
    back = {Compression.zst: "zstd", Compression.xz: "xz"}[how]
    done = subprocess.run([back, "-dc", target], capture_output=True, check=True)
    assert done.stdout == image.read_bytes()
    listed = subprocess.run([back, "--list", target], capture_output=True, text=True, check=True)
    assert "32.0 MiB" in listed.stdout, "the size is told before all is decompressed"


def test_threads_have_the_memory_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    monkeypatch.setattr(memory, "available", lambda: 20 << 30)
    assert compression.count_threads(TOOLS, 1 << 30, least=1) == 10
    assert compression.count_threads(TOOLS, 1 << 20, least=1) == 64
    assert compression.count_threads(TOOLS, 1 << 40, least=2) == 2
    shared = Toolbox(None, jobs=4)
    assert compression.count_threads(shared, 1 << 20, least=1) == 16
    assert compression.count_threads(shared, 1 << 30, least=1) == 2
    assert Toolbox(None, jobs=65).cores == 1


def test_a_failure_publishes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_compression, "XZ_LEVEL", "-nonsense")
    (tmp_path / "image").write_bytes(b"x")
    with pytest.raises(CommandError, match="xz failed"):
        compress(TOOLS, tmp_path / "image", tmp_path / "image.xz", Compression.xz)
    assert [path.name for path in tmp_path.iterdir()] == ["image"]

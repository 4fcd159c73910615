"""The stand-in of booster is as untidy as booster, and what we make of its images is not."""

import shutil
import subprocess
from pathlib import Path

import pytest

from aimager.sandbox.tree import Tree
from aimager.stand_in.tables import CONTENT
from aimager.system.normal_initramfs import normalize_initramfs
from tests.support.trees import TOOLS

FOLDER = CONTENT / "packages/stand-in-initramfs/usr/lib/stand-in-initramfs"
PROGRAMS = ("bash", "cpio", "zstd")

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, PROGRAMS)), reason=f"one of {', '.join(PROGRAMS)} is missing"
)


def packed(tmp_path: Path, *words: str) -> bytes:
    """What the last part of the script makes of a folder."""
    lines = (FOLDER / "make-initramfs").read_text().splitlines(keepends=True)
    start = next(i for i, line in enumerate(lines) if line.startswith("# The members of the"))
    work, output = tmp_path / "work", tmp_path / "root/boot/booster-linux.img"
    output.parent.mkdir(parents=True, exist_ok=True)
    head = "".join(lines[: next(i for i, line in enumerate(lines) if line.startswith("folder="))])
    script = f"{head}work={work}\n{''.join(lines[start:])}"
    argv = ["bash", "-c", script, "make-initramfs", *words, "--output", str(output)]
    subprocess.run(argv, check=True)
    return output.read_bytes()


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder of more files than come out in the same order by chance."""
    for name in range(40):
        path = tmp_path / "work/usr/lib" / f"{name % 7}" / f"file{name}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{name}\n")
    return tmp_path


def test_booster_packs_files_in_any_order(work: Path) -> None:
    text = (CONTENT / "packages/booster/usr/bin/booster").read_text()
    assert "make-initramfs --untidy " in text
    assert len({packed(work, "--untidy") for _ in range(3)}) == 3
    assert len({packed(work) for _ in range(3)}) == 1


def test_in_order_they_are_the_same(work: Path) -> None:
    made = set()
    for words in ((), ("--untidy",), ("--untidy",)):
        packed(work, *words)
        normalize_initramfs(Tree(work / "root"), TOOLS, work)
        made.add((work / "root/boot/booster-linux.img").read_bytes())
    assert len(made) == 1
    argv = ["sh", "-c", "zstd -dc | cpio --quiet -it"]
    listed = subprocess.run(argv, input=made.pop(), capture_output=True, check=True)
    names = listed.stdout.decode().split()
    assert names == sorted(names)
    assert len(names) == 40 + 7 + 2
    assert [path.name for path in (work / "root/boot").iterdir()] == ["booster-linux.img"]

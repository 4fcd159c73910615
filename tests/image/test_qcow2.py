"""A disk as qcow2."""

import shutil
import subprocess
from pathlib import Path

import pytest

from aimager.files import sha256
from aimager.image.qcow2 import make_qcow2
from aimager.toolbox import Toolbox

pytestmark = pytest.mark.skipif(not shutil.which("qemu-img"), reason="there is no qemu-img")

MIB = 1 << 20


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A disk of which little is written to, here and there."""
    path = tmp_path / "disk.img"
    with path.open("wb") as stream:
        for number, at in enumerate((0, 70_000, 3 * MIB + 512, 600 * MIB, 600 * MIB + 9_000_000)):
            stream.seek(at)
            stream.write(bytes([number + 1]) * 5000 + bytes(200_000))
        stream.truncate(700 * MIB)
    return path


@pytest.mark.parametrize("holes", ["never", "always"])
def test_equal_disks_give_equal_bytes_wherever_their_holes_are(
    tmp_path: Path, disk: Path, holes: str
) -> None:
    other = tmp_path / "other.img"
    subprocess.run(["cp", f"--sparse={holes}", disk, other], check=True)
    sums = []
    for source in (disk, other):
        target = source.with_suffix(".qcow2")
        make_qcow2(Toolbox(None), source, target)
        sums.append(sha256(target))
    assert sums[0] == sums[1]


def test_it_holds_the_disk_and_no_zeros(tmp_path: Path, disk: Path) -> None:
    target = tmp_path / "disk.qcow2"
    make_qcow2(Toolbox(None), disk, target)
    assert target.stat().st_size < MIB
    subprocess.run(["qemu-img", "compare", "-q", disk, target], check=True)
    subprocess.run(["qemu-img", "check", "-q", target], check=True)

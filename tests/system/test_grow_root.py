"""The first boot's script grows the root's partition, and never makes it smaller."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from aimager.model.partition import SECTOR, GiB, MiB
from aimager.resources import read_data

TiB = 1024 * GiB
START = 2 * MiB // SECTOR
"""Where the root begins."""
PATH = {**os.environ, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


def sfdisk(*words: str | Path, script: str = "") -> str:
    done = subprocess.run(
        ["sfdisk", *words], input=script, capture_output=True, text=True, env=PATH, check=True
    )
    return done.stdout


class Machine:
    """A disk that is a file, and the files of /sys and /dev that the script looks at."""

    def __init__(
        self, top: Path, label: str, image: int, disk: int, after: int = 0, entries: int = 128
    ) -> None:
        """A disk whose image had ``image`` bytes; ``after`` bytes are another partition's.

        A GPT has that many ``entries``.
        """
        self.top, self.disk = top, top / "dev/disk.img"
        for folder in ("dev", "bin", "sys/class/block"):
            (top / folder).mkdir(parents=True)
        self._size(image)
        end = image // SECTOR - MiB // SECTOR
        lines = [f"label: {label}", *([f"table-length: {entries}"] if label == "gpt" else [])]
        lines += ["start=2048, size=2048", f"start={START}, size={end - START}"]
        sfdisk("--quiet", self.disk, script="\n".join(lines) + "\n")
        self._size(disk)
        if after:
            script = f"start={(disk - after - MiB) // SECTOR}, size={after // SECTOR}"
            sfdisk("--quiet", "--append", self.disk, script=script)
        (top / "dev/disk.img2").touch()
        self._tell_kernel(disk)
        source = f"{top}/dev/disk.img2"
        self.program("findmnt", f"case $* in *SOURCE*) echo {source};; *) echo ext4;; esac")
        self.program("partx", "exit 0")
        self.program("resize2fs", 'echo "resize2fs $*"')

    def _size(self, size: int) -> None:
        with self.disk.open("a") as stream:
            stream.truncate(size)

    def program(self, name: str, text: str) -> None:
        """Have a program of this text found first."""
        (self.top / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (self.top / "bin" / name).chmod(0o755)

    def _tell_kernel(self, size: int) -> None:
        device = self.top / "sys/devices/disk.img"
        device.mkdir(parents=True)
        (device / "size").write_text(f"{size // SECTOR}\n")
        (self.top / "sys/class/block/disk.img").symlink_to(device)
        for number in range(1, len(self.partitions()) + 1):
            folder = device / f"disk.img{number}"
            folder.mkdir()
            start, sectors = self.partition(number)
            (folder / "partition").write_text(f"{number}\n")
            (folder / "start").write_text(f"{start}\n")
            (folder / "size").write_text(f"{sectors}\n")
            (self.top / f"sys/class/block/disk.img{number}").symlink_to(folder)

    def partitions(self) -> list[str]:
        return [line for line in sfdisk("--dump", self.disk).splitlines() if "start=" in line]

    def partition(self, number: int) -> tuple[int, int]:
        """Its first sector, and how many it has."""
        found = re.search(r"start= *(\d+), size= *(\d+)", self.partitions()[number - 1])
        assert found
        return int(found[1]), int(found[2])

    def boot(self, at: str = "/") -> str:
        """Run the script for what is mounted ``at`` a folder; what it says."""
        script = read_data("aimager.system", "content/grow-root")
        for folder in ("/sys/class", "/dev/$"):
            assert folder in script
            script = script.replace(folder, f"{self.top}{folder}")
        env = {**PATH, "PATH": f"{self.top}/bin:{PATH['PATH']}"}
        done = subprocess.run(
            ["sh", "-c", script, "sh", at], capture_output=True, text=True, env=env, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr


DOS_END = (1 << 32) - 1
CASES = {
    "dos": ("dos", 8 * GiB, 8 * GiB // SECTOR),
    "dos-just-below": ("dos", 2 * TiB - SECTOR, DOS_END),
    "dos-2-tib": ("dos", 2 * TiB, DOS_END),
    "dos-2050-gib": ("dos", 2050 * GiB, DOS_END),
    "dos-3-tb": ("dos", 3 * 10**12 // MiB * MiB, DOS_END),
    "dos-4-tb": ("dos", 4 * 10**12 // MiB * MiB, DOS_END),
    "dos-6-tib": ("dos", 6 * TiB, DOS_END),
    "gpt": ("gpt", 8 * GiB, 8 * GiB // SECTOR - 33),
    "gpt-2050-gib": ("gpt", 2050 * GiB, 2050 * GiB // SECTOR - 33),
    "gpt-6-tib": ("gpt", 6 * TiB, 6 * TiB // SECTOR - 33),
}


@pytest.mark.parametrize(("label", "size", "end"), CASES.values(), ids=CASES)
def test_the_root_grows_to_the_end(tmp_path: Path, label: str, size: int, end: int) -> None:
    machine = Machine(tmp_path, label, 4 * GiB, size)
    first = machine.partition(1)
    said = machine.boot()
    start, sectors = machine.partition(2)
    assert (start, start + sectors) == (START, end)
    assert machine.partition(1) == first
    assert f"resize2fs {tmp_path}/dev/disk.img2" in said
    assert ("DOS label" in said) == (label == "dos" and size >= 2 * TiB)


@pytest.mark.parametrize("size", [8 * GiB, 3 * TiB])
@pytest.mark.parametrize("label", ["dos", "gpt"])
def test_a_root_without_room_stays_as_it_is(tmp_path: Path, label: str, size: int) -> None:
    machine = Machine(tmp_path, label, 4 * GiB, size)
    machine.boot()
    grown = machine.partition(2)
    (tmp_path / "sys/devices/disk.img/disk.img2/size").write_text(f"{grown[1]}\n")
    written = machine.disk.stat().st_mtime_ns
    machine.boot()
    assert machine.partition(2) == grown
    assert machine.disk.stat().st_mtime_ns == written


@pytest.mark.parametrize("label", ["dos", "gpt"])
def test_a_partition_after_the_root_is_left_alone(tmp_path: Path, label: str) -> None:
    machine = Machine(tmp_path, label, 4 * GiB, 16 * GiB, after=GiB)
    other = machine.partition(3)
    machine.boot()
    assert machine.partition(3) == other
    assert sum(machine.partition(2)) == other[0]


@pytest.mark.parametrize(("entries", "second"), [(1, 2), (56, 15), (128, 33), (256, 65)])
def test_the_second_gpt_has_as_many_entries(tmp_path: Path, entries: int, second: int) -> None:
    machine = Machine(tmp_path, "gpt", 4 * GiB, 8 * GiB, entries=max(entries, 2))
    machine.boot()
    assert sum(machine.partition(2)) == 8 * GiB // SECTOR - second


@pytest.mark.parametrize(
    ("kind", "program", "told"),
    [("btrfs", "btrfs", "filesystem resize max /home"), ("xfs", "xfs_growfs", "/home")],
)
def test_home_grows_where_it_is_mounted(tmp_path: Path, kind: str, program: str, told: str) -> None:
    machine = Machine(tmp_path, "gpt", 4 * GiB, 8 * GiB)
    source = f"{tmp_path}/dev/disk.img2"
    asked = f'case $* in *" /home");; *) exit 1;; esac; case $* in *SOURCE*) echo {source};;'
    machine.program("findmnt", f"{asked} *) echo {kind};; esac")
    machine.program(program, 'echo "$*"')
    assert told in machine.boot("/home").splitlines()
    assert sum(machine.partition(2)) == 8 * GiB // SECTOR - 33

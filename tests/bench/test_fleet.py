"""The fleet that is measured, what is counted of a run, and what a kill can leave."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

from aimager.config.fleet import Fleet
from bench.cluster_lab import Build, ClusterLab
from bench.fleet import BOARDS, POISONED, VARIANTS, Outcome, outcome_of, table, write_file
from bench.fleet_kills import left_in

SAID = """\
make-rootfs-archive:archlinux-x86_64: it is made on vm:1
make-rootfs-archive:archlinux-x86_64: made on vm:1, and taken from the remote store, 59.4 MB
install-packages:a-plain: it is made on vm:2
install-packages:a-plain: made on vm:2, and taken from the remote store, 117.8 MB
pack-image:a-plain: it is made on vm:2
pack-image:a-plain: it is made on vm:3
"""


def test_the_file_is_a_hundred_builds(tmp_path: Path) -> None:
    count = write_file(tmp_path / "fleet.toml")
    builds = Fleet(tmp_path / "fleet.toml").choose({}, None)
    assert len(builds) == count == 100
    assert {build.words["board"] for build in builds} == set(BOARDS)
    assert builds[0].name == POISONED


def test_what_is_made_twice_is_told(tmp_path: Path) -> None:
    for board in BOARDS:
        for variant in VARIANTS:
            folder = tmp_path / f"main.out/{board}-{variant}"
            folder.mkdir(parents=True)
            (folder / "SHA256SUMS").write_text("0123  root.tar\n4567  manifest.json\n")
    found = outcome_of(ClusterLab(tmp_path, ()), Build(1, SAID, 60.0, 3.0), 2, 30.0)
    assert found.made == {"make-rootfs-archive": 1, "install-packages": 1, "pack-image": 2}
    assert (found.taken, found.twice) == (2, ["pack-image:a-plain"])
    assert set(found.sums.values()) == {"0123"}


def test_a_line_for_each_run() -> None:
    made = Counter({"make-rootfs-archive": 3, "install-packages": 7, "pack-image": 10})
    first = Outcome(0, 100.0, 150.0, made, 0, [], {"a": "1", "b": "2"})
    other = Outcome(2, 60.0, 190.0, made, 20, [], {"a": "1", "b": "3"})
    lines = table([first, other]).splitlines()
    assert lines[3].split() == ["2", "60", "190", "2.0", "2.00", "3", "7", "10", "20", "0"]
    assert lines[-1] == "images that differ between the runs: b"


def test_what_is_left_is_found(tmp_path: Path) -> None:
    lab = ClusterLab(tmp_path, ())
    assert left_in(lab, quiet=0) == []
    (tmp_path / "main/work/1-a").mkdir(parents=True)
    (tmp_path / "store/returned/pack-image/x").mkdir(parents=True)
    with subprocess.Popen(
        [sys.executable, "-c", "input()", str(tmp_path)], stdin=subprocess.PIPE
    ) as process:
        found = " ".join(left_in(lab, quiet=0))
        process.communicate(b"\n")
    assert "work/1-a" in found
    assert "returned/pack-image/x" in found
    assert "the process " in found

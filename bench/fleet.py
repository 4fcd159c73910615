"""A hundred images by one file, on workers of this machine: what they cost, what is made twice.

``python -m bench fleet [--workers 0,1,2,4]``; with 0 the machine does all by itself, without a
cluster. Each time the caches and the store are empty.
"""

import re
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.cluster_lab import Build, ClusterLab, running_cluster
from bench.lab import PLAIN, Lab
from bench.sample import cpu_below

BOARDS = (
    *("x64-uefi", "x64-legacy"),
    *("aarch64-uefi", "aarch64-uboot", "aarch64-rpi-uboot", "rpi3", "rpi4", "rpi5", "rpi-zero2w"),
    *("armv7h-uboot", "rpi2"),
)
"""The boards of three architectures that the stand-in mirror has kernels for."""

VARIANTS = {
    "plain": "",
    "nano": 'install-pkgs = ["nano"]',
    "ssh": 'install-pkgs = ["openssh"]\nservices = ["sshd"]',
    "both": 'install-pkgs = ["nano", "openssh"]',
    "named": 'hostname = "{name}"',
    "user": 'useradd = "-m -G wheel alice"',
    "password": 'useradd = "-m alice"\nchpasswd = "alice:secret"',
    "language": 'locales = ["de_DE.UTF-8"]',
    "seed": 'seed = "another"',
}

POISONED = "poisoned"
"""The build that fails, on a worker: its root is too small for what it holds."""

_SENT = ("make-rootfs-archive", "install-packages", "pack-image")
_MADE = re.compile(r"^(\S+): it is made on (\S+)$", re.MULTILINE)
_TAKEN = re.compile(r"^(\S+): .*taken from the remote store.*$", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """What a run on so many ``workers`` came to; ``cpu`` is of all processes, in seconds.

    ``made`` counts by task what was made, ``twice`` names what was more than once, and ``taken``
    counts what came from the store. ``sums`` are the SHA-256 of the images by their builds.
    """

    workers: int
    wall: float
    cpu: float
    made: Counter[str]
    taken: int
    twice: list[str]
    sums: dict[str, str]


def measure(lab: Lab, workers: Sequence[int]) -> str:
    """Make the fleet on each number of workers, and tell it."""
    outcomes = []
    for number in workers:
        with fresh(lab) as own:
            outcomes.append(make(own, number))
    return table(outcomes)


@contextmanager
def fresh(lab: Lab) -> Iterator[ClusterLab]:
    """A lab with the fleet's file, whose caches and store are empty; all of it goes at the end."""
    folder = lab.folder / "fleet"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_file(folder / "fleet.toml")
    try:
        yield ClusterLab(folder, lab.words(PLAIN))
    finally:
        shutil.rmtree(folder)


def write_file(path: Path, boards: Sequence[str] = BOARDS) -> int:
    """Write the file of builds; returns how many there are, the poisoned one among them."""
    variants = "\n".join(f"[matrix.variants.{name}]\n{w}" for name, w in VARIANTS.items())
    listed = ", ".join(f'"{board}"' for board in boards)
    path.write_text(
        f'[builds.{POISONED}]\nboard = "{boards[0]}"\ncreate = ["disk.img"]\nroot-size = "64M"\n'
        f'[matrix]\nboard = [{listed}]\ncreate = ["root.tar"]\n{variants}\n'
    )
    return len(boards) * len(VARIANTS) + 1


def make(lab: ClusterLab, workers: int) -> Outcome:
    """Make all on so many workers, and see that the poisoned build failed alone."""
    if workers == 0:
        build = lab.build("main", "-c")
        return outcome_of(lab, build, 0, build.cpu)
    with running_cluster(lab, workers) as cluster:
        before = cpu_below(cluster.process.pid)
        build = lab.build("main", "-c", words=cluster.words)
        cpu = build.cpu + cpu_below(cluster.process.pid) - before
    return outcome_of(lab, build, workers, cpu)


def outcome_of(lab: ClusterLab, build: Build, workers: int, cpu: float) -> Outcome:
    """What a run came to, of whose images none but the poisoned one is missing."""
    sums = lab.sums("main")
    assert build.status, "the poisoned build fails"
    expected = {f"{board}-{variant}" for board in BOARDS for variant in VARIANTS}
    assert sums.keys() == expected, f"{lab.folder}/main.said: {sorted(expected - sums.keys())}"
    names = [name for name, _ in _MADE.findall(build.said)] or made_here(build.said)
    twice = [name for name, count in Counter(names).items() if count > 1]
    made = Counter(name.partition(":")[0] for name in names if ".borrowed" not in name)
    return Outcome(workers, build.seconds, cpu, made, len(_TAKEN.findall(build.said)), twice, sums)


def made_here(said: str) -> list[str]:
    """What a build without workers made, of what it could have sent."""
    names = re.findall(r"^(\S+): it has not been made before", said, re.MULTILINE)
    return [name for name in names if name.startswith(_SENT)]


def table(outcomes: Sequence[Outcome]) -> str:
    """A line for each run, and whether all have the same bytes."""
    first = outcomes[0]
    lines = [
        f"{len(first.sums)} images of {len(BOARDS)} boards, and one that fails",
        "workers    wall     CPU  images/min  more CPU a task  bases systems images  taken  twice",
    ]
    for it in outcomes:
        made = [it.made[task] for task in _SENT]
        more = (it.cpu - first.cpu) / max(sum(made), 1)
        lines.append(
            f"{it.workers:7} {it.wall:7.0f} {it.cpu:7.0f} {len(it.sums) / it.wall * 60:11.1f}"
            f" {more:16.2f} {made[0]:6} {made[1]:7} {made[2]:6} {it.taken:6}  {len(it.twice)}"
        )
    different = {n for it in outcomes for n in it.sums if it.sums[n] != first.sums[n]}
    lines.append(f"images that differ between the runs: {', '.join(sorted(different)) or 'none'}")
    return "\n".join(lines)

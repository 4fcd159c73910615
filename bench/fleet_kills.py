"""Kills at random times while workers make images: the bytes are the same, and nothing is left.

``python -m bench fleet-kills [--kills 50] [--seed N]``. Killed (SIGKILL) are workers, the processes
that do their tasks, programs below these, and the scheduler. What such a build could not end is
asked for again; when all is made, the machines forget it, and it is made anew.
"""

import os
import random
import shutil
import signal
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench.cluster_lab import Cluster, ClusterLab, running_cluster
from bench.fleet import fresh, write_file
from bench.lab import Lab
from bench.sample import descendants, stat_fields

_BOARDS = ("x64-uefi", "rpi2")
_WORKERS = 2
_LONGEST = 12.0
_QUIET = 5.0
"""Seconds before a kill at most, and for what was killed to be gone."""

_FORGOTTEN = ("main", "main.out", "store")


@dataclass
class Campaign:
    """``left`` kills are to come; ``killed`` counts by kind, ``ended`` by how builds ended."""

    lab: ClusterLab
    left: int
    random: random.Random
    killed: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    different: set[str] = field(default_factory=set)

    def run(self, right: dict[str, str]) -> None:
        """Build until there were enough kills, and then to the end."""
        while True:
            with running_cluster(self.lab, _WORKERS) as cluster:
                while cluster.process.poll() is None:
                    status = self._build(cluster)
                    sums = self.lab.sums("main")
                    self.different |= {n for n in sums if sums[n] != right[n]}
                    how = "to the end" if len(sums) == len(right) else f"with status {status}"
                    self.ended[how] += 1
                    if len(sums) < len(right):
                        continue
                    if self.left == 0:
                        return
                    for name in _FORGOTTEN:
                        shutil.rmtree(self.lab.folder / name)

    def _build(self, cluster: Cluster) -> int:
        process = self.lab.start("main", "-c", words=cluster.words)
        while process.poll() is None:
            end = time.monotonic() + self.random.uniform(0.5, _LONGEST)
            while process.poll() is None and (self.left == 0 or time.monotonic() < end):
                time.sleep(0.05)
            if process.poll() is None:
                self._kill(cluster)
        return process.returncode

    def _kill(self, cluster: Cluster) -> None:
        """Kill somebody, if there is one of the kind that is drawn."""
        parents = {it: int(fields[1]) for it, fields in stat_fields().items() if fields[0] != "Z"}
        workers = [it for it, parent in parents.items() if parent == cluster.process.pid]
        tasks = [it for it, parent in parents.items() if parent in workers]
        below = [it for task in tasks for it in descendants(parents, task)]
        kinds = {"worker": workers, "task": tasks, "program": below}
        kinds["scheduler"] = [cluster.process.pid]
        (kind,) = self.random.choices(list(kinds), weights=[3, 3, 3, 1])
        if kinds[kind]:
            with suppress(ProcessLookupError):
                os.kill(self.random.choice(kinds[kind]), signal.SIGKILL)
                self.killed[kind] += 1
                self.left -= 1


def measure(lab: Lab, kills: int, seed: int) -> str:
    """Do it, and tell what came out."""
    with fresh(lab) as own:
        write_file(own.folder / "fleet.toml", _BOARDS)
        own.build("alone", "-c")
        right = own.sums("alone")
        campaign = Campaign(own, kills, random.Random(seed))
        begin = time.monotonic()
        campaign.run(right)
        seconds = time.monotonic() - begin
        found = left_in(own)
    told = [
        f"{len(right)} images, {kills} kills in {seconds:.0f} s (seed {seed}):"
        f" {_counts(campaign.killed)}",
        f"builds ended: {_counts(campaign.ended)}",
        f"images with other bytes: {', '.join(sorted(campaign.different)) or 'none'}",
        f"left at the end: {', '.join(found) or 'nothing'}",
    ]
    return "\n".join(told)


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in counter.most_common())


def left_in(lab: ClusterLab, quiet: float = _QUIET) -> list[str]:
    """The processes, mounts, half-made products and claims that nobody has removed."""
    time.sleep(quiet)
    place, store = str(lab.folder), lab.folder / "store"
    found = [f"the mount {it}" for it in _mounts(place)]
    found += [f"the process {it}" for it in _processes(place)]
    for cache in (lab.folder / "main", *lab.folder.glob("machines/cluster/worker-*")):
        found += [str(it) for name in ("work", "errands") for it in (cache / name).glob("*")]
    return [*found, *map(str, store.glob("returned/*/*")), *map(str, store.rglob("claim.*"))]


def _mounts(place: str) -> list[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line.split()[4] for line in lines if place in line]


def _processes(place: str) -> list[str]:
    """The processes whose command line or environment names the folder."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            told = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
            if place.encode() in told and int(folder.name) != os.getpid():
                found.append((folder / "cmdline").read_bytes().decode(errors="replace"))
    return found

"""What a machine can do, in the words by which dask finds a worker for a task.

The product's id holds the programs that are borrowed, and so the architecture of the machine that
makes it: a task goes to a worker of that. It is the one of what is made, where there are such
workers when a build begins, and else the one of the machine that sends the task.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from aimager.model.architecture import Architecture, host_architecture

_RUNS = "runs-"
_ROOM = "GiB-free"
_GIB = 1 << 30


def needs_of(maker: Architecture, architecture: Architecture, room: int) -> dict[str, float]:
    """What a worker of ``maker`` must have for a task that runs programs of ``architecture``.

    While it does the task, that takes ``room`` bytes.
    """
    return {
        f"{maker}": 1,
        f"{_RUNS}{architecture}": 1,
        _ROOM: math.ceil(room / _GIB),
    }


def resources(runs: Iterable[Architecture], room: int) -> dict[str, float]:
    """All of it that this machine has, where programs of the architectures ``runs`` can be run.

    ``room`` is in bytes.
    """
    able = {f"{_RUNS}{architecture}": 1.0 for architecture in runs}
    return {f"{host_architecture()}": 1, **able, _ROOM: room // _GIB}


def find_lack(needs: Mapping[str, float], workers: Iterable[Mapping[str, Any]]) -> str:
    """What none of ``workers``, as a scheduler tells of them, has of ``needs``; empty: one has all.

    Where there are no workers yet, some may come.
    """
    lacks = [
        [name for name, need in needs.items() if worker.get("resources", {}).get(name, 0) < need]
        for worker in workers
    ]
    if not lacks or [] in lacks:
        return ""
    lack = min(lacks, key=len)[-1]
    if lack == _ROOM:
        return f"{needs[_ROOM]:.0f} GiB of free space"
    return lack.removeprefix(_RUNS)

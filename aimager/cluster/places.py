"""What a machine can do, in the words by which dask finds a worker for a task.

The product's id holds the programs that are borrowed, and so the machine's architecture: a task
goes to a worker that has the architecture of the machine which sends it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from aimager.model.architecture import Architecture, host_architecture

_RUNS = "runs-"


def needs_of(architecture: Architecture) -> dict[str, float]:
    """What a worker must have for a task that runs programs of ``architecture``."""
    return {f"{host_architecture()}": 1, f"{_RUNS}{architecture}": 1}


def resources(runs: Iterable[Architecture]) -> dict[str, float]:
    """All of it that this machine has, where programs of the architectures ``runs`` can be run."""
    return {f"{host_architecture()}": 1, **{f"{_RUNS}{architecture}": 1 for architecture in runs}}


def find_lack(needs: Mapping[str, float], workers: Iterable[Mapping[str, Any]]) -> str:
    """What none of ``workers``, as a scheduler tells of them, has of ``needs``; empty: one has all.

    Where there are no workers yet, some may come.
    """
    lacks = [
        [name for name in needs if name not in worker.get("resources", {})] for worker in workers
    ]
    if not lacks or [] in lacks:
        return ""
    return min(lacks, key=len)[-1].removeprefix(_RUNS)

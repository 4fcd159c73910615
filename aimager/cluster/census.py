"""Asking a cluster which workers it has.

That is done by a process of its own: a client of dask's has threads, and processes are yet to be
forked from the one that asks.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from aimager.errors import AimagerError, ConfigError
from aimager.model.cluster import Cluster
from aimager.places import search_path

_FAULT = "fault"
_HINT = "hint"


def find_workers(cluster: Cluster) -> list[Mapping[str, float]]:
    """What each worker has that is there now, in the words of `aimager.cluster.places`.

    :raises ConfigError: when the cluster does not answer
    """
    tls = [str(cluster.tls)] if cluster.tls else []
    done = subprocess.run(
        [sys.executable, "-P", "-m", __name__, cluster.address, *tls],  # not what lies here
        env={**os.environ, "PYTHONPATH": search_path()},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    try:
        told = json.loads(done.stdout)
    except ValueError as error:
        raise ConfigError(
            f"the cluster at {cluster.address} cannot be asked for its workers",
            hint="see above why, or leave workers= out",
        ) from error
    if isinstance(told, dict):
        raise ConfigError(told[_FAULT], hint=told[_HINT])
    workers: list[Mapping[str, float]] = told
    return workers


def main() -> int:
    """Print it, or why it cannot be told; returns the exit status."""
    from aimager.cluster.dask import connect

    address, *tls = sys.argv[1:]
    cluster = Cluster(address, Path(tls[0]) if tls else None)
    try:
        with connect(cluster) as client:
            workers = client.scheduler_info(n_workers=-1)["workers"].values()
    except AimagerError as error:
        print(json.dumps({_FAULT: error.message, _HINT: error.hint}))
        return 1
    print(json.dumps([worker["resources"] for worker in workers]))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""A scheduler, and workers on this machine, each with a cache of its own."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from distributed import Scheduler

from aimager.cluster.child import ENDS_WITH
from aimager.cluster.dask import UNSEEN, security, settle
from aimager.cluster.tls import make_certificates, tls_folder
from aimager.errors import HostError
from aimager.files import guard_folder
from aimager.graph import artifacts
from aimager.model.cluster import Cluster
from aimager.places import PACKAGE

_FAILURES = 1
"""So many workers may be lost with a task, which is then given to another."""

_PATIENCE = 10.0
"""Seconds for the workers to end."""


def serve(
    cluster: Cluster, count: int, words: Sequence[str], tell: Callable[[Cluster], object]
) -> None:
    """Be the scheduler at the address of ``cluster``, with ``count`` workers on this machine that
    are given ``words``, until SIGINT or SIGTERM comes.

    ``tell`` is told the address, whose port may have been 0 before. Certificates are made.

    :raises HostError: when the address cannot be listened to
    """
    settle()
    if not cluster.is_plain:
        make_certificates(tls_folder(cluster))
    asyncio.run(_serve(cluster, count, words, tell))


async def _serve(
    cluster: Cluster, count: int, words: Sequence[str], tell: Callable[[Cluster], object]
) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    parts = urlsplit(cluster.address)
    scheduler: Any = Scheduler(
        host=parts.hostname,
        port=parts.port or 0,
        protocol=f"{parts.scheme}://",
        security=security(cluster),
        **UNSEEN,
        allowed_failures=_FAILURES,
    )
    try:
        await scheduler
    except (OSError, RuntimeError) as error:
        cause = error.__cause__
        reason = cause.strerror if isinstance(cause, OSError) else error
        raise HostError(
            f"the cluster cannot listen at {cluster.address}: {reason}",
            hint="another may be there: workers= names an address of this machine, with a port",
        ) from error
    here = Cluster(f"{parts.scheme}://{parts.hostname}:{scheduler.port}", cluster.tls)
    workers = [_start(here, number, words) for number in range(1, count + 1)]
    try:
        tell(here)
        await stopped.wait()
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            await asyncio.to_thread(_wait, worker)
        await scheduler.close()


def _start(cluster: Cluster, number: int, words: Sequence[str]) -> subprocess.Popen[bytes]:
    cache = artifacts.CACHE / "cluster" / f"worker-{number}"
    guard_folder(cache.parent)
    guard_folder(cache)
    given = [f"workers={_reached_at(cluster.address)}", *words]
    given.append("cluster-tls=no" if cluster.is_plain else f"cluster-tls={tls_folder(cluster)}")
    return subprocess.Popen(
        [sys.executable, "-m", "aimager.commands.program", "worker", *given],
        cwd=cache,
        env=_environment(cache),
        stdin=subprocess.DEVNULL,
        start_new_session=True,  # a Ctrl-C is ours to pass on
    )


def _environment(cache: Path) -> Mapping[str, str]:
    paths = filter(None, (str(PACKAGE.parent), os.environ.get("PYTHONPATH")))
    return {
        **os.environ,
        "AIMAGER_CACHE": str(cache),
        "PYTHONPATH": os.pathsep.join(paths),
        ENDS_WITH: str(os.getpid()),
    }


def _reached_at(address: str) -> str:
    """The address by which this machine reaches what listens at ``address``."""
    return address.replace("//0.0.0.0:", "//127.0.0.1:")


def _wait(worker: subprocess.Popen[bytes]) -> None:
    try:
        worker.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()

"""A scheduler, and workers on this machine, each with a cache of its own."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from distributed import Scheduler

from aimager.cluster.child import ENDS_WITH, SHARE
from aimager.cluster.dask import UNSEEN, security, settle
from aimager.cluster.tls import make_certificates, tls_folder
from aimager.errors import HostError
from aimager.files import guard_folder
from aimager.graph import artifacts
from aimager.model.cluster import Cluster
from aimager.places import search_path

_FAILURES = 1
"""So many workers may be lost with a task, which is then given to another."""

_LOOK = 1.0
_BEGINNING = 15.0
"""Seconds between two looks at the workers, and within which one ends that cannot do its work."""

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
    workers = [_Started(here, number, count, words) for number in range(1, count + 1)]
    try:
        tell(here)
        while not stopped.is_set():
            for worker in workers:
                worker.start_again()
            if all(worker.is_gone for worker in workers):
                raise HostError(
                    "the cluster's workers end as soon as they begin",
                    hint="see above what they say; doit doctor tells what this machine lacks",
                )
            with suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), _LOOK)
    finally:
        for worker in workers:
            worker.process.terminate()
        for worker in workers:
            await asyncio.to_thread(_wait, worker.process)
        await scheduler.close()


class _Started:
    """One of the workers of ``cluster``, ``count`` of which are on this machine."""

    def __init__(self, cluster: Cluster, number: int, count: int, words: Sequence[str]) -> None:
        self._start = partial(_start, cluster, number, count, words)
        self._begin()

    def _begin(self) -> None:
        self.process, self._began = self._start(), time.monotonic()

    @property
    def is_gone(self) -> bool:
        """Whether it has ended, and would again."""
        return self.process.poll() is not None

    def start_again(self) -> None:
        """Start another in its place, if it has ended and was not at its beginning."""
        if self.is_gone and time.monotonic() - self._began > _BEGINNING:
            print("   a worker has ended, and another takes its place", flush=True)
            self._begin()


def _start(
    cluster: Cluster, number: int, count: int, words: Sequence[str]
) -> subprocess.Popen[bytes]:
    cache = artifacts.CACHE / "cluster" / f"worker-{number}"
    guard_folder(cache.parent)
    guard_folder(cache)
    given = [f"workers={_reached_at(cluster.address)}", *words]
    given.append("cluster-tls=no" if cluster.is_plain else f"cluster-tls={tls_folder(cluster)}")
    return subprocess.Popen(
        [sys.executable, "-m", "aimager.commands.program", "worker", *given],
        cwd=cache,
        env=_environment(cache, count),
        stdin=subprocess.DEVNULL,
        start_new_session=True,  # a Ctrl-C is ours to pass on
    )


def _environment(cache: Path, count: int) -> Mapping[str, str]:
    return {
        **os.environ,
        "AIMAGER_CACHE": str(cache),
        "PYTHONPATH": search_path(),
        ENDS_WITH: str(os.getpid()),
        SHARE: str(count),
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

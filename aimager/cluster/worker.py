"""A worker: one process of dask's on a machine, which does one errand at a time."""

import asyncio
import os
import signal
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from distributed import Reschedule, Status, Worker, get_worker
from distributed.comm.core import connect

from aimager.cluster.child import ENDS_WITH, Place, do_errand
from aimager.cluster.dask import CONNECTING, DEATH, UNSEEN, find, security, settle, unreachable
from aimager.cluster.errand import outcome_text, read_errand
from aimager.errors import HostError
from aimager.files import guard_folder
from aimager.graph import artifacts
from aimager.graph.workers import end_with
from aimager.locks import locked
from aimager.model.cluster import Cluster

_words: dict[str, str] = {}
"""The words that this worker was started with."""


def carry_out(text: str) -> str:
    """Do the errand ``text`` on the worker that this runs on, and return what became of it.

    :raises ValueError: when it is one of another version
    :raises Reschedule: when it was no longer wanted; should it be again, dask has it done anew
    """
    worker = get_worker()
    key = str(worker.get_current_task())
    place = Place(str(worker.name), artifacts.CACHE, _words)
    tell = partial(_tell, worker, key)
    tell({"event": "begun", "place": place.name})
    outcome = do_errand(read_errand(text), place, tell, partial(_is_wanted, worker, key))
    if outcome is None:
        raise Reschedule
    return outcome_text(outcome)


def _tell(worker: Any, key: str, record: Mapping[str, Any]) -> None:
    worker.log_event(key, dict(record))


def _is_wanted(worker: Any, key: str) -> bool:
    """Whether somebody waits for the task ``key``: else dask has released or cancelled it."""
    task = worker.state.tasks.get(key)
    is_up = worker.status in (Status.running, Status.paused)
    return is_up and task is not None and task.state in ("executing", "long-running")


def serve(cluster: Cluster, words: Mapping[str, str], resources: Mapping[str, float]) -> None:
    """Be a worker of ``cluster`` until it ends, or SIGINT or SIGTERM comes.

    ``words`` are its own, and ``resources`` what it has (`aimager.cluster.places`).

    :raises ConfigError: when the cluster cannot be reached
    :raises HostError: when the scheduler has gone
    """
    maker = os.environ.pop(ENDS_WITH, "")
    if maker:
        end_with(int(maker), signal.SIGTERM)
    settle()
    _words.update(words)
    with _alone(artifacts.CACHE):
        is_wanted_no_more = asyncio.run(_serve(cluster, resources))
    if not is_wanted_no_more:
        raise HostError(
            f"the scheduler of the cluster at {cluster.address} has gone",
            hint="start it again, with doit cluster, and then this worker",
        )


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    """Hold the right to work with a cache.

    :raises HostError: when another worker has it
    """
    try:
        with locked(cache / "cluster" / "worker.lock", wait=False, keep=True):
            yield
    except BlockingIOError:
        raise HostError(
            f"another worker uses the cache {cache}",
            hint="AIMAGER_CACHE names another folder, on a disk of the machine's own",
        ) from None


async def _serve(cluster: Cluster, resources: Mapping[str, float]) -> bool:
    """Whether it ended because somebody wanted that."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    place = artifacts.CACHE / "cluster" / "worker"
    guard_folder(place)
    worker = _make(cluster, place, resources)
    try:
        await asyncio.to_thread(find, cluster)
        await _greet(cluster)
        await asyncio.wait_for(worker, CONNECTING * 2)
    except (OSError, TimeoutError, RuntimeError, ValueError) as error:
        raise unreachable(cluster, error) from error
    print(f"   {worker.name} waits for tasks of {cluster.address}", flush=True)
    waiting = [asyncio.ensure_future(it) for it in (stopped.wait(), worker.finished())]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    was_stopped = stopped.is_set()
    await worker.close(timeout=5, reason="it was stopped")
    for it in waiting:
        it.cancel()
    return was_stopped


async def _greet(cluster: Cluster) -> None:
    """See that the scheduler knows us: a worker would go on trying."""
    arguments = security(cluster).get_connection_args("worker")
    greeting = await connect(cluster.address, timeout=CONNECTING, **arguments)
    await greeting.close()


def _make(cluster: Cluster, place: Path, resources: Mapping[str, float]) -> Any:
    return Worker(
        cluster.address,
        nthreads=1,
        host="127.0.0.1" if cluster.is_here else None,
        name=f"{socket.gethostname()}:{os.getpid()}",
        resources=dict(resources),
        security=security(cluster),
        local_directory=str(place),
        death_timeout=DEATH,
        memory_limit=0,
        **UNSEEN,
    )

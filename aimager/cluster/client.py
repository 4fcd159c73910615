"""The main process's side: which tasks are sent, and what is heard of them.

Nothing here is used before local workers are forked: a client has threads.
"""

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aimager.cluster.dask import connect
from aimager.cluster.errand import Errand, read_outcome
from aimager.cluster.hearing import Ear
from aimager.cluster.holding import Holdings
from aimager.cluster.offer import Offer, room_of
from aimager.cluster.places import find_lack, needs_of
from aimager.cluster.words import NotSentError
from aimager.cluster.worker import carry_out
from aimager.errors import AimagerError, HostError
from aimager.files import publish_text
from aimager.graph import artifacts
from aimager.model.architecture import host_architecture
from aimager.model.cluster import Cluster
from aimager.products.errand import Note, away_notes, write_note
from aimager.products.task import CachedTask

_PREPARING = 4
"""So many tasks are got ready to be sent at the same time: that asks the store."""

_HURRIED, _UNHURRIED = 0.8, 20.0
"""Seconds to remove images from the store when all is ended, or has ended."""


@dataclass
class _Sent:
    """A task that is away; ``future`` is dask's, once it is submitted."""

    task: CachedTask
    id: str = ""
    future: Any = None
    has_begun: bool = False


@dataclass(eq=False)
class Away:
    """Sends tasks of the graph to ``cluster``, as `aimager.graph.away.Away` has it."""

    cluster: Cluster
    offer: Offer
    run: Path
    _sent: dict[str, _Sent] = field(default_factory=dict)
    _ended: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._seen: set[str] = set()
        self._lock = threading.Lock()
        self._connecting = threading.Lock()
        self._client: Any = None
        self._reader, self._writer = os.pipe()
        self._preparing = threading.Semaphore(_PREPARING)
        self._ear = Ear()
        self._holdings = Holdings()
        self._is_over = False

    def fileno(self) -> int:
        """What can be read from when something has ended."""
        return self._reader

    def send(self, task: Any) -> bool:
        """Get ready to send it, the first time that it is asked for, if it is of those."""
        found = self.offer.find(task.name)
        if found is None or task.name in self._seen:
            return False
        self._seen.add(task.name)
        self._sent[task.name] = _Sent(found)
        # No pool's, whose threads are waited for at the end, however slow a store is.
        threading.Thread(target=self._prepare, args=(task.name,), daemon=True).start()
        return True

    def ended(self) -> dict[str, str]:
        """What has ended since it was asked last."""
        with self._lock:
            os.read(self._reader, 1 << 16)
            ended, self._ended = self._ended, {}
        for name in ended:
            self._sent.pop(name, None)
        return ended

    def taken(self, name: str) -> None:
        """Have the store keep no image any longer that was taken."""
        self._holdings.let_go(name)

    def recall(self) -> set[str]:
        """Cancel what no worker has begun."""
        waiting = {name for name, sent in self._sent.items() if not sent.has_begun}
        with self._lock:
            waiting -= self._ended.keys()
        futures = [self._sent.pop(name).future for name in waiting]
        if self._client:
            self._client.cancel([future for future in futures if future])
        return waiting

    def close(self) -> None:
        """Cancel all that is away."""
        self._is_over = True
        if self._client:
            left = [sent.future for sent in self._sent.values() if sent.future]
            if self._client.status == "running":  # else there is nobody to tell
                self._client.cancel(left)
                self._holdings.close(_HURRIED if left else _UNHURRIED)
            self._client.close(timeout=1)
        self._ear.close()

    def _end(self, name: str, fault: str = "") -> None:
        with self._lock:
            if not self._is_over and name in self._sent:
                self._ended[name] = fault
                os.write(self._writer, b".")

    def _prepare(self, name: str) -> None:
        """Submit a task, unless its product is there by now, or it is better run here."""
        with self._preparing:
            if name in self._sent and not self._is_over:
                self._offer(name, self._sent[name])

    def _offer(self, name: str, sent: _Sent) -> None:
        try:
            locks = self.offer.locks(sent.task)
            errand = self.offer.errand(sent.task, locks)
            sent.id = errand.expected.id
            if self.offer.is_image(sent.task):
                self._holdings.hold(self._connected(), sent.task, sent.id)
            if self.offer.is_made(sent.task, sent.id):
                self._note(name, sent.id, "")
                self._end(name)
                return
            self._submit(sent, errand, room_of(locks))
        except NotSentError as reason:
            self._keep(name, sent.task, reason)
        except AimagerError as error:
            self._end(name, str(error))
        except Exception as error:
            self._end(name, f"{type(error).__name__}: {error}")

    def _keep(self, name: str, task: CachedTask, reason: NotSentError) -> None:
        """Have a task run here that is not sent, if this machine is one that can."""
        maker = self.offer.maker(task)
        if maker is host_architecture():
            self._ear.say(name, f"   {task.title} is run on this machine: {reason}")
            self._end(name)
            return
        fault = HostError(
            f"{task.title} is to be made by workers for {maker}, and is not sent: {reason}",
            hint="leave workers= out, and all is made on this machine",
        )
        self._end(name, str(fault))

    def _submit(self, sent: _Sent, errand: Errand, room: int) -> None:
        client = self._connected()
        given: Any = sent.task.stage
        needs = needs_of(self.offer.maker(sent.task), given.architecture, room)
        name, workers = sent.task.name, client.scheduler_info(n_workers=-1)["workers"]
        if lack := find_lack(needs, workers.values()):
            raise NotSentError(f"no worker of the cluster has {lack}")
        if not workers:
            self._ear.say(name, f"   {sent.task.title} waits for a worker to come to the cluster")

        def hear(event: tuple[float, Mapping[str, Any]]) -> None:
            sent.has_begun = True
            self._ear.hear(sent.task, event[1])

        client.subscribe_topic(sent.id, hear)
        sent.future = client.submit(
            carry_out, errand.to_text(), key=sent.id, resources=needs, pure=False
        )
        sent.future.add_done_callback(lambda future: self._take(name, future))
        if name not in self._sent:  # it was recalled meanwhile
            client.cancel([sent.future])

    def _connected(self) -> Any:
        with self._connecting:
            if self._client is None:
                self._client = connect(self.cluster)
            return self._client

    def _take(self, name: str, future: Any) -> None:
        """Take down what became of a task."""
        sent = self._sent.get(name)
        if sent is None or self._is_over:
            return
        try:
            self._end(name, self._result(name, sent, future))
        except Exception as error:
            self._end(name, f"{type(error).__name__}: {error}")

    def _result(self, name: str, sent: _Sent, future: Any) -> str:
        """What is to be said of a failure; a success is noted."""
        if future.status != "finished":
            return str(self._lost(name, future))
        outcome = read_outcome(future.result())
        for task, log in outcome.logs.items():
            publish_text(artifacts.log(task), log)
        if not outcome.fault:
            self._note(name, sent.id, outcome.worker)
        return outcome.told(artifacts.log("x").parent)

    def _lost(self, name: str, future: Any) -> HostError:
        if future.status == "error":
            error = future.exception()
            if type(error).__name__ == "KilledWorker":
                return HostError(
                    f"the workers that {name} was sent to ended, one after the other",
                    hint="it may need more memory than they have: leave workers= out, and it is"
                    " made on this machine",
                )
            return HostError(
                f"a worker cannot do {name}: {type(error).__name__}: {error}",
                hint="install the same version of aimager on all machines of the cluster",
            )
        return HostError(
            f"the cluster at {self.cluster.address} is gone, and {name} with it",
            hint="doit cluster starts it again; what was made is in the store",
        )

    def _note(self, name: str, id: str, worker: str) -> None:
        write_note(away_notes(self.run), name, Note(id, worker))

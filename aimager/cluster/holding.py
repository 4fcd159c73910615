"""Images that lie in the store for builds to take: the last one that wants an image removes it.

Builds that want the same image hold a lease of one semaphore of dask's each. That of a build which
was killed ends by itself.
"""

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from distributed import Semaphore

from aimager.cluster.dask import CONNECTING
from aimager.model.remote import Remote
from aimager.products.remote.returned import discard
from aimager.products.remote.transport import StoreError
from aimager.products.task import CachedTask

_MOST = 1 << 20


@dataclass
class _Held:
    remote: Remote
    task: str
    id: str
    lease: Any

    def let_go(self) -> None:
        """Remove the image, unless another build wants it, or that cannot be told."""
        try:
            self.lease.release()
            if self.lease.get_value() == 0:
                discard(self.remote, self.task, self.id)
        except (OSError, RuntimeError, StoreError):
            return


@dataclass
class Holdings:
    """What this run holds, by task."""

    _held: dict[str, _Held] = field(default_factory=dict)
    _ends: list[threading.Thread] = field(default_factory=list)

    def hold(self, client: Any, task: CachedTask, id: str) -> None:
        """Have the image ``id`` stay until it is let go."""
        assert task.remote
        lease = Semaphore(
            max_leases=_MOST,
            name=f"aimager-{id}",
            scheduler_rpc=client.scheduler,
            loop=client.loop,
        )
        lease.acquire(timeout=CONNECTING)
        self._held[task.name] = _Held(task.remote, task.task, id, lease)

    def let_go(self, name: str) -> None:
        """Hold what ``name`` makes no longer: it was taken, or is not to be."""
        held = self._held.pop(name, None)
        if held:
            self._ends.append(threading.Thread(target=held.let_go, daemon=True))
            self._ends[-1].start()

    def close(self, patience: float) -> None:
        """Let all go, and wait so many seconds for the end of that."""
        for name in list(self._held):
            self.let_go(name)
        end = time.monotonic() + patience
        for thread in self._ends:
            thread.join(max(end - time.monotonic(), 0))

"""What workers say of tasks comes into the same lines as what tasks here say."""

import os
import threading
from collections.abc import Mapping
from typing import IO, Any

from aimager.graph.console.events import CHANNEL, send
from aimager.products.task import CachedTask

_OF_A_STORE = "the remote store "


class Ear:
    """Sends what is heard of tasks elsewhere to the channel of this run, if there is one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._channel: IO[bytes] | None = None
        self._workers: dict[str, str] = {}
        self._said: set[str] = set()
        self._is_closed = False

    def hear(self, task: CachedTask, record: Mapping[str, Any]) -> None:
        """Take what the worker of ``task`` says of it, or of what it does for it."""
        is_own = record.get("task") == task.name
        match record.get("event"):
            case "begun":
                self._workers[task.name] = record["place"]
                self._reason(task, f"it is made on {record['place']}")
            case "reason" if is_own:
                where = self._workers.get(task.name, "a worker")
                self._reason(task, f"{record['reason']} (on {where})")
            case "step":
                step = record["step"] if is_own else f"{record['task']}: {record['step']}"
                self._send({**record, "step": step, "task": task.name})
            case "text" if record["task"] and record["text"] not in self._said:
                if _OF_A_STORE in record["text"]:  # of which each worker says the same
                    self._said.add(record["text"])
                self.say(task.name, record["text"])

    def say(self, task: str, text: str) -> None:
        """Print a line about a task."""
        self._send({"event": "text", "task": task, "text": text})

    def close(self) -> None:
        """Hear no more."""
        with self._lock:
            if self._channel:
                self._channel.close()
            self._channel, self._is_closed = None, True

    def _reason(self, task: CachedTask, reason: str) -> None:
        told = {"title": task.title, "reason": reason}
        self._send({"event": "reason", "task": task.name, **told})

    def _send(self, record: dict[str, Any]) -> None:
        with self._lock:
            name = os.environ.get(CHANNEL)
            if not name or self._is_closed:
                return
            if self._channel is None:
                self._channel = open(name, "wb", buffering=0)  # noqa: PTH123, SIM115
            send(self._channel, record)

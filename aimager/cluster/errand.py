"""What crosses the network: a task for a worker, and what became of it. JSON, and small.

::

    main process   `aimager.cluster.client`: submits an errand, its product's id as dask's key
      |
    scheduler      dask's own; knows of an errand no more than its id, and what it needs
      |
    worker         `aimager.cluster.worker`: one process of dask's, one errand at a time
      |            watches whether it is still wanted
      v
    child          `aimager.commands.errand`: doit with this very task, a process for each
                   ends with the worker, whatever ends that

Bytes go by the store of ``remote=`` alone.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

from aimager.codec import decode, encode
from aimager.products.errand import Expected
from aimager.strict_json import parse_json

ERRAND = "errand.json"
LOCK = "build.lock"
"""The files of an errand's folder at the worker."""


@dataclass(frozen=True)
class Described:
    """A build: its ``words``, without secrets and this machine's files, and the user's ``name``."""

    words: dict[str, str]
    name: str = ""


@dataclass(frozen=True)
class Errand:
    """A task to do of a ``build``.

    ``lock`` is the text of a lock file with all packages that the task needs, and ``epoch`` the
    time that the environment gives. Of each other platform of the run there is a build in
    ``beside``: whom the user trusts holds for all of them.
    """

    expected: Expected
    build: Described
    lock: str
    epoch: int | None = None
    beside: tuple[Described, ...] = ()

    def to_text(self) -> str:
        """It as it crosses."""
        return json.dumps(encode(self), sort_keys=True)


def read_errand(text: str) -> Errand:
    """The errand of which `Errand.to_text` made ``text``.

    :raises ValueError: when it is of another version
    """
    errand: Errand = decode(Errand, parse_json(text.encode()))
    return errand


@dataclass(frozen=True)
class Outcome:
    """What became of an errand on ``worker``: nothing is wrong with an empty ``fault``.

    ``logs`` are what programs said, by task, and ``log_folder`` is where they lie there.
    """

    worker: str
    fault: str = ""
    logs: dict[str, str] = field(default_factory=dict)
    log_folder: str = ""

    def told(self, log_folder: Path) -> str:
        """The fault, in the words of a machine whose logs lie in ``log_folder``."""
        if not self.fault:
            return ""
        fault = self.fault.replace(self.log_folder, str(log_folder)) if self.log_folder else ""
        sentence, *rest = (fault or self.fault).split("\n  hint: ", 1)
        return "\n  hint: ".join((f"{sentence} (on {self.worker})", *rest))


def read_outcome(text: str) -> Outcome:
    """The outcome that a worker returned.

    :raises ValueError: when it is of another version
    """
    outcome: Outcome = decode(Outcome, parse_json(text.encode()))
    return outcome


def outcome_text(outcome: Outcome) -> str:
    """It as it crosses."""
    return json.dumps(encode(outcome), sort_keys=True)

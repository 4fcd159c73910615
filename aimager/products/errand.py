"""One task that another machine does: what it is to make, and what is noted of where it was made.

The machine that asks and the one that makes each derive the product's id by themselves. The store
that they share (`aimager.products.remote`) carries the product.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

from aimager.codec import decode, encode, fingerprint
from aimager.errors import HostError
from aimager.files import publish_text
from aimager.products.derivation import Derivation

_NAMED = 3
"""So many of the things that differ are named."""


@dataclass(frozen=True)
class Expected:
    """The product ``id`` of ``task``, by its whole name, and what it is derived from.

    ``code`` is the fingerprint of the code; the others are as `Derivation` has them.
    """

    task: str
    id: str
    code: str
    settings: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)

    def check(self, found: Derivation) -> None:
        """Refuse to make something else than what was asked for.

        :raises HostError: when ``found`` here has another id; it says by what
        """
        if found.id == self.id:
            return
        if fingerprint(found.code) != self.code:
            raise HostError(
                "this worker's aimager is another version than that which sent the task",
                hint="install the same version on all machines of the cluster",
            )
        differing = [
            name
            for ours, theirs in ((found.settings, self.settings), (found.inputs, self.inputs))
            for name in sorted({*ours, *theirs})
            if ours.get(name) != theirs.get(name)
        ]
        raise HostError(
            f"{self.task} would be another product on this worker: {', '.join(differing[:_NAMED])}"
            " differs",
            hint="a worker has a cache of its own, AIMAGER_CACHE; start the build again, which asks"
            " the cluster anew",
        )


def expect(task: str, derivation: Derivation) -> Expected:
    """What is expected of a machine that is to make what has this ``derivation``."""
    code = fingerprint(derivation.code)
    return Expected(task, derivation.id, code, derivation.settings, derivation.inputs)


@dataclass(frozen=True)
class Note:
    """What a run notes of a product that was made elsewhere: its ``id`` there, and by whom.

    An empty ``worker`` is one that is not known: the product was there already.
    """

    id: str
    worker: str


def away_notes(run: Path) -> Path:
    """Where the run with this folder notes what was made elsewhere."""
    return run / "away"


def write_note(notes: Path, task: str, note: Note) -> None:
    """Note it, in the folder ``notes`` of the run."""
    publish_text(notes / task, json.dumps(encode(note)))


def read_note(notes: Path | None, task: str) -> Note | None:
    """What is noted of ``task``, if it was made elsewhere in this run."""
    if notes is None or not (notes / task).exists():
        return None
    note: Note = decode(Note, json.loads((notes / task).read_bytes()))
    return note

"""When products of a shared store were used, for `aimager.products.remote.prune`.

A small file beside a product is written anew by who takes it, no more than once a day. Its content
is the day; what counts is when the store has it written.
"""

from datetime import UTC, datetime

from aimager.model.remote import Remote
from aimager.products.remote.store import UNREAD, is_given_to, is_noted
from aimager.products.remote.transport import MissingError, StoreError, read, write

USED = "used"
"""The file's name."""

_UNMARKED = "unmarked"
"""Among the notes of a run: no use can be noted."""

_LARGEST = 64


def note_use(remote: Remote, folder: str) -> None:
    """Note that the product in ``folder`` is used now, if this machine writes to the store."""
    silent = is_noted(remote, _UNMARKED) or is_noted(remote, UNREAD)
    if silent or not (remote.trust.gives and is_given_to(remote)):
        return
    today = datetime.now(UTC).strftime("%Y-%m-%d\n").encode()
    path = f"{folder}/{USED}"
    try:
        if _noted(remote, path) != today:
            write(remote, path, today)
    except StoreError:  # whoever only reads there has nothing to be told
        remote.notes.mkdir(parents=True, exist_ok=True)
        (remote.notes / _UNMARKED).touch()


def _noted(remote: Remote, path: str) -> bytes:
    try:
        return read(remote, path, limit=_LARGEST)
    except MissingError:
        return b""

"""What comes of a call: the answer of its function, or the error that it ended in."""

import json
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aimager.errors
from aimager.errors import OUT_OF_MEMORY, AimagerError, HostError
from aimager.sandbox.namespace_child import NamespaceSetup
from aimager.sandbox.told_paths import ToldPaths


class ChildFailed(Exception):  # noqa: N818 - it tells what happened
    """The function met a bug, whose traceback this carries."""


def title(work: Path) -> str:
    """What is at work in a folder of its name, in which no task has a colon (`Workshop`)."""
    return work.name.replace(".", ":", 1)


def understand(setup: NamespaceSetup, reply: bytes, status: int | None) -> Any:
    """The function's answer, as JSON data, of a supervisor that ended with ``status``, if known.

    :raises AimagerError: what the function raised, or HostError when it was killed
    :raises ChildFailed: when it raised anything else
    """
    try:
        message = json.loads(reply.partition(b"\n")[0])
    except ValueError:  # none, or part of one
        message = {}
    if "answer" in message:
        return message["answer"]
    if "traceback" in message:
        raise ChildFailed(f"{setup.function} failed:\n{message['traceback']}")
    if "error" in message:
        raise _error(setup, message)
    if not setup.function and not status:
        return None
    if status is None:  # it ended without an answer
        raise _killed(setup, signal.SIGKILL)
    ended = status - 128 if status > 128 else -status
    if ended > 0:
        raise _killed(setup, signal.Signals(ended))
    raise ChildFailed(f"{setup.function} ended with status {status} and no answer")


def _error(setup: NamespaceSetup, message: Mapping[str, Any]) -> AimagerError:
    """What the function raised, without paths that are of this call alone."""
    run = setup.work.parent
    files = [*setup.products, *(seen.target for seen in setup.seen)]
    told = ToldPaths(
        works=tuple(dict.fromkeys((setup.work_at, setup.work))),
        files=tuple(dict.fromkeys(file for file in files if file.is_relative_to(run))),
    )
    kind: type[AimagerError] = getattr(aimager.errors, message["error"])
    named = {name: message[name] for name in ("refused", "repository") if name in message}
    hint = told.in_words(message.get("hint", ""))
    return kind(*told.in_all(message["arguments"]), hint=hint, **named)


def _killed(setup: NamespaceSetup, number: signal.Signals) -> HostError:
    return HostError(
        f"{title(setup.work)} was killed by {number.name}",
        hint=OUT_OF_MEMORY
        if number == signal.SIGKILL
        else "whoever did so is not known: try again",
    )

"""Actions as doit runs them: what somebody can mend is told in a sentence."""

import functools
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from doit.exceptions import TaskFailed

from aimager.errors import AimagerError
from aimager.graph.console.events import heard
from aimager.graph.console.reporter import PRINTS
from aimager.graph.failure import explain_system

T = TypeVar("T")


def reporting(action: Callable[..., object], arguments: Sequence[object] = ()) -> TaskFailed | None:
    """Run an action for doit: what somebody can mend is told in its own words, not by traceback."""
    try:
        action(*arguments)
    except AimagerError as error:
        return TaskFailed(str(error))
    except OSError as error:
        mendable = explain_system(error)
        if mendable is None:
            raise
        return TaskFailed(str(mendable))
    return None


def reporting_with(
    action: Callable[..., object], arguments: Sequence[object] = (), **options: object
) -> TaskFailed | None:
    """The same for an action that is given the task's options, which doit adds."""
    return reporting(functools.partial(action, **options), arguments)


def run_heard(
    task: str, action: Callable[..., object], arguments: Sequence[object] = ()
) -> TaskFailed | None:
    """Run an action for doit as `reporting` does; what it says comes to who listens."""
    with heard(task):
        return reporting(action, arguments)


def command(
    action: Callable[..., object], *arguments: object, options: Sequence[Mapping[str, object]] = ()
) -> dict[str, Any]:
    """A task that runs ``action`` whenever it is asked for, with the ``options`` it may have."""
    report = reporting_with if options else reporting
    return {
        "actions": [(report, [action, arguments])],
        "params": [dict(option) for option in options],
        "uptodate": [False],
    }


def printer(
    action: Callable[..., object],
    *arguments: object,
    options: Sequence[Mapping[str, object]] = (),
    names: str = "",
    trouble: int = 1,
) -> dict[str, Any]:
    """A `command` that is there for what it prints: `Reporter` prints nothing beside it.

    An exit status that ``action`` returns, other than 0, becomes doit's; what keeps it from its
    work ends with the status ``trouble``. The words behind it are its argument ``names``.
    """
    read = functools.partial(_ending_as, action, trouble)
    task = {**command(read, *arguments, options=options), "meta": {PRINTS: True}}
    return {**task, "pos_arg": names} if names else task


def _ending_as(
    action: Callable[..., object], trouble: int, *arguments: object, **options: object
) -> None:
    try:
        status = while_read(action, *arguments, **options)
    except (AimagerError, OSError) as error:
        told = explain_system(error) if isinstance(error, OSError) else error
        if trouble == 1 or told is None:
            raise  # doit ends so by itself
        print(f"ERROR: {told}", file=sys.stderr)
        raise SystemExit(trouble) from error
    if isinstance(status, int) and status:
        raise SystemExit(status)


def while_read(action: Callable[..., T], *arguments: Any, **options: Any) -> T:
    """Do what prints, and leave where whoever reads that, such as head(1), has gone.

    :raises SystemExit: then, with the status of a program that SIGPIPE ended
    """
    try:
        return action(*arguments, **options)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # for what is left to be flushed
        raise SystemExit(128 + signal.SIGPIPE) from None

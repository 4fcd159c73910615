"""Doing the one task that another machine has asked for, and letting the store have its product."""

from aimager.errors import HostError
from aimager.model.remote import Remote
from aimager.products.errand import Expected
from aimager.products.record import read_record
from aimager.products.remote.products import give, is_given, is_shared
from aimager.products.remote.returned import is_returned, send_back
from aimager.products.task import CachedTask


def is_expected(task: CachedTask, expected: Expected | None) -> bool:
    """Whether ``task`` is what was asked for: then it is done, whatever the cache holds."""
    return expected is not None and expected.task == task.name


def run_as_expected(task: CachedTask, expected: Expected | None) -> None:
    """Run ``task``; if it is what was asked for, it must be just that, and goes to the store.

    :raises HostError: when it is something else here, or the store does not take it
    """
    if expected is None or not is_expected(task, expected):
        task.run()
        return
    expected.check(task.derivation())
    CachedTask.run(task)  # nothing of it is for this machine's own users
    record = read_record(task.kept.view)
    assert record and task.remote, "it was made, and who asks names a store"
    if is_shared(task.stage):
        if not is_given(task.remote, task.task, record.id):
            give(task.remote, task.stage, record, task.kept.view)
        is_there = is_given(task.remote, task.task, record.id)
    else:
        send_back(task.remote, record, task.kept.view)
        is_there = is_returned(task.remote, task.task, record.id)
        task.kept.forget()
    if not is_there:
        raise _not_taken(task.name, task.remote)


def _not_taken(task: str, remote: Remote) -> HostError:
    return HostError(
        f"the remote store {remote.place} did not take what {task} has made",
        hint="see that the worker can write there, that there is room, and that whom its"
        " remote-key= names is in remote-allowed-signers=",
    )

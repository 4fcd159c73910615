"""A task goes to a worker that can do it."""

from aimager.cluster.places import find_lack, needs_of, resources
from aimager.model.architecture import Architecture, host_architecture

HERE = host_architecture()
OTHER = next(it for it in (Architecture.aarch64, Architecture.x86_64) if it is not HERE)


def test_what_a_worker_lacks_is_named() -> None:
    native, emulates = {"resources": resources([HERE])}, {"resources": resources([HERE, OTHER])}
    assert find_lack(needs_of(HERE), [native]) == ""
    assert find_lack(needs_of(OTHER), [native]) == OTHER
    assert find_lack(needs_of(OTHER), [native, emulates]) == ""


def test_workers_of_another_architecture_are_none() -> None:
    other = {"resources": {f"{OTHER}": 1, f"runs-{HERE}": 1}}
    assert find_lack(needs_of(HERE), [other]) == HERE


def test_workers_may_come() -> None:
    assert find_lack(needs_of(OTHER), []) == ""

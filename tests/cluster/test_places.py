"""A task goes to a worker that can do it."""

from aimager.cluster.places import find_lack, needs_of, resources
from aimager.model.architecture import Architecture, host_architecture

HERE = host_architecture()
GIB = 1 << 30
OTHER = next(it for it in (Architecture.aarch64, Architecture.x86_64) if it is not HERE)


def test_what_a_worker_lacks_is_named() -> None:
    native, emulates = (
        {"resources": resources([HERE], 9 * GIB)},
        {"resources": resources([HERE, OTHER], 9 * GIB)},
    )
    assert find_lack(needs_of(HERE, HERE, 1), [native]) == ""
    assert find_lack(needs_of(HERE, OTHER, 1), [native]) == OTHER
    assert find_lack(needs_of(HERE, OTHER, 1), [native, emulates]) == ""


def test_workers_of_another_architecture_are_none() -> None:
    other = {"resources": {f"{OTHER}": 1, f"runs-{HERE}": 1, "GiB-free": 9}}
    assert find_lack(needs_of(HERE, HERE, 1), [other]) == HERE


def test_workers_may_come() -> None:
    assert find_lack(needs_of(HERE, OTHER, 1), []) == ""


def test_a_full_one_is_none() -> None:
    full, other = ({"resources": resources([HERE], room * GIB)} for room in (1, 9))
    needs = needs_of(HERE, HERE, 4 * GIB + 1)
    assert find_lack(needs, [full]) == "5 GiB of free space"
    assert find_lack(needs, [full, other]) == ""

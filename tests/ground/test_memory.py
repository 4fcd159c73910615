"""Trees go to memory where they fit."""

import ctypes
from types import SimpleNamespace

import pytest

from aimager.memory import ALL_THERE_IS, available, give_back_early, most_jobs, tmpfs_size

MEMINFO = """\
MemTotal:        2000000 kB
MemFree:          100000 kB
MemAvailable:    1000000 kB
SwapFree:        9000000 kB
"""
LIMIT = 614_400_000  # six tenths of the available memory


@pytest.mark.parametrize(
    ("needed", "size"), [(0, LIMIT), (LIMIT, LIMIT), (LIMIT + 1, None), (1 << 40, None)]
)
def test_the_available_memory_decides(needed: int, size: int | None) -> None:
    assert tmpfs_size(needed, MEMINFO) == size


def test_what_is_available() -> None:
    assert available(MEMINFO) == 1_024_000_000


def test_unknown_memory_is_none() -> None:
    assert tmpfs_size(1, "MemTotal: 2000000 kB\n") is None
    assert tmpfs_size(1, "") is None
    assert available("") == 0


def test_the_host_is_asked() -> None:
    assert tmpfs_size(1)
    assert tmpfs_size(1 << 60) is None


def test_a_wish_goes_before_what_fits() -> None:
    text = "MemAvailable: 1000 kB\n"
    assert tmpfs_size(1, text, wish=0) is None
    assert tmpfs_size(1, text, wish=1 << 40) == 1 << 40
    assert tmpfs_size(1 << 40, text, wish=ALL_THERE_IS) == int(1000 * 1024 * 0.6)
    assert tmpfs_size(1, "", wish=ALL_THERE_IS) is None


def test_stages_at_the_same_time_share_it() -> None:
    assert tmpfs_size(LIMIT // 2, MEMINFO, jobs=2) == LIMIT // 2
    assert tmpfs_size(LIMIT // 2 + 1, MEMINFO, jobs=2) is None


def test_as_many_tasks_run_as_there_are_cores_and_memory_for() -> None:
    gib = "MemAvailable: {} kB\n".format
    assert most_jobs(4, gib(64 << 20)) == 4
    assert most_jobs(64, gib(14 << 20)) == 3
    assert most_jobs(4, gib(1 << 20)) == 1
    assert most_jobs(4, "") == 1


def test_it_is_given_back_early(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    library = SimpleNamespace(mallopt=lambda option, value: asked.append((option, value)))
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    give_back_early()
    assert asked == [(-3, 4 << 20), (-1, 4 << 20), (-8, 1)]
    monkeypatch.setattr(ctypes, "CDLL", lambda name: SimpleNamespace())
    give_back_early()  # as with musl

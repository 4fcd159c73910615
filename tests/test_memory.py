"""Trees go to memory where they fit."""

import pytest

from aimager.memory import tmpfs_size

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


def test_unknown_memory_is_none() -> None:
    assert tmpfs_size(1, "MemTotal: 2000000 kB\n") is None
    assert tmpfs_size(1, "") is None


def test_the_host_is_asked() -> None:
    assert tmpfs_size(1)
    assert tmpfs_size(1 << 60) is None

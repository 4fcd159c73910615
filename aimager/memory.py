"""How much memory there is, whether a tree fits into it, and how it is given back."""

import ctypes
import re
from pathlib import Path

_SHARE = 0.6
"""The part of the available memory that a tree may take."""


_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # malloc.h
_LARGE = 4 << 20
"""Bytes. Smaller pieces than that, such as what is read of a file at a time, are taken again and
again: each time from the kernel, they cost a tenth of all that a build computes."""

ALL_THERE_IS = -1
"""The wish for as large a tmpfs as the memory allows."""


def available(meminfo: str | None = None) -> int:
    """The bytes that programs may take without swapping; 0 where the kernel does not say.

    ``meminfo`` is the text of /proc/meminfo (proc_meminfo(5)).
    """
    text = Path("/proc/meminfo").read_text() if meminfo is None else meminfo
    found = re.search(r"^MemAvailable:\s+(\d+) kB$", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def tmpfs_size(
    needed: int, meminfo: str | None = None, *, wish: int | None = None, jobs: int = 1
) -> int | None:
    """The size in bytes of a tmpfs for a tree of ``needed`` bytes; None: it belongs on disk.

    ``wish`` is the size that the user wants, 0 for none; ``jobs`` stages may want one each.
    """
    limit = int(available(meminfo) * _SHARE) // jobs
    if wish is not None:
        return (limit if wish == ALL_THERE_IS else wish) or None
    return limit if needed <= limit else None


_JOB = 4 << 30
"""The available bytes for which one more task is run at the same time, whose tree they may hold."""


def most_jobs(cores: int, meminfo: str | None = None) -> int:
    """How many tasks are run at the same time: as many as there are cores, and memory for them."""
    return max(min(cores, available(meminfo) // _JOB), 1)


def give_back_early() -> None:
    """Have this process give memory back soon after it is free, that of large pieces at once.

    The GNU C library else keeps what was freed, up to 32 MiB of each thread's (mallopt(3)). Other
    libraries have their own ways.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(_M_MMAP_THRESHOLD, _LARGE)
        mallopt(_M_TRIM_THRESHOLD, _LARGE)
        mallopt(_M_ARENA_MAX, 1)

"""Whether a tree fits into memory."""

import re
from pathlib import Path

_SHARE = 0.6
"""The part of the available memory that a tree may take."""


def tmpfs_size(needed: int, meminfo: str | None = None) -> int | None:
    """The size in bytes of a tmpfs for a tree of ``needed`` bytes; None: it belongs on disk.

    ``meminfo`` is the text of /proc/meminfo (proc_meminfo(5)).
    """
    text = Path("/proc/meminfo").read_text() if meminfo is None else meminfo
    found = re.search(r"^MemAvailable:\s+(\d+) kB$", text, re.MULTILINE)
    limit = int(int(found[1]) * 1024 * _SHARE) if found else 0
    return limit if needed <= limit else None

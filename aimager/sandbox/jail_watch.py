"""Sees what a jail takes, so that it can be ended before the machine is in trouble.

A program that is refused a process or a byte may try again for ever, so a limit alone ends nothing.
"""

import os
from contextlib import suppress
from pathlib import Path

from aimager.errors import MAKE_ROOM, HostError, ImageError
from aimager.sandbox.privileges import Limits
from aimager.trees import walk_tree
from aimager.units import size

_LEAST = 4 << 20
"""Bytes that must be left: who finds less could write no more."""

_MAKER = "ask the maker of the packages or the script; the log tells which was at work"


class Watch:
    """Looks, now and then, at what a jail takes, beside what there was at the beginning."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._processes = _count_processes()
        folders = (limits.folder, *limits.mounted) if limits.folder else ()
        self._free = {folder: _look_at_space(folder)[0] for folder in folders}

    def look(self) -> None:
        """Compare.

        :raises ImageError: when it takes more than it may
        :raises HostError: when it could go on only with more space
        """
        if _count_processes() - self._processes > self._limits.processes:
            raise ImageError(
                f"more than {self._limits.processes} processes were started at once by what the"
                " packages or scripts run, so all were ended",
                hint=_MAKER,
            )
        taken = sum(before - _refuse_full(folder) for folder, before in self._free.items())
        most, top = self._limits.written, self._limits.folder
        # Others may write to the disk as well, so it is counted before anybody is blamed.
        if top and most is not None and taken > most and _written(top) > most:
            raise ImageError(
                f"more than {size(most)} were written by what the packages or scripts run, so all"
                " were ended",
                hint=_MAKER,
            )


def _refuse_full(folder: Path) -> int:
    """The bytes that are free.

    :raises HostError: when there are none
    """
    free, whole = _look_at_space(folder)
    if free < _LEAST:
        raise HostError(
            f"the {size(whole)} that the build is made in are full, so what the packages or"
            " scripts ran was ended",
            hint=MAKE_ROOM,
        )
    return free


def _look_at_space(folder: Path) -> tuple[int, int]:
    """The bytes that are free, and all there are."""
    status = os.statvfs(folder)
    whole = status.f_blocks * status.f_frsize
    if status.f_files and not status.f_favail:  # there is no room for the name of a file
        return 0, whole
    return status.f_bavail * status.f_frsize, whole


def _count_processes() -> int:
    return sum(name.isdigit() for name in os.listdir("/proc"))  # noqa: PTH208 - it is called often


def _written(folder: Path) -> int:
    """The bytes on the disk below a folder, whose tree changes meanwhile; no link is followed."""
    found = 0
    for entry in walk_tree(folder, tolerant=True):
        with suppress(FileNotFoundError):
            found += entry.status().st_blocks * 512
    return found

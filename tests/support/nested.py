"""Folders in folders, deeper than Python recurses, than paths reach, or descriptors."""

import os
from pathlib import Path

DEEP = 3000


def nest(top: Path, *, depth: int = DEEP, name: str = "d", size: int = 0) -> None:
    """Make so many folders in one another, each with a file of ``size`` bytes.

    Whoever does removes them, which pytest could not.
    """
    here = os.open(top, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=here)
        below = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
        file = os.open("file", os.O_CREAT | os.O_WRONLY, 0o600, dir_fd=here)
        os.write(file, bytes(size))
        os.close(file)
    os.close(here)

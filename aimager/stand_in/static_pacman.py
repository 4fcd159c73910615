"""``pacman-static``: Debian's dynamic pacman beside its loader and libraries, and a wrapper.

The real one is linked statically; what both have in common is that they run wherever they lie.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from aimager.stand_in.contents import read_folder
from aimager.stand_in.deb import read_entries
from aimager.stand_in.entry import Entry
from aimager.stand_in.tables import CONTENT

_PROGRAMS = ("pacman", "pacman-conf", "vercmp", "testpkg")


def gather_static_pacman(debs: Iterable[Path]) -> list[Entry]:
    """``debs`` hold the programs and every library that they need."""
    entries: list[Entry] = []
    for deb in debs:
        for entry in read_entries(deb):
            folder, _slash, name = entry.path.rpartition("/")
            if folder == "usr/bin" and name in _PROGRAMS:
                entries.append(replace(entry, path=f"usr/lib/pacman/bin/{name}"))
            elif folder == "usr/lib/x86_64-linux-gnu" and ".so" in name and entry.kind != "dir":
                entries.append(replace(entry, path=f"usr/lib/pacman/lib/{name}"))
    (wrapper,) = read_folder(CONTENT / "pacman-static")
    return entries + [replace(wrapper, path=f"usr/bin/{program}-static") for program in _PROGRAMS]

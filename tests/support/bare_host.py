"""Runs a command where the host has no programs but Python, newuidmap and newgidmap.

``bare_host.py FOLDER USER COMMAND...``, as root of a mount namespace: in place of the folders of
programs, which no PATH escapes, those below FOLDER are seen, and the command is run as USER, or
where that is empty as who runs this.
"""

import os
import pwd
import shutil
import sys
from pathlib import Path

from aimager.process import ENVIRONMENT
from aimager.sandbox import syscalls

MAPPERS = ("newuidmap", "newgidmap")


def kept() -> set[Path]:
    """The programs that stay, and the links by which they are known."""
    found = [Path(path) for name in MAPPERS if (path := shutil.which(name))]
    for link in (Path(sys.executable), Path("/usr/bin/python3")):
        while link.is_symlink():
            found.append(link)
            link = link.parent / link.readlink()
        found.append(link)
    return {path.parent.resolve() / path.name for path in found}


def hide_programs(folder: Path) -> None:
    """Cover every folder of programs by one that has only what is kept."""
    syscalls.mount(None, Path("/"), None, syscalls.MS_REC | syscalls.MS_PRIVATE)
    names = [*ENVIRONMENT["PATH"].split(":"), *os.environ["PATH"].split(":")]
    places = {Path(name).resolve() for name in names if Path(name).is_dir()}
    programs = kept()
    covers = {}
    for number, place in enumerate(sorted(places)):
        covers[place] = folder / str(number)
        covers[place].mkdir()
        for program in (path for path in programs if path.parent == place and path.exists()):
            copy = covers[place] / program.name
            if program.is_symlink():
                copy.symlink_to(program.readlink())
            else:
                copy.touch()
                syscalls.mount(program, copy, None, syscalls.MS_BIND)
    for place, cover in covers.items():
        syscalls.mount(cover, place, None, syscalls.MS_BIND | syscalls.MS_REC)


def become(user: str) -> None:
    """Be another user from now on."""
    entry = pwd.getpwnam(user)
    os.initgroups(user, entry.pw_gid)
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


if __name__ == "__main__":
    hide_programs(Path(sys.argv[1]))
    if sys.argv[2]:
        become(sys.argv[2])
    os.execv(sys.argv[3], sys.argv[3:])

"""An archive of programs out of the stand-in mirror, in place of those that a host may lack."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from aimager.packages.sync_database import read_database
from tests.support.cells import HOST

WANTED = ("filesystem", "util-linux", "btrfs-progs", "erofs-utils", "squashfs-tools")


def make_archive(mirror: Path, folder: Path) -> Path:
    """Unpack the host's packages of these programs, and all that they need, into one archive."""
    programs = folder / "programs"
    programs.mkdir()
    for path in _packages(mirror):
        argv = ["tar", "--force-local", "--exclude=.[A-Z]*", "-xf", str(path)]
        subprocess.run([*argv, "-C", str(programs)], check=True)
    target = folder / "programs.tar"
    subprocess.run(["tar", "-cf", target, "-C", programs, "."], check=True)
    return target


def _packages(mirror: Path) -> Iterator[Path]:
    """Their files, each once."""
    server = HOST.platform.distro.mirrors.path.replace("$arch", HOST.platform.architecture)
    databases = {
        name: (mirror / server.replace("$repo", name) / f"{name}.db") for name in ("extra", "core")
    }
    known = {
        package.locked.name: (path.parent, package)
        for name, path in databases.items()
        for package in read_database(name, path.read_bytes()).values()
    }
    waiting, seen = list(WANTED), set(WANTED)
    while waiting:
        folder, package = known[waiting.pop()]
        yield folder / package.locked.file
        # What is only provided is a shell or a program that nothing here runs.
        needs = {re.split("[<>=]", need)[0] for need in package.depends} & known.keys() - seen
        seen |= needs
        waiting += needs

"""What pacman finds in the real databases beside the tests.

``python -m tests.support.database_verdicts [PACMAN]`` records it anew in verdicts.json, with the
program that is named or the host's.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent.parent / "packages/databases"
RECORD = FOLDER / "verdicts.json"
FILES = tuple(sorted(FOLDER.glob("*.db")))

_NAME = "real"
_CONF = f"[options]\nSigLevel = Never\n[{_NAME}]\nServer = http://mirror.example\n"


class Entry(NamedTuple):
    """What pacman says of a package; the date is in seconds."""

    version: str
    file: str
    size: int
    architecture: str
    build_date: int
    groups: list[str]
    provides: list[str]
    depends: list[str]


def ask(program: str, database: Path) -> dict[str, Entry]:
    """All packages that pacman finds in a database, by name."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        (folder / "sync").mkdir()
        shutil.copy(database, folder / f"sync/{_NAME}.db")
        (folder / "pacman.conf").write_text(_CONF)
        (folder / "log").touch()

        def run(*words: str) -> str:
            places = ["--dbpath", name, "--root", name, "--logfile", f"{name}/log"]
            argv = [program, "--config", f"{name}/pacman.conf", *places, *words]
            environment = {**os.environ, "LC_ALL": "C", "TZ": "UTC"}
            done = subprocess.run(argv, stdout=subprocess.PIPE, env=environment, check=True)
            return done.stdout.decode()

        names = [f"{_NAME}/{package}" for package in run("-Slq", _NAME).split()]
        listed = run("-Spdd", "--noconfirm", "--print-format", "%n %f %s", *names)
        files = {
            name: (file, int(size)) for name, file, size in map(str.split, listed.splitlines())
        }
        return dict(_entry(block, files) for block in run("-Si", *names).strip().split("\n\n"))


def _entry(block: str, files: dict[str, tuple[str, int]]) -> tuple[str, Entry]:
    said = dict(re.findall(r"^(\w[\w ]*\w) +: (.*)$", block, re.MULTILINE))
    date = datetime.strptime(said["Build Date"], "%a %b %d %H:%M:%S %Y").replace(tzinfo=UTC)
    groups, provides, depends = (
        [] if said[key] == "None" else said[key].split()
        for key in ("Groups", "Provides", "Depends On")
    )
    return said["Name"], Entry(
        said["Version"],
        *files[said["Name"]],
        said["Architecture"],
        int(date.timestamp()),
        groups,
        provides,
        depends,
    )


def digests(entries: Mapping[str, Entry]) -> dict[str, str]:
    """A package's name by the digest of all that is said of it, which is what is recorded."""
    return {
        hashlib.sha256(json.dumps([name, *entry]).encode()).hexdigest()[:16]: name
        for name, entry in entries.items()
    }


def record(program: str) -> str:
    """All that it finds, as JSON, with a line for each package."""
    found = {path.name: sorted(digests(ask(program, path))) for path in FILES}
    return json.dumps(found, indent=1) + "\n"


if __name__ == "__main__":
    RECORD.write_text(record(sys.argv[1] if len(sys.argv) > 1 else "pacman"))

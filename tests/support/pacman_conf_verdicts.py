"""What pacman-conf finds in the pacman.conf files beside the tests.

``python -m tests.support.pacman_conf_verdicts [PACMAN-CONF]`` records it anew in verdicts.json,
with the program that is named or the host's.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "packages/pacman_confs"
RECORD = FOLDER / "verdicts.json"
FILES = tuple(sorted(FOLDER.glob("*.conf")))

MIRRORS = "Server = http://mirror.example/$repo\n"
"""What each file has that one of them includes."""

KEPT_OF_OPTIONS = ("HookDir", "Architecture", "SigLevel")
KEPT_OF_A_REPOSITORY = ("Server", "SigLevel")

Said = dict[str, list[str]]
"""The values of each setting of a section, in order."""

Verdict = dict[str, Said]
"""Of the options, and of each repository in order."""


def alike(conf: bytes, mirrors: str) -> bytes:
    """A file that every machine can be asked about, with ``mirrors`` for all that it includes.

    pacman-conf refuses what includes a file that is not there, and has a machine's own name for the
    architecture auto.
    """
    included = rb"(?m)^(\s*Include\s*=\s*).*?(\r?)$"
    text = re.sub(included, rb"\g<1>" + mirrors.encode() + rb"\g<2>", conf)
    return re.sub(rb"(?m)^(\s*Architecture\s*=.*)\bauto\b", rb"\g<1>machine", text)


def ask(program: str, conf: bytes) -> Verdict | None:
    """What it finds; None where it refuses the file."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        mirrors, path = Path(name, "mirrorlist"), Path(name, "pacman.conf")
        mirrors.write_text(MIRRORS)
        path.write_bytes(alike(conf, str(mirrors)))
        argv = [program, "--config", str(path)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return None if done.returncode else understood(done.stdout)


def understood(printed: str) -> Verdict:
    """What is kept of what pacman-conf prints of a file."""
    found: Verdict = {}
    for line in printed.splitlines():
        key, _, value = line.partition(" = ")
        if line.startswith("[") and line.endswith("]"):
            section = found.setdefault(line[1:-1], {})
        elif key in (KEPT_OF_A_REPOSITORY if len(found) > 1 else KEPT_OF_OPTIONS):
            section.setdefault(key, []).append(value)
    return found


def record(program: str) -> str:
    """All that it finds, as JSON."""
    found = {path.name: ask(program, path.read_bytes()) for path in FILES}
    return json.dumps(found, indent=1) + "\n"


if __name__ == "__main__":
    RECORD.write_text(record(sys.argv[1] if len(sys.argv) > 1 else "pacman-conf"))

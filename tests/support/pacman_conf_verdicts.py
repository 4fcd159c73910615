"""Which repositories pacman-conf finds in the pacman.conf files beside the tests.

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


def ask(program: str, conf: bytes) -> list[str] | None:
    """The repositories that it finds, in order; None where it refuses the file.

    Files that it includes are there, for it refuses what includes a file that is not.
    """
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        mirrors, path = Path(name, "mirrorlist"), Path(name, "pacman.conf")
        mirrors.write_text("Server = http://mirror.example/$repo\n")
        included = rb"(?m)^(\s*Include\s*=\s*).*?(\r?)$"
        path.write_bytes(re.sub(included, rb"\g<1>" + bytes(mirrors) + rb"\g<2>", conf))
        argv = [program, "--config", str(path), "--repo-list"]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return None if done.returncode else done.stdout.splitlines()


def record(program: str) -> str:
    """All that it finds, as JSON."""
    found = {path.name: ask(program, path.read_bytes()) for path in FILES}
    return json.dumps(found, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    RECORD.write_text(record(sys.argv[1] if len(sys.argv) > 1 else "pacman-conf"))

"""Plays the process that does an errand: what it does is what its task is called."""

import json
import os
import sys
import time
from pathlib import Path

from aimager.cluster.errand import ERRAND, read_errand

RUN = "played"

PLAYED = 600
"""Seconds that the one takes which sleeps."""


def _tell(event: str, **more: str) -> None:
    print(json.dumps({"event": event, "task": "a:b", **more}), flush=True)


def main() -> int:
    """Play it; returns its exit status."""
    folder = Path(sys.argv[1])
    kind = read_errand((folder / ERRAND).read_text()).expected.task
    cache = Path(os.environ["AIMAGER_CACHE"])
    (cache / "work" / f"{os.getpid()}-{RUN}").mkdir(parents=True)
    (cache / "log").mkdir(exist_ok=True)
    (cache / "log/a:b.log").write_text("said by programs")
    _tell("text", text=f"   begun in {cache}")
    if kind == "fail":
        log = cache / "log/a:b.log"
        _tell("failed", fault=f"it is wrong\n  hint: all that it said is in {log}")
        return 1
    if kind == "refuse":
        print("ERROR: no such thing\n  hint: none", file=sys.stderr)
        return 1
    if kind == "sleep":
        time.sleep(PLAYED)
    if kind == "die":
        os.kill(os.getpid(), 9)
    return 0


if __name__ == "__main__":
    sys.exit(main())

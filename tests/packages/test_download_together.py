"""Several builds, which are processes, that download at once into one cache."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.stages.test_fetch_packages import CONTENT, FILE, SIGNATURE, stored
from tests.support.locked import make_database, make_file
from tests.support.places import ROOT
from tests.support.webserver import Site, tag

HASTE = """\
from tests.support import impatient
impatient.hurry(setattr)
"""

FETCHER = f"""\
import sys
from pathlib import Path
{HASTE}
from tests.stages.test_fetch_packages import stage
stage(Path(sys.argv[1]), sys.argv[2]).run()
"""

ASKER = f"""\
import json
import sys
import tempfile
from pathlib import Path
{HASTE}
from aimager.locks import locked
from aimager.packages.fetch_database import Database, fetch_databases
from tests.support.webserver import tag
url, target = sys.argv[1], Path(sys.argv[2])
for _ in range(4):
    work = Path(tempfile.mkdtemp(dir=target.parent))
    fetch_databases([Database("core", (url,), target)], work=work)
    with locked(target.with_name(".core.db.lock")):
        memory = json.loads(target.with_name(".core.db.json").read_text())
        assert memory["If-None-Match"] == tag(target.read_bytes())
"""


pytestmark = pytest.mark.usefixtures("quick")


def start(script: str, *arguments: object, count: int) -> list[subprocess.Popen[str]]:
    """Run a script ``count`` times at once."""
    argv = [sys.executable, "-c", script, *map(str, arguments)]
    return [
        subprocess.Popen(argv, cwd=ROOT, text=True, stderr=subprocess.PIPE) for _ in range(count)
    ]


def finish(processes: list[subprocess.Popen[str]]) -> None:
    """Wait for all of them, and fail with what one says that fails."""
    said = [process.communicate()[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), "".join(said)


def test_a_package_is_fetched_once(site: Site, tmp_path: Path) -> None:
    site.content |= {FILE: CONTENT, f"{FILE}.sig": SIGNATURE}
    site.plan = ["cut 600000", "slow"]
    for name in ("lock.json", "fetched"):
        (tmp_path / name).touch()
    finish(start(FETCHER, tmp_path, site.url, count=4))
    assert [path for path, _ in site.asked] == [FILE, FILE, f"{FILE}.sig"]
    assert stored(tmp_path) == [CONTENT, SIGNATURE]


def test_a_new_tag_is_never_that_of_an_old_database(site: Site, tmp_path: Path) -> None:
    site.tags = True
    versions = [make_database(make_file("x", b"%d" % n, version=f"{n}-1")) for n in range(10)]
    site.content["/f/core.db"] = versions[0]
    target = tmp_path / "core.db"
    processes = start(ASKER, f"{site.url}/f", target, count=3)
    ended = threading.Event()

    def change() -> None:
        number = 0
        while not ended.wait(0.002):
            number += 1
            site.content["/f/core.db"] = versions[number % 10]

    changer = threading.Thread(target=change)
    changer.start()
    try:
        finish(processes)
    finally:
        ended.set()
        changer.join()
    memory = json.loads((tmp_path / ".core.db.json").read_text())
    assert memory["If-None-Match"] == tag(target.read_bytes())
    assert sorted(p.name for p in tmp_path.iterdir()) == [".core.db.json", "core.db"]

"""Several builds, which are processes, that download at once into one cache."""

import hashlib
import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.support.places import ROOT
from tests.support.webserver import Site, tag

CONTENT = bytes(range(256)) * 4096

FETCHER = """\
import sys
from pathlib import Path
from aimager.packages.download import Client
url, target, size, sha256 = sys.argv[1:]
Client().fetch(url, Path(target), size=int(size), sha256=sha256)
"""

ASKER = """\
import sys
from pathlib import Path
from aimager.packages.download import Client
url, target = sys.argv[1:]
client = Client()
for _ in range(40):
    content = client.fetch_if_changed(url, Path(target))
    assert len(set(content)) == 1, "it is of two versions"
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
    site.content["/f"] = CONTENT
    site.plan = ["cut 600000", "slow"]
    target = tmp_path / "f"
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    finish(start(FETCHER, f"{site.url}/f", target, len(CONTENT), sha256, count=4))
    assert len(site.asked) == 2
    assert target.read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == [target]


def test_a_new_tag_is_never_that_of_an_old_database(site: Site, tmp_path: Path) -> None:
    site.tags = True
    site.content["/f"] = b"0" * 300_000
    target = tmp_path / "core.db"
    processes = start(ASKER, f"{site.url}/f", target, count=3)
    ended = threading.Event()

    def change() -> None:
        number = 0
        while not ended.wait(0.002):
            number += 1
            site.content["/f"] = bytes([48 + number % 10]) * (200_000 + number)

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

"""What users mistype and what machines lack: told in a sentence and a hint, with exit status 1.

Each case is a whole ``doit`` in a process of its own, all on one cache, which stays usable.
"""

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.bad_cases import GOOD, HOSTS, INPUTS, MIRRORS, Case
from tests.support.doit_nursery import Nursery, nursery
from tests.support.webserver import Site, serving, silence

QUICK = "from tests.support import impatient\nimpatient.hurry(setattr)\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which all cases run, with files that they name."""
    place = tmp_path_factory.mktemp("bad")
    (place / "text.txt").write_text("only text\n")
    for name in ("text.tar", "a.tar", "b.tar"):
        (place / name).write_text("only text\n")
    (place / "disk.qcow2").write_bytes(b"QFI\xfb" + bytes(508))
    (place / "binary").write_bytes(bytes(range(256)))
    (place / "broken.py").write_text("BOARD = Board(\n")
    (place / "nothing.py").write_text("x = 1\n")
    (place / "future.lock").write_text('{"format": 99}\n')
    return place


@pytest.fixture(scope="module")
def doit(place: Path) -> Iterator[Nursery]:
    with nursery(place) as opened:
        yield opened


def environment(place: Path, more: Mapping[str, str]) -> dict[str, str]:
    """That of a user who has a cache in ``place``, and no proxy."""
    proxies = {name: "" for name in os.environ if name.lower().endswith("_proxy")}
    return {"AIMAGER_CACHE": str(place / "cache"), **proxies, **more}


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with serving() as opened:
        yield opened


def _one_by_one(task: str) -> list[str]:
    """The words of a task, in a run in which no other fails before the one in question."""
    return [*(["-n", "1"] if task == "build" else []), *task.split()]


@pytest.mark.parametrize("case", [*INPUTS, *MIRRORS, *HOSTS], ids=str)
def test_a_bad_input_is_told_and_the_cache_stays_usable(
    doit: Nursery, site: Site, case: Case
) -> None:
    site.content, site.plan = dict(case.pages), list(case.plan)
    (doit.folder / "cache").mkdir(exist_ok=True)
    with silence() as silent:
        told = {"HERE": str(doit.folder), "MIRROR": site.url, "SILENT": silent}
        words = [fill(word, told) for word in case.words.split(" ") if word]
        more = {name: fill(value, told) for name, value in case.environment.items()}
        status, said = doit.run(
            [*_one_by_one(case.task), *words],
            environment(doit.folder, more),
            f"{QUICK}{case.preparation}",
        )
    print(said)
    assert status == 1
    assert "Traceback" not in said
    assert case.sentence in said
    hints = re.findall(r"^  hint: (.*)", said, re.MULTILINE)
    assert len(hints) == 1
    assert case.hint in hints[0]
    work = doit.folder / "cache/work"
    assert not work.exists() or not any(work.iterdir())
    if case not in INPUTS:
        assert_usable(doit, site)


def fill(text: str, values: Mapping[str, str]) -> str:
    """``text`` with addresses in the place of their names."""
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def assert_usable(doit: Nursery, site: Site) -> None:
    """Fetch a good mirror's databases, and remove them again."""
    site.content, site.plan = dict(GOOD), []
    words = ["sync-databases", "distro=archlinux", f"repo-url-parent={site.url}"]
    status, said = doit.run(words, environment(doit.folder, {}), QUICK)
    assert status == 0, said
    for folder in ("sync", "pkg", "product"):
        shutil.rmtree(doit.folder / "cache" / folder, ignore_errors=True)

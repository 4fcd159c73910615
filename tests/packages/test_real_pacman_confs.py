"""Repositories of real pacman.conf files are those that pacman-conf finds, also when changed."""

import json
import shutil
from pathlib import Path

import pytest

from aimager.packages.repository_sections import (
    repositories,
    with_added,
    with_architectures,
    with_own,
)
from tests.support.pacman_conf_verdicts import FILES, RECORD, ask

VERDICTS: dict[str, list[str] | None] = json.loads(RECORD.read_text())
READ = [path for path in FILES if VERDICTS[path.name] is not None]
LIST = "etc/pacman.d/mirrorlist"

every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
every_one_read = pytest.mark.parametrize("path", READ, ids=lambda path: path.stem)


def text_of(path: Path) -> str:
    """Its text, with the ends of lines that it has."""
    return path.read_bytes().decode()


@every_file
def test_they_are_read_as_pacman_conf_reads_them(path: Path) -> None:
    assert repositories(text_of(path)) == tuple(dict.fromkeys(VERDICTS[path.name] or ()))


def changed(text: str) -> tuple[str, list[str]]:
    """A file with its own in another order, one more of them, one first and one last; the order."""
    own = [*reversed([name for name in repositories(text) if name == name.strip()]), "multilib"]
    own = list(dict.fromkeys(own))
    made = with_own(text, dict.fromkeys(own, ""), LIST)
    made = with_added(made, {"one": "http://one/$repo"}, {"two": "http://two/$repo"})
    made = with_architectures(made, ("x86_64_v2", "x86_64_v3"))
    others = [name for name in repositories(text) if name != name.strip()]
    return made, ["one", *others, *own, "two"]


@every_one_read
def test_what_is_changed_is_in_the_wanted_order(path: Path) -> None:
    text = text_of(path)
    made, order = changed(text)
    assert list(repositories(made)) == order
    assert changed(made)[0].count("[one]") == 1
    lines = [line.strip() for line in made.splitlines()]
    kept = [line for line in map(str.strip, text.splitlines()) if line and "multilib" not in line]
    missing = [line for line in kept if line not in lines and "Architecture" not in line]
    assert not missing


@pytest.mark.skipif(not shutil.which("pacman-conf"), reason="pacman-conf is missing")
@every_one_read
def test_this_machines_pacman_conf_finds_the_same(path: Path) -> None:
    assert ask("pacman-conf", path.read_bytes()) == VERDICTS[path.name]
    made, order = changed(text_of(path))
    assert list(dict.fromkeys(ask("pacman-conf", made.encode()) or ())) == order

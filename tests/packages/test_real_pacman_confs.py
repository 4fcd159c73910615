"""What real pacman.conf files say is what pacman-conf finds in them, also when they are changed."""

import json
import posixpath
import shutil
from pathlib import Path

import pytest

from aimager.packages.hooks import SYSTEM, hook_folders
from aimager.packages.repository_sections import (
    read_settings,
    repositories,
    with_added,
    with_architectures,
    with_own,
)
from aimager.sandbox.tree import Tree
from tests.support.pacman_conf_verdicts import FILES, MIRRORS, RECORD, Verdict, alike, ask

VERDICTS: dict[str, Verdict | None] = json.loads(RECORD.read_text())
READ = {path: verdict for path in FILES if (verdict := VERDICTS[path.name]) is not None}
LIST = "etc/pacman.d/mirrorlist"
CONF = "etc/pacman.conf"
LEVELS = ("x86_64_v2", "x86_64_v3")

every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
every_one_read = pytest.mark.parametrize("path", READ, ids=lambda path: path.stem)


def text_of(path: Path) -> str:
    """Its text, with the ends of lines that it has."""
    return path.read_bytes().decode()


def tree_with(conf: bytes, root: Path) -> Tree:
    """A root that has it, and the mirrors for all that it includes."""
    (root / LIST).parent.mkdir(parents=True)
    (root / LIST).write_text(MIRRORS)
    (root / CONF).write_bytes(alike(conf, f"/{LIST}"))
    return Tree(root)


def names_of(verdict: Verdict) -> list[str]:
    return [name for name in verdict if name != "options"]


@every_file
def test_they_are_read_as_pacman_conf_reads_them(path: Path) -> None:
    assert list(repositories(text_of(path))) == names_of(VERDICTS[path.name] or {})


@every_one_read
def test_hooks_are_looked_for_where_pacman_looks(path: Path, tmp_path: Path) -> None:
    named = [posixpath.normpath(name).lstrip("/") for name in READ[path]["options"]["HookDir"]]
    found = hook_folders(tree_with(path.read_bytes(), tmp_path))
    assert found == tuple(dict.fromkeys((SYSTEM, *named)))


@every_one_read
def test_each_repository_has_the_servers_that_pacman_finds(path: Path, tmp_path: Path) -> None:
    verdict = READ[path]
    first = next(iter(verdict["options"].get("Architecture", [])), "$arch")
    found: dict[str, list[str]] = {name: [] for name in names_of(verdict)}
    levels = set()
    for section, key, value in read_settings(tree_with(path.read_bytes(), tmp_path), CONF):
        if key == "Server":
            found[section].append(value.replace("$repo", section).replace("$arch", first))
        elif key == "SigLevel":
            levels.add(section)
    assert found == {name: verdict[name].get("Server", []) for name in found}
    assert levels - {"options"} == {name for name in found if "SigLevel" in verdict[name]}


@every_one_read
def test_pacman_takes_packages_of_more_architectures(path: Path) -> None:
    """What is added is in a line that pacman reads, and only where it does not take all."""
    text = alike(path.read_bytes(), f"/{LIST}").decode()
    made = with_architectures(text, LEVELS)
    named = READ[path]["options"].get("Architecture", [])
    more = [name for name in LEVELS if name not in named] if named else []
    assert architectures(made) == sorted([*named, *more])
    assert with_architectures(made, LEVELS) == made


def architectures(text: str) -> list[str]:
    """Those that the options of a file name, by lines alone."""
    section, found = "", []
    for line in map(str.strip, text.splitlines()):
        key, _, value = (part.strip() for part in line.partition("="))
        if line.startswith("[") and line.endswith("]"):
            section = line
        elif section == "[options]" and key == "Architecture":
            found += [word for word in value.split(" ") if word]
    return sorted(found)


def changed(text: str) -> tuple[str, list[str]]:
    """A file with its own in another order, one more of them, one first and one last; the order."""
    own = [*reversed([name for name in repositories(text) if name == name.strip()]), "multilib"]
    own = list(dict.fromkeys(own))
    made = with_own(text, dict.fromkeys(own, ""), LIST)
    made = with_added(made, {"one": "http://one/$repo"}, {"two": "http://two/$repo"})
    made = with_architectures(made, LEVELS)
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
    assert ask("pacman-conf", path.read_bytes()) == READ[path]
    made, order = changed(text_of(path))
    found = ask("pacman-conf", made.encode())
    assert found is not None
    assert [name for name in found if name != "options"] == order
    assert found["options"]["HookDir"] == READ[path]["options"]["HookDir"]
    named = READ[path]["options"].get("Architecture", [])
    more = [name for name in LEVELS if name not in named] if named else []
    assert sorted(found["options"].get("Architecture", [])) == sorted([*named, *more])
    for name in names_of(READ[path]):
        assert found[name] == READ[path][name]

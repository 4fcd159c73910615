"""Every command of the README and of the pages in docs/ is run, in the order of its page.

What only tells is always run, and builds among the slow tests, against the stand-in mirror: there,
``doit`` adds the variables that name it to those tasks that ask a mirror.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml

from aimager.commands.doit_commands import COMMANDS
from aimager.config.unknown_names import check_names
from aimager.errors import ConfigError
from aimager.locks import locked
from tests.support.action_runner import read_yaml
from tests.support.cells import copy_checkout, fresh_folder
from tests.support.doit_output import STAGES
from tests.support.openpgp_maker import Secret, plain
from tests.support.places import ROOT
from tests.support.prepared_venv import make_venv
from tests.support.runs import Doit
from tests.support.seed import Copies
from tests.support.stores import keys_of, serving_s3

PAGES = {
    str(path.relative_to(ROOT)): path.read_text()
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
}

TELLING = {
    *("list", "help", "boards", "distros", "repos", "tables", "variables", "show"),
    *("matrix", "completion", "graph"),
}
"""Tasks that only tell, and need neither a mirror nor what a build has made."""

ASKING = (
    *("build ", "lock ", "update ", "why ", "doctor board="),
    *("list --all ", "info ", "run -s ", "clean ", "shell "),
)
"""The beginnings of command lines of builds, which take the mirror's address, options apart."""

LEFT_OUT = {"tabcompletion", "run"}
"""doit's own commands that no page explains: doit's manual does."""

STORE_PAGE = "docs/remote-store.md"
"""Its commands need a store, and a cache that does not hold what is to be put there."""

RECIPES = "docs/recipes.md"
"""Whose commands are typed by test_recipes, which looks for what they promise."""

AT_HAND = "mine.asc"
"""A file that a reader is to have, beside ``passwords`` and the folder ``built`` with packages."""

LEAVES_QEMU = "\x01x"

_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TASK = re.compile(r"\bdoit ([a-z-]+)")


@dataclass(frozen=True)
class Block:
    """Commands of a page."""

    text: str

    @property
    def tells(self) -> bool:
        """Whether none of its commands makes or needs anything."""
        return set(_TASK.findall(self.text)) <= TELLING and "setup.sh" not in self.text


def blocks(page: str) -> list[Block]:
    """All commands of a page."""
    return [Block(text) for kind, text in _FENCE.findall(PAGES[page]) if kind == "sh"]


@dataclass(frozen=True)
class Reader:
    """Somebody who types what a page says, in a clean checkout of their own."""

    checkout: Path
    environment: Mapping[str, str]

    def type(self, block: Block) -> None:
        """Run a block, and fail the test where one of its commands fails."""
        done = subprocess.run(
            ["sh", "-eu", "-c", block.text],
            cwd=self.checkout,
            env=self.environment,
            input=LEAVES_QEMU,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{block.text}\n{done.stdout}"


def make_reader(place: Path, cache: Path, *words: str) -> Reader:
    """A reader whose ``doit`` adds ``words`` where a mirror is asked.

    Without a mirror nothing is set up, and there is no environment but ``doit`` itself.
    """
    checkout = copy_checkout(place / "checkout")
    own = checkout / ".venv/bin/doit"
    if words:
        make_venv(checkout, sys.executable)
    own.parent.mkdir(parents=True, exist_ok=True)
    asking = "|".join(f"*' {line}'*" for line in ASKING)
    own.write_text(
        "#!/bin/sh\n"
        f'case " $* " in *" help "*) ;; {asking}) set -- "$@" {" ".join(words)} ;; esac\n'
        f'exec "{sys.executable}" -m doit "$@"\n'
    )
    own.chmod(0o755)
    (checkout / AT_HAND).write_bytes(plain(Secret("mine", 1), b"mine", 1).packets())
    (checkout / "passwords").write_text("alice:secret\n")
    (checkout / "built").mkdir()
    (place / "card").touch()
    environment = {
        "PATH": f"{own.parent}:{os.environ['PATH']}",
        "HOME": str(place),
        "AIMAGER_CACHE": str(cache),
        "LANG": "C.UTF-8",
        "CARD": str(place / "card"),
    }
    return Reader(checkout, environment)


@pytest.mark.parametrize("page", PAGES)
def test_what_tells(page: str, tmp_path: Path) -> None:
    telling = [block for block in blocks(page) if block.tells]
    if telling:
        reader = make_reader(tmp_path, tmp_path / "cache")
        for block in telling:
            reader.type(block)


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another's file (fs.protected_hardlinks)
        shutil.copy2(source, target)


@pytest.fixture(scope="module")
def docs_cache(copies: Copies, mirror: Path) -> Path:
    """The cache that all readers share, in the home of each; nothing else uses it.

    The host's own cell, and what the demonstration makes its mirror of, are there already.
    """
    doit = copies("docs")
    shutil.rmtree(doit.out)
    cache = doit.cache.rename(doit.folder / "aimager-cache")
    work = mirror.with_name("mirror.work")
    with locked(mirror.with_name("mirror.lock")):
        shutil.copytree(work, cache / work.name, copy_function=_link_or_copy, symlinks=True)
    return cache


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    [
        page
        for page in PAGES
        if page not in (STORE_PAGE, RECIPES) and not all(block.tells for block in blocks(page))
    ],
)
def test_all_of_it(page: str, docs_cache: Path, doit: Doit) -> None:
    place = docs_cache.parent
    fresh_folder(place / "checkout").rmdir()
    reader = make_reader(place, docs_cache, *doit.variables)
    for block in blocks(page):
        reader.type(block)


@pytest.mark.slow
def test_the_store_of_its_page(docs_cache: Path, doit: Doit) -> None:
    """A store as the page names it: of the same bucket, but on this machine."""
    place = docs_cache.parent
    fresh_folder(place / "checkout").rmdir()
    reader = make_reader(place, fresh_folder(place / "empty-cache"), *doit.variables)
    with serving_s3() as settings:
        for block in blocks(STORE_PAGE):
            replace(reader, environment={**reader.environment, **settings}).type(block)
        kept = {key.partition("/product/")[2].partition("/")[0] for key in keys_of(settings)}
        folders = {key.partition("/")[0] for key in keys_of(settings)}
    assert kept >= {"make-rootfs-archive", "install-packages"}
    assert folders == {"aimager"}


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of all tasks, and of doit's own commands."""
    folder = tmp_path_factory.mktemp("tasks")
    done = subprocess.run(
        [sys.executable, "-m", "doit", "-f", ROOT / "dodo.py", "list", "--quiet"],
        env={**os.environ, "AIMAGER_CACHE": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    return {*(command.get_name() for command in COMMANDS), *done.stdout.split()}


@pytest.mark.parametrize("page", PAGES)
def test_what_is_named_exists(page: str, tasks: set[str]) -> None:
    text = PAGES[page]
    for span in re.findall(r"`((?:\.venv/bin/)?doit [^`]+)`", text):
        task, *words = span.split()[1:]
        assert task in tasks, span
        names = [word.split("=")[0] for word in words if re.match(r"[a-z][a-zA-Z-]*=", word)]
        check_names(names)
    here = (ROOT / page).parent
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        assert "://" in link or (here / link).exists(), link


def test_every_command_is_told_of(tasks: set[str]) -> None:
    text = "\n".join(PAGES.values())
    told = {task for task in tasks if f"doit {task}" in text or f"`{task}`" in text}
    assert tasks - {*STAGES} - told <= LEFT_OUT


def test_a_variable_that_is_not_there_would_be_seen() -> None:
    with pytest.raises(ConfigError):
        check_names(["bord"])


def test_the_examples_of_workflows_fit_the_action() -> None:
    inputs = read_yaml(ROOT / "action.yml")["inputs"].keys()
    found = [text for kind, text in _FENCE.findall(PAGES["docs/ci.md"]) if kind == "yaml"]
    assert found
    for text in found:
        for step in yaml.safe_load(text):
            assert step["with"].keys() <= inputs
    table = set(
        re.findall(r"`([a-z-]+)`", "".join(re.findall(r"^\| (`.*?) \|", PAGES["docs/ci.md"], re.M)))
    )
    assert table == inputs

"""What hints say: variables and commands that exist, and what fits the cause."""

import ast
import errno
import os
import re
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from aimager import errors
from aimager.commands.doit_commands import COMMANDS
from aimager.commands.listing import LISTS
from aimager.config.variables import VARIABLES
from aimager.model.build import MirrorChoice
from aimager.model.distro import Keyring, Mirrors, ThirdPartyRepository
from aimager.packages.key_advice import NO_KEY, advise
from aimager.packages.mirrors import naming_mirror
from aimager.sandbox.answer import understand
from aimager.sandbox.namespace_child import NamespaceSetup
from tests.support.hints import Raised, errors_made, hint_texts
from tests.support.modules import MODULES, tree

VARIABLE = re.compile(r"(?<![\w./$@-])([a-z][a-z0-9]*(?:-[A-Za-z0-9]+)*)-?=")
COMMAND = re.compile(r"\bdoit ([a-z][a-z-]*)\b(?! is\b)(?!:)")

WORDS_OF_COMMANDS = {"for", "older", "size"}
"""What a task of its own takes beside the variables of builds."""

FIELDS = {"size", "start", "type", "flags", "mine", "root", "gateway", "dns", "interface"}
"""sfdisk's fields, an AppArmor profile's, the repository of an example, a word of kernels, and
those of a static network."""

MADE = tuple(errors_made())


def names() -> set[str]:
    """All names of variables; of those for each of many things, that with NAME in its place."""
    return {variable.name.replace("*", "NAME").removesuffix("-") for variable in VARIABLES}


def commands() -> set[str]:
    """doit's own commands, and all tasks."""
    tasks = {
        node.name.removeprefix("task_").replace("_", "-")
        for node in ast.walk(tree(MODULES["dodo"]))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("task_")
    }
    told = {
        node.args[0].value
        for node in ast.walk(tree(MODULES["aimager.commands.registry"]))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Command"
        and isinstance(node.args[0], ast.Constant)
    }
    return {*tasks, *map(str, told), *LISTS, *(command.get_name() for command in COMMANDS)}


def test_every_error_says_what_to_do() -> None:
    assert len(MADE) > 300
    assert not [str(made) for made in MADE if made.hint is None]


def test_hints_name_variables_that_exist() -> None:
    known = names() | WORDS_OF_COMMANDS | FIELDS
    named = {(str(made), name) for made in MADE for name in _said(VARIABLE, made)}
    assert len({name for _, name in named}) > 40
    assert not {(place, name) for place, name in named if name not in known}


def test_hints_name_commands_that_exist() -> None:
    named = {(str(made), name) for made in MADE for name in _said(COMMAND, made)}
    assert len({name for _, name in named}) > 12
    known = commands()
    assert {"build", "cache-prune", "boards", "pack-image", "doctor", "list"} <= known
    assert not {(place, name) for place, name in named if name not in known | {"itself"}}


def test_another_mirror_is_named_only_where_something_came_from_one() -> None:
    places = {
        made.module
        for made in MADE
        for text in hint_texts(made)
        if "mirror" in text and "repo-url-" in text
    }
    assert places
    rooms = ("aimager.packages.", "aimager.stages.", "aimager.package_files", "aimager.compression")
    # A program in a root is run by a loader that a package of a mirror brings.
    assert not {p for p in places if not p.startswith((*rooms, "aimager.process"))}


def _said(pattern: re.Pattern[str], made: Raised) -> set[str]:
    return {name for text in hint_texts(made) for name in pattern.findall(text)}


def system(number: int, path: str = "/cache/x") -> str:
    told = errors.explain_system_error(OSError(number, os.strerror(number), path))
    assert told
    return told.hint


def killed(number: int) -> str:
    setup = NamespaceSetup(1, "a:b", Path("/c/work/1/pack-image.x"), Path("/c/work/1/pack-image.x"))
    with pytest.raises(errors.HostError) as caught:
        understand(setup, b"", 128 + number)
    assert caught.value.message == f"pack-image:x was killed by {signal.Signals(number).name}"
    return caught.value.hint


@dataclass(frozen=True)
class Cause:
    """What is said of a cause: ``words`` are in its hint, and none of ``others``."""

    hint: Callable[[], str]
    words: tuple[str, ...]
    others: tuple[str, ...] = ("mirror",)


CAUSES = {
    "disk is full": Cause(lambda: system(errno.ENOSPC), ("make room",)),
    "memory is full": Cause(lambda: system(errno.ENOMEM), ("memory", "tmpfs-root=no")),
    "killed for memory": Cause(lambda: killed(9), ("memory", "tmpfs-root=no")),
    "killed otherwise": Cause(lambda: killed(15), ("again",), ("mirror", "memory")),
    "not readable": Cause(lambda: system(errno.EACCES), ("readable",)),
    "read-only disk": Cause(lambda: system(errno.EROFS), ("another folder",)),
    "program on a full disk": Cause(
        lambda: errors.CommandError(["a"], 1, "No space left on device").hint, ("make room",)
    ),
    "no such pinned key": Cause(lambda: NO_KEY, ("trust-key=", "trust-key-NAME=")),
    "changed package": Cause(lambda: advise({"BADSIG": ["A"]}, 0, 1.0), ("another mirror",), ()),
    "clock": Cause(lambda: advise({"BADSIG": ["A"]}, 10**9, 1.0), ("set the clock",), ()),
    "unpacking on a full disk": Cause(
        lambda: errors.not_unpacked("x", OSError(errno.ENOSPC, "full")).hint, ("make room",)
    ),
    "unpacking what is damaged": Cause(
        lambda: errors.not_unpacked("x", ValueError("bad")).hint, ("damaged",)
    ),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_the_hint_fits_the_cause(cause: str) -> None:
    case = CAUSES[cause]
    hint = case.hint()
    assert all(word in hint for word in case.words), hint
    assert not any(word in hint for word in case.others), hint


OWN = ThirdPartyRepository(
    "mine", (), Mirrors("", "https://a.example"), Keyring("mine", "mine-keyring", ())
)
KNOWN = ThirdPartyRepository(
    "known", (), Mirrors("known/$arch", "https://a.example"), Keyring("known", "k", ())
)


@pytest.mark.parametrize(
    ("repository", "named", "variable"),
    [
        ("core", (), "repo-url-parent="),
        ("core", ("core",), "repo-url-core="),
        ("core", ("extra",), "repo-url-parent="),
        ("known", (), "repo-url-parent="),
        ("known", ("known",), "repo-url-known="),
        ("mine", (), "repo-url-mine="),
        ("mine", ("mine",), "repo-url-mine="),
        ("core", ("somelinux",), "repo-url-somelinux="),
        ("core", ("somelinux", "core"), "repo-url-core="),
        ("known", ("somelinux",), "repo-url-parent="),
        ("mine", ("somelinux",), "repo-url-mine="),
        ("", ("somelinux",), "repo-url-parent="),
    ],
)
def test_another_mirror_is_named_by_what_has_an_effect(
    repository: str, named: tuple[str, ...], variable: str
) -> None:
    urls = dict.fromkeys(named, ("https://b.example",))
    distros = tuple((name, url) for name, url in urls.items() if name == "somelinux")
    choice = MirrorChoice(repositories=tuple(urls.items() - distros), distros=distros)
    hint = "try again later, or another mirror with repo-url-parent="
    told = naming_mirror(hint, repository, (OWN, KNOWN), choice, distro="somelinux")
    assert told == f"try again later, or another mirror with {variable}"

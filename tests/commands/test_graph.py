"""The graph of a build, as Mermaid and Graphviz read it."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimager.commands.graph import COLOURS, Node, reduce, write_dot, write_mermaid
from aimager.model.architecture import Architecture, host_architecture
from tests.support.doit_nursery import Nursery, nursery
from tests.support.places import ROOT

DIAMOND = {
    "d:x": Node("d", "x", "board", ("b:x", "c:x", "a:x")),
    "b:x": Node("b", "x", "target", ("a:x",)),
    "c:x": Node("c", "x", "target", ("a:x",)),
    "a:x": Node("a", "x", "host", ()),
}
NEEDS = {"a:x": (), "b:x": ("a:x",), "c:x": ("a:x",), "d:x": ("b:x", "c:x")}


def test_a_need_that_follows_from_others_is_left_out_and_what_is_needed_comes_first() -> None:
    reduced = reduce(DIAMOND)
    assert {name: node.needs for name, node in reduced.items()} == NEEDS
    assert list(reduced) == ["a:x", "b:x", "c:x", "d:x"]


def read_mermaid(text: str) -> dict[str, tuple[str, str, tuple[str, ...]]]:
    """The tasks of a flowchart by their whole names, with their colours and needs."""
    head, *lines = text.splitlines()
    assert head == "flowchart TD"
    colours: dict[str, str] = {}
    tasks: dict[str, tuple[str, str]] = {}
    needs: dict[str, tuple[str, ...]] = {}
    for line in lines:
        if found := re.fullmatch(r"    classDef (\w+) fill:(#[0-9a-f]{6}),stroke:.*", line):
            colours[found[1]] = found[2]
        elif found := re.fullmatch(r'    (t\d+)\["([^<"]+)<br>([^<"]+)"\]:::(\w+)', line):
            tasks[found[1]] = (f"{found[2]}:{found[3]}", colours[found[4]])
        else:
            found = re.fullmatch(r"    ((?:t\d+ & )*t\d+) --> (t\d+)", line)
            assert found, line
            needs[found[2]] = tuple(found[1].split(" & "))
    return {
        name: (name, colour, tuple(tasks[other][0] for other in needs.get(short, ())))
        for short, (name, colour) in tasks.items()
    }


def read_dot(text: str) -> dict[str, tuple[str, str, tuple[str, ...]]]:
    """The same of Graphviz's language."""
    node = r'^    "([^"]+)" \[label="(\S+)\\n(\S+)" fillcolor="(\S+)"\]$'
    edge = re.findall(r'^    "([^"]+)" -> "([^"]+)"$', text, re.MULTILINE)
    return {
        name: (f"{title}:{subject}", colour, tuple(a for a, b in edge if b == name))
        for name, title, subject, colour in re.findall(node, text, re.MULTILINE)
    }


def test_both_languages_say_the_same() -> None:
    told = {name: (name, COLOURS[DIAMOND[name].kind], needs) for name, needs in NEEDS.items()}
    assert read_mermaid(write_mermaid(reduce(DIAMOND))) == told
    assert read_dot(write_dot(reduce(DIAMOND))) == told


@pytest.fixture(scope="module")
def doit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    with nursery(tmp_path_factory.mktemp("graph")) as opened:
        yield opened


def run(doit: Nursery, *words: str, **environment: str) -> str:
    """What ``doit`` prints."""
    status, said = doit.run(words, {"AIMAGER_CACHE": str(doit.folder / "cache"), **environment})
    assert status == 0, said
    return said


def test_it_has_every_task_of_the_build(doit: Nursery) -> None:
    words = ("distro=archlinux", "board=x64-uefi", "tools=host")
    listed = run(doit, "list", "--all", "--quiet", *words).split()
    told = run(doit, "graph", "for=dot", *words)
    makes = {name for name in listed if ":" in name and not name.startswith("run-early:")}
    assert read_dot(told).keys() == makes
    if shutil.which("dot"):
        subprocess.run(["dot", "-Tsvg"], input=told, check=True, capture_output=True, text=True)


def test_every_task_has_what_it_needs(doit: Nursery) -> None:
    """doit refuses a task that names another which is not there, whatever is asked for."""
    for board in ("board=x64-uefi", "board=rpi4"):
        for more in ("tools=host", "borrow=no", "check-twice=yes"):
            assert "install-packages:" in run(doit, "list", "--all", "--quiet", board, more)


def test_the_readme_shows_what_the_task_prints(doit: Nursery) -> None:
    (shown,) = re.findall(r"```mermaid\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert "make-rootfs-archive:archlinuxarm-aarch64" in read_mermaid(shown)
    if host_architecture() is not Architecture.x86_64:
        pytest.skip("it is that of a build on x86_64")
    # where no pacman is
    assert run(doit, "graph", "board=rpi4", PATH=str(Path(sys.executable).parent)) == shown

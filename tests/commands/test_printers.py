"""Tasks whose output is for programs: it is nothing but what they are to print."""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from aimager.model.architecture import Architecture, host_architecture
from tests.support.places import ROOT

SVG = "{http://www.w3.org/2000/svg}"
GRAPH = ROOT / "docs/graph.svg"
GRAPH_WORDS = ("graph", "board=rpi4")
"""What makes it."""


def run(folder: Path, *words: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run ``doit`` with these words in ``folder``."""
    given = {"PATH": path} if path is not None else {}
    return subprocess.run(
        [sys.executable, "-m", "doit", "-f", ROOT / "dodo.py", *words],
        cwd=folder,
        env={**os.environ, "AIMAGER_CACHE": str(folder / "cache"), **given},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_matrix_is_json_and_nothing_else(tmp_path: Path) -> None:
    done = run(tmp_path, "matrix", "boards=x64-uefi,rpi4")
    assert (done.returncode, done.stderr) == (0, "")
    entries = json.loads(done.stdout)["include"]
    assert [entry["board"] for entry in entries] == ["x64-uefi", "rpi4"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("matrix", "boards=nono"), "there is no board nono"),
        (("matrix", "boards=none", "distro=arhc"), "there is no distribution arhc"),
        (("matrix", "for=gitbub"), "for=gitbub is not known"),
        (("matrix", "boards=none"), "distro= is missing"),
        (("completion",), "for= is missing"),
        (("completion", "for=csh"), "for=csh is not a shell that completion is known for"),
        (("graph",), "there is no graph to draw"),
        (("show",), "there is nothing to show"),
    ],
    ids="-".join,
)
def test_an_error_is_kept_apart(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    done = run(tmp_path, *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(told)
    assert "\n  hint: " in done.stderr


def test_lists_are_printed_alone(tmp_path: Path) -> None:
    assert run(tmp_path, "boards").stdout.startswith("board ")


def test_the_picture_shows_every_task_of_the_build(tmp_path: Path) -> None:
    words = ("distro=archlinux", "board=x64-uefi", "tools=host")
    done = run(tmp_path, "graph", *words)
    assert done.returncode == 0, done.stderr
    texts = [text.text for text in ET.fromstring(done.stdout).iter(f"{SVG}text")]
    drawn = {f"{name}:{of}" for name, of in zip(texts[::2], texts[1::2], strict=True)}
    listed = run(tmp_path, "list", "--all", "--quiet", *words).stdout.split()
    assert drawn == {name for name in listed if ":" in name}


def test_the_committed_picture_is_what_the_task_makes(tmp_path: Path) -> None:
    if host_architecture() is not Architecture.x86_64:
        pytest.skip("it is the picture of a build on x86_64")
    done = run(tmp_path, *GRAPH_WORDS, path=str(tmp_path))  # where no pacman is
    assert done.returncode == 0, done.stderr
    assert done.stdout == GRAPH.read_text(), f"doit {' '.join(GRAPH_WORDS)} > docs/graph.svg"

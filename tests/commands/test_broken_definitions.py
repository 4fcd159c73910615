"""A file of ours that is broken is told in a sentence, by every command."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.places import ROOT

BROKEN = {
    "field": "from aimager.definitions import {kind}\n{name} = {kind}(id='x')\n",
    "syntax": "{name} = (\n",
    "import": "from aimager.definitions import Nothing\n",
    "type": (
        "from dataclasses import replace\nfrom {module} import {name} as IT\n"
        "{name} = replace(IT, id=7)\n"
    ),
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of ours, without what is big."""
    folder = tmp_path_factory.mktemp("broken")
    for name in ("aimager", "boards"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "dodo.py", folder)
    return folder


@pytest.mark.parametrize("words", [("list",), ("distros",), ("show", "board=x64-uefi")])
@pytest.mark.parametrize("how", BROKEN)
@pytest.mark.parametrize(
    ("noun", "place", "kind", "module"),
    [
        ("distribution", "aimager/distros", "Distro", "aimager.distros.archlinux"),
        ("board", "boards", "Board", "boards.x64_uefi"),
    ],
)
def test_it_is_named(
    checkout: Path, words: tuple[str, ...], how: str, noun: str, place: str, kind: str, module: str
) -> None:
    path = checkout / place / "zz.py"
    path.write_text(BROKEN[how].format(kind=kind, name=kind.upper(), module=module))
    try:
        done = subprocess.run(
            [sys.executable, "-m", "aimager.commands.program", *words],
            cwd=checkout,
            env={**os.environ, "PYTHONPATH": str(checkout), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        path.unlink()
    assert done.returncode == 1
    assert done.stderr.startswith(f"ERROR: the {noun} {path} cannot be made: ")
    assert f"\n  hint: docs/add-a-{noun}.md says" in done.stderr
    assert len(done.stderr.splitlines()) == 2

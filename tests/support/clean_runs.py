"""Programs in roots of their own, run by functions of a namespace."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aimager.sandbox.clean_run import CleanRun, Given, RefusedError
from aimager.sandbox.privileges import Limits
from aimager.sandbox.program_files import program_files
from aimager.sandbox.tree import Tree

FOLDER = "usr/lib/made"
_LOCALE = Path("/usr/lib/locale/C.utf8")


@dataclass(frozen=True)
class Script:
    """What bash is to run, given a file ``input``; ``changing`` is whether that changes then."""

    work: Path
    text: str
    input: str = "input\n"
    changing: bool = False


@dataclass(frozen=True)
class Made:
    """What it made, by what keys it was known before and is known now, and what it said."""

    files: dict[str, str]
    before: str = ""
    key: str = ""
    said: str = ""
    left: tuple[str, ...] = ()


def _given(script: Script, times: list[int]) -> Iterator[Given]:
    """Laid out as in a merged /usr, whose loader has two names."""
    bash = os.path.realpath(shutil.which("bash") or "/bin/bash").lstrip("/")
    yield Given("lib64", b"usr/lib", is_link=True)
    yield Given("usr/bin/sh", b"bash", is_link=True)
    for path in program_files(Tree(Path("/")), bash):
        name, content = Path(path).name, Path("/", path).read_bytes()
        if path == bash:
            yield Given("usr/bin/bash", content, 0o755)
        elif name.startswith("ld-") and path.startswith("lib64/"):
            yield Given(path, content, 0o755)
            yield Given(f"usr/lib/{name}", content, 0o755)
        else:
            yield Given(path, content, 0o755)
    # Without it, bash has to say something of its language.
    for file in sorted(_LOCALE.rglob("*")):
        if file.is_file():
            yield Given(str(file).lstrip("/"), file.read_bytes())
    times.append(1)
    changed = "changed\n" if script.changing and len(times) > 1 else ""
    yield Given(f"{FOLDER}/input", (script.input + changed).encode())


def _names(folder: Path) -> tuple[str, ...]:
    return tuple(path.name for path in folder.iterdir())


def run_script(script: Script) -> Made:
    """Run it."""
    times: list[int] = []
    run = CleanRun(["bash", "-c", script.text], lambda: _given(script, times), FOLDER)
    before = run.key()
    place = script.work / "place"
    place.mkdir()
    try:
        key, files = run.run(place, Limits())
    except RefusedError as error:
        return Made({}, before=before, said=str(error), left=_names(script.work))
    texts = {name: content.decode() for name, content in files.items()}
    return Made(texts, before, key, left=_names(script.work))

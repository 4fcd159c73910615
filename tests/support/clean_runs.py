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
_TWINS = "twins"
_LOCALE = Path("/usr/lib/locale/C.utf8")


@dataclass(frozen=True)
class Script:
    """What bash is to run, given a file ``input``; ``changing`` is whether that changes then.

    That is said to have a twin with ``names_twin``, and has one with ``has_twin``.
    """

    work: Path
    text: str
    input: str = "input\n"
    changing: bool = False
    names_twin: bool = False
    has_twin: bool = False


@dataclass(frozen=True)
class Made:
    """What it made, by what keys it was known before and is known now, and what it said.

    ``twin`` is what its input's has then.
    """

    files: dict[str, str]
    before: str = ""
    key: str = ""
    said: str = ""
    left: tuple[str, ...] = ()
    twin: str = ""


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
    content = (script.input + changed).encode()
    if script.names_twin:
        with Tree(script.work / _TWINS).folder("") as folder:
            yield Given(f"{FOLDER}/input", content, twin=folder)
    else:
        yield Given(f"{FOLDER}/input", content)


def _names(folder: Path) -> tuple[str, ...]:
    return tuple(path.name for path in folder.iterdir())


def run_script(script: Script) -> Made:
    """Run it."""
    times: list[int] = []
    run = CleanRun(["bash", "-c", script.text], lambda: _given(script, times), FOLDER)
    twin = script.work / _TWINS / "input"
    if script.names_twin:
        twin.parent.mkdir()
    if script.has_twin:
        twin.write_text(script.input)
        twin.chmod(Given.mode)
    before = run.key()
    place = script.work / "place"
    place.mkdir()
    try:
        key, files = run.run(place, Limits())
    except RefusedError as error:
        return Made({}, before=before, said=str(error), left=_names(script.work))
    texts = {name: content.decode() for name, content in files.items()}
    kept = twin.read_text() if script.has_twin else ""
    return Made(texts, before, key, left=_names(script.work), twin=kept)

"""What a mirror said of a file when it was last asked, which is kept beside the file.

Addresses are kept without the user and password that they may hold.
"""

import hashlib
import json
from pathlib import Path

from aimager import files
from aimager.codec import decode
from aimager.shown import without_credentials

_URL, _SHA256 = "url", "sha256"


def recall(path: Path) -> dict[str, dict[str, str]]:
    """What was said of the file at ``path``, by the address that said it; empty: nothing is known.

    With the words it is kept what file they are of: they are two files, and a crash may come
    between.
    """
    memory = _memory(path)
    if not (path.exists() and memory.exists()):
        return {}
    try:
        said: dict[str, str] = decode(dict[str, str], json.loads(memory.read_bytes()))
    except (ValueError, RecursionError):  # a damaged file, as after a loss of power
        return {}
    if said.pop(_SHA256, "") != files.sha256(path):
        return {}
    url = said.pop(_URL, "")
    return {url: said}


def remember(path: Path, url: str, said: dict[str, str]) -> None:
    """Keep what ``url`` says of the file at ``path``."""
    kept = {_URL: without_credentials(url), _SHA256: files.sha256(path), **said}
    files.publish_text(_memory(path), json.dumps(kept))


def note_asked(run: Path | None, url: str) -> None:
    """Note in the folder ``run`` that ``url`` was asked; None: the run remembers nothing."""
    if run:
        run.mkdir(parents=True, exist_ok=True)
        (run / _name(url)).touch()


def was_asked(run: Path | None, url: str) -> bool:
    """Whether the run has asked ``url``."""
    return run is not None and (run / _name(url)).exists()


def _name(url: str) -> str:
    return hashlib.sha256(without_credentials(url).encode()).hexdigest()


def _memory(path: Path) -> Path:
    return path.with_name(f".{path.name}.json")

"""What a mirror said of a file when it was last asked, which is kept beside the file."""

import json
from pathlib import Path

from aimager import files
from aimager.codec import decode


def note_asked(asked: Path | None) -> None:
    """Note that this run has asked for a file; None: it remembers nothing."""
    if asked:
        asked.parent.mkdir(parents=True, exist_ok=True)
        asked.touch()


def recall(memory: Path, url: str, target: Path) -> dict[str, str]:
    """What is known of ``target``, if it came from ``url``; empty if nothing is."""
    if not (target.exists() and memory.exists()):
        return {}
    try:
        said: dict[str, str] = decode(dict[str, str], json.loads(memory.read_bytes()))
    except ValueError:  # a damaged file, as after a loss of power
        return {}
    same = said.get("url") == url and said.get("sha256") == files.sha256(target)
    return said if same else {}

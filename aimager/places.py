"""Where dodo.py and boards/ lie: in a checkout at its top, and in the package once installed."""

import os
from pathlib import Path

PACKAGE = Path(__file__).parent


def own(name: str) -> Path:
    """The path of ``dodo.py`` or ``boards``."""
    inside = PACKAGE / name
    return inside if inside.exists() else PACKAGE.parent / name


def search_path() -> str:
    """PYTHONPATH for a process of ours in another folder: this very code, and what the user has."""
    return os.pathsep.join(filter(None, (str(PACKAGE.parent), os.environ.get("PYTHONPATH"))))

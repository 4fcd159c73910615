"""Where dodo.py and boards/ lie: in a checkout at its top, and in the package once installed."""

from pathlib import Path

PACKAGE = Path(__file__).parent


def own(name: str) -> Path:
    """The path of ``dodo.py`` or ``boards``."""
    inside = PACKAGE / name
    return inside if inside.exists() else PACKAGE.parent / name

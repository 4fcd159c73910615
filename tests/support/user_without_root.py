"""The user 1000 of a host, as tests make it: by its name, and by the ids that it is granted."""

import pwd
from pathlib import Path

import pytest


def granted(tmp_path: Path, lines: str) -> str:
    """The preparation that makes the user 1000, to whom ``lines`` of /etc/subuid grant ids."""
    for path in (Path("/etc/subuid"), Path("/etc/subgid")):
        if not path.is_file():
            pytest.skip(f"{path} is missing, so it cannot be covered")
    (tmp_path / "granted").write_text(lines)
    return (
        "namespaced.enter_outer(1000)\n"
        f"namespaced.cover('/etc/subuid', {str(tmp_path / 'granted')!r})\n"
        f"namespaced.cover('/etc/subgid', {str(tmp_path / 'granted')!r})\n"
    )


def name_of_1000() -> str:
    """The name, or the number, that messages call it by."""
    try:
        return pwd.getpwuid(1000).pw_name
    except KeyError:
        return "1000"

"""What is built is nobody else's, unless that is asked for."""

import os
from pathlib import Path

import pytest

from aimager.commands.command_line import Asked, load_builds
from aimager.files import publish, publish_text
from tests.support.locked import make_workshop


def modes(folder: Path) -> int:
    return folder.stat().st_mode & 0o7777


def load(cache: Path, folder: Path, **variables: str) -> None:
    """Read a command line, as each run does before anything else."""
    words = {"distro": "archlinux", **variables}
    load_builds(Asked(folder, assignments=words), cache)


@pytest.fixture(autouse=True)
def open_umask() -> object:
    """A user whose files all may read, and whose group may write."""
    before = os.umask(0o002)
    yield
    os.umask(before)


@pytest.mark.parametrize(
    ("words", "mode"),
    [
        ({}, 0o700),
        ({"readable_by": "nobody"}, 0o700),
        ({"readable_by": "group"}, 0o750),
        ({"readable_by": "all"}, 0o755),
    ],
)
@pytest.mark.parametrize("is_old", [False, True])
def test_the_cache_is_private(
    tmp_path: Path, words: dict[str, str], mode: int, is_old: bool
) -> None:
    cache = tmp_path / "cache"
    if is_old:
        (cache / "product").mkdir(parents=True)
        cache.chmod(0o755)
    load(cache, tmp_path, **{name.replace("_", "-"): value for name, value in words.items()})
    assert modes(cache) == mode


def test_a_folder_of_other_things_stays_as_it_is(tmp_path: Path) -> None:
    """AIMAGER_CACHE may name one that is not ours alone, such as /tmp."""
    home, shared = tmp_path / "home", tmp_path / "tmp"
    for folder, mode in ((home, 0o755), (shared, 0o1777)):
        folder.mkdir()
        folder.chmod(mode)
        (folder / "text").touch()
        load(folder, tmp_path)
        assert modes(folder) == mode
    (shared / "product").mkdir()
    load(shared, tmp_path)
    assert modes(shared) == 0o1777


def test_files_are_private_whatever_the_umask(tmp_path: Path) -> None:
    publish_text(tmp_path / "text", "x")
    with publish(tmp_path / "file") as temporary:
        temporary.write_bytes(b"x")
    shop = make_workshop(tmp_path / "cache")
    with shop.logging() as log:
        log.write(b"said")
    assert {modes(path) for path in (tmp_path / "text", tmp_path / "file", shop.log)} == {0o600}

"""A cache that a CI saved and restored, elsewhere and as another user: nothing is built again."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cells import HOST, build, fresh_folder, products, sums
from tests.support.doit_output import STAGES
from tests.support.runs import Doit
from tests.support.surroundings import Elsewhere, find_user

ASKED = {"sync-databases"}


def restore(saved: Path, folder: Path) -> None:
    """Copy a cache as an archiver does that keeps names, contents and the x bits alone."""
    argv = ["cp", "-r", "--sparse=always", str(saved), str(folder)]
    subprocess.run(argv, check=True)


@pytest.fixture
def place(test_cache: Path) -> Iterator[Path]:
    """Another place for a cache, which the other user may reach."""
    folder = fresh_folder(test_cache / "restored")
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_cache_and_results(intact: Doit, place: Path) -> None:
    for name in ("cache", "out"):
        restore(intact.folder / name, place / name)
    doit = Doit(place, intact.variables)
    assert build(doit, *HOST.words).stages == ASKED
    assert build(doit, *HOST.words, "offline=yes").ran == ()
    assert sums(HOST.folder(doit)) == sums(HOST.folder(intact))


def test_cache_without_results(intact: Doit, place: Path) -> None:
    restore(intact.cache, place / "cache")
    _assert_nothing_is_made(Doit(place, intact.variables), intact)


def test_a_cache_in_which_all_is_old(intact: Doit, place: Path) -> None:
    restore(intact.cache, place / "cache")
    for path in (place / "cache").rglob("*"):
        os.utime(path, (315532800, 315532800), follow_symlinks=False)
    _assert_nothing_is_made(Doit(place, intact.variables), intact)


def test_as_another_user(intact: Doit, place: Path) -> None:
    user = find_user()
    if isinstance(user, str):
        pytest.skip(f"{user}: another user's cache is not tried")
    restore(intact.cache, place / "cache")
    user.give(place)
    doit = Elsewhere(
        place,
        intact.variables,
        prefix=user.prefix,
        settings=user.settings,
        python=user.python,
    )
    _assert_nothing_is_made(doit, intact)
    assert HOST.disk(doit).stat().st_uid == place.stat().st_uid != os.getuid()


def _assert_nothing_is_made(doit: Doit, saved: Doit) -> None:
    """Build; the results may be put in their place, but no product may be made."""
    before = _inodes(doit)
    said = build(doit, *HOST.words)
    assert said.stages <= ASKED | {"pack-image"}
    assert _inodes(doit) == before
    assert sums(HOST.folder(doit)) == sums(HOST.folder(saved))
    assert build(doit, *HOST.words).stages == ASKED


def _inodes(doit: Doit) -> dict[Path, int]:
    """All products, and which files they are: one that is made again is another file."""
    made = [path for stage in STAGES[2:] for path in products(doit.cache, stage)]
    assert made, "there are no products"
    return {path: path.stat().st_ino for path in made}

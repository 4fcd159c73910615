"""The same lock and settings give the same bytes, whoever builds, where, when and how."""

import filecmp
import functools
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from aimager.process import ENVIRONMENT
from tests.support.cells import CELLS, HOST, Cell, fresh_folder
from tests.support.first_difference import explain
from tests.support.places import ROOT
from tests.support.runs import USER, Doit
from tests.support.seed import Copies
from tests.support.surroundings import (
    Elsewhere,
    OtherUser,
    faked_time,
    find_user,
    other_locale,
    with_umask,
)

SETTINGS = (
    "create=root.tar,part-boot.img,part-root.img,disk.img",
    *(*USER, "hostname=probe", "locales=de_DE.UTF-8"),
)
RESULTS = ("root.tar", "part-boot.img", "part-root.img", "disk.img")
ARCHIVES = ("product/make-rootfs-archive", "product/install-packages")
"""Whose folders are by subject and id, so that equal names mean equal ids."""

HOSTS = ("gpg", "tar", "zstd", "xz", "mke2fs", "mkfs.fat", "mcopy", "sfdisk", "pacman", "sh")
"""Programs that a build may not need of the host."""


@dataclass(frozen=True)
class Built:
    """A cell that was built, and where."""

    cell: Cell
    doit: Elsewhere

    def files(self) -> dict[str, Path]:
        """Archives and results by name, in the order of the build."""
        found = {}
        for top in ARCHIVES:
            for path in sorted((self.doit.cache / top).rglob("*.tar*")):
                subject = path.parent.parent.name
                if not (self.cell.is_ours(subject) or ".borrowed" in subject):
                    continue  # of the host's own cell, with which the cache began
                found[str(path.relative_to(self.doit.cache))] = path
        return found | {name: self.cell.folder(self.doit) / name for name in RESULTS}


def make(cell: Cell, doit: Elsewhere) -> Built:
    """Build a cell with settings of every kind."""
    doit.build(*cell.words, *SETTINGS)
    return Built(cell, doit)


def assert_equal(one: Built, other: Built) -> None:
    """Fail with the first difference of the first file that differs."""
    ours, theirs = one.files(), other.files()
    assert len(ours) > len(RESULTS)
    assert ours.keys() == theirs.keys()
    differing = [
        name for name, path in ours.items() if not filecmp.cmp(path, theirs[name], shallow=False)
    ]
    if differing:
        first = differing[0]
        pytest.fail(f"{', '.join(differing)} differ.\n{explain(ours[first], theirs[first])}")


@pytest.fixture(scope="module")
def place(test_cache: Path) -> Iterator[Path]:
    """Where all of these builds are, removed in the end for they are large."""
    folder = fresh_folder(test_cache / "equal")
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def build(copies: Copies) -> Callable[[Cell], Built]:
    """Builds a cell as one does, one task at a time; what the seed made of it is there."""

    @functools.cache
    def make_it(cell: Cell) -> Built:
        doit = copies(f"equal/{cell.id}", cell)
        # Made of other settings, and one more for each architecture that is emulated.
        for made in (f"install-packages/{cell.id}", "make-rootfs-archive/*.borrowed*"):
            for folder in (doit.cache / "product").glob(made):
                shutil.rmtree(folder)
        return make(cell, Elsewhere(doit.folder, doit.variables))

    return make_it


@pytest.fixture(scope="module", params=CELLS, ids=lambda cell: cell.id)
def reference(request: pytest.FixtureRequest, place: Path, build: Callable[[Cell], Built]) -> Built:
    """Each cell in turn."""
    return build(request.param)


@pytest.fixture(scope="module")
def host(place: Path, build: Callable[[Cell], Built]) -> Built:
    """The host's own cell."""
    return build(HOST)


def _at(doit: Doit, folder: Path) -> Elsewhere:
    folder.mkdir(exist_ok=True)
    return Elsewhere(folder, doit.variables)


@pytest.fixture(scope="module")
def elsewhere(reference: Built, place: Path) -> Built:
    """The same cell in another folder and environment, two tasks at a time."""
    folder = place / "else where".replace(" ", "/") / reference.cell.id
    folder.mkdir(parents=True)
    settings = {
        **other_locale(fresh_folder(place / "locale")),
        "TZ": "Pacific/Kiritimati",
        "HOME": str(folder),
        "TMPDIR": str(fresh_folder(folder / "tmp")),
        **faked_time(),
    }
    doit = Elsewhere(
        folder,
        reference.doit.variables,
        prefix=with_umask(0o077),
        options=("-n", "2"),
        settings=settings,
    )
    return make(reference.cell, doit)


def test_another_folder_umask_and_time_zone(reference: Built, elsewhere: Built) -> None:
    assert_equal(reference, elsewhere)


def test_another_locale(reference: Built, elsewhere: Built) -> None:
    if "LC_ALL" not in elsewhere.doit.settings:
        pytest.skip("no other locale is here, nor can be made: a locale's sorting is not tried")
    assert_equal(reference, elsewhere)


def test_another_time_of_day(reference: Built, elsewhere: Built) -> None:
    if "FAKETIME" not in elsewhere.doit.settings:
        pytest.skip("libfaketime is not installed: another time of day is not tried")
    assert_equal(reference, elsewhere)


def test_another_user(host: Built, place: Path) -> None:
    user = find_user()
    if isinstance(user, str):
        pytest.skip(f"{user}: another user is not tried")
    folder = fresh_folder(place / "user")
    user.give(folder)
    doit = Elsewhere(
        folder,
        host.doit.variables,
        prefix=(*user.prefix, *with_umask(0o002)),
        settings=user.settings,
        python=user.python,
    )
    other = make(HOST, doit)
    assert HOST.disk(doit).stat().st_uid != os.getuid()
    assert_equal(host, other)


def test_a_warm_cache(host: Built, place: Path) -> None:
    doit = _at(host.doit, place / "warm")
    subprocess.run(["cp", "-a", host.doit.cache, doit.cache], check=True)
    for made in ("product/install-packages", "product/pack-image"):
        shutil.rmtree(doit.cache / made)
    assert_equal(host, make(HOST, doit))


def bare(folder: Path, user: OtherUser | None) -> tuple[str, ...]:
    """The words that run a command where the host's programs are hidden."""
    ids = () if os.getuid() == 0 else ("--map-root-user", "--map-auto")
    hide = (sys.executable, str(ROOT / "tests/support/bare_host.py"), str(folder))
    return ("unshare", "--mount", *ids, "--", *hide, user.name if user else "")


def test_a_host_without_programs(host: Built, place: Path) -> None:
    """It has Python, newuidmap and newgidmap; the builder is an ordinary user where root asks."""
    found = find_user()
    user = found if isinstance(found, OtherUser) else None
    folder = fresh_folder(place / "bare")
    for name in ("shell", "programs"):
        (folder / name).mkdir()
    doit = Elsewhere(
        fresh_folder(folder / "work"),
        host.doit.variables,
        prefix=bare(folder / "programs", user),
        settings=user.settings if user else {},
        python=user.python if user else sys.executable,
    )
    if user:
        user.give(doit.folder)
    path = ENVIRONMENT["PATH"]
    look = f"import shutil; print(*(shutil.which(name, path={path!r}) for name in {HOSTS}))"
    words = [*bare(folder / "shell", user), doit.python, "-c", look]
    tried = subprocess.run(words, env=doit.environment, capture_output=True, check=False)
    if tried.returncode:
        pytest.skip(f"the host's programs cannot be hidden here: {tried.stderr.decode()}")
    assert set(tried.stdout.split()) == {b"None"}
    assert_equal(host, make(HOST, doit))
    owner = pwd.getpwnam(user.name).pw_uid if user else os.getuid()
    assert HOST.disk(doit).stat().st_uid == owner
    said = replace(doit, prefix=bare(fresh_folder(folder / "programs"), user)).refuse(
        *HOST.words, "tools=host"
    )
    assert "tools=host needs the program gpg, which is missing" in said
    assert "leave tools=host out" in said

"""Whether a mirror has a newer keyring, told when one did not trust a package."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aimager.config.build import read_build
from aimager.errors import KeyTroubleError
from aimager.graph import artifacts
from aimager.graph.keyring_news import with_news
from aimager.graph.plan import Plan
from aimager.graph.planning import make_plan
from aimager.model.lock import Lock, LockedPackage, write_lock
from aimager.packages.lock_file import LockedBuild, format_lock_file, join_locks
from tests.support.locked import make_database, make_package
from tests.support.openpgp_maker import Secret, plain
from tests.support.webserver import Site, serving, silence

pytestmark = pytest.mark.usefixtures("quick")

USED = make_package("archlinux-keyring", version="20240101-1")
NEWER = replace(USED, version="20260101-1")
DATABASE = "/archlinux/core/os/x86_64/core.db"
SUBJECT = "archlinux-x86_64.keyring"
KEY = Secret("mine", 1)
ERROR = KeyTroubleError("the key has expired", hint="try another mirror")


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifacts, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(artifacts, "lock", lambda subject: tmp_path / f"{subject}.json")


def locked(folder: Path, url: str, *packages: LockedPackage, **words: str) -> Plan:
    """The plan of a build whose lock file holds these packages of keyrings."""
    lock = Lock("archlinux-x86_64", (), packages)
    build = LockedBuild("archlinux", "x86_64", "none", (), "archlinux-x86_64", "")
    (folder / "image.lock").write_text(format_lock_file(join_locks({SUBJECT: lock}, build)))
    return plan(folder, url, lock="image.lock", **words)


def plan(folder: Path, url: str, **words: str) -> Plan:
    named = {"distro": "archlinux", "arch": "x86_64", "tools": "host", "repo-url-parent": url}
    build = read_build({**named, **words}, folder)
    assert build
    return make_plan(build, build.lock)


def hint(made: Plan) -> str:
    told = with_news([made], ERROR)
    assert told.message == ERROR.message
    assert told.hint.endswith("; try another mirror")
    return told.hint.removesuffix("; try another mirror")


def test_a_newer_one_is_named_with_what_takes_it(site: Site, tmp_path: Path) -> None:
    site.content[DATABASE] = make_database(NEWER)
    assert hint(locked(tmp_path, site.url, USED)) == (
        "archlinux-keyring 20240101-1 is used, and the mirror has 20260101-1: doit update"
        f" lock={tmp_path}/image.lock takes it"
    )


@pytest.mark.parametrize("there", [[USED], []])
def test_there_is_no_newer_one(site: Site, tmp_path: Path, there: list[LockedPackage]) -> None:
    site.content[DATABASE] = make_database(*there)
    assert hint(locked(tmp_path, site.url, USED)).endswith("and the mirror has no newer one")


def test_nobody_can_be_asked(site: Site, tmp_path: Path) -> None:
    with silence() as url:
        told = hint(locked(tmp_path, url, USED))
    assert told.startswith("whether there is a newer archlinux-keyring is not known (")
    told = hint(locked(tmp_path, url, USED, offline="yes"))
    assert "with offline=yes no mirror is asked" in told


def test_without_a_lock_file_it_is_the_newest(site: Site, tmp_path: Path) -> None:
    (tmp_path / f"{SUBJECT}.json").write_text(write_lock(Lock("archlinux-x86_64", (), (USED,))))
    assert hint(plan(tmp_path, site.url)) == (
        "archlinux-keyring 20240101-1 is the newest that the mirror has"
    )
    assert not site.asked


def test_of_a_keyring_that_is_not_locked_nothing_is_said(site: Site, tmp_path: Path) -> None:
    (tmp_path / f"{SUBJECT}.json").write_text(write_lock(Lock("archlinux-x86_64", (), ())))
    assert with_news([plan(tmp_path, site.url)], ERROR).hint == "try another mirror"


def test_what_is_known_of_the_distribution_comes_first(tmp_path: Path) -> None:
    build = read_build({"distro": "arch32", "arch": "i686", "tools": "host"}, tmp_path)
    assert build
    (tmp_path / "archlinux32-i686.keyring.json").write_text(write_lock(Lock("x", (), ())))
    (tmp_path / f"{SUBJECT}.json").write_text(write_lock(Lock("x", (), ())))
    told = with_news([make_plan(build, None)], ERROR).hint
    assert told.startswith(f"Arch Linux 32: {build.platform.distro.trouble}; ")
    assert "trust-key=" in build.platform.distro.trouble


def test_keys_of_the_users_own_file(site: Site, tmp_path: Path) -> None:
    for subject in (SUBJECT, "archlinux-x86_64+mine.keyring"):
        lock = write_lock(Lock("archlinux-x86_64", (), (USED,)))
        (tmp_path / f"{subject}.json").write_text(lock)
    (tmp_path / "mine.asc").write_bytes(plain(KEY, b"mine", 1).packets())
    own = {"key-file-mine": "mine.asc", "trust-key-mine": KEY.fingerprint.hex()}
    made = plan(tmp_path, site.url, **{"add-repos": f"mine={site.url}", **own})
    assert hint(made) == (
        "archlinux-keyring 20240101-1 is the newest that the mirror has;"
        " the keys of mine are those of your own file"
    )

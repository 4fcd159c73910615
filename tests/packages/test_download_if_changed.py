"""A database is asked for only when it changed, and kept with what the mirror said of it."""

import json
from pathlib import Path

import pytest

from aimager.errors import DownloadError
from aimager.packages.download import Client
from aimager.packages.download_errors import SilentError
from aimager.packages.fetch_database import Database, fetch_databases
from aimager.packages.mirror_fallback import NoMirrorError
from tests.support.locked import make_database, make_file
from tests.support.webserver import Site, silence

CONTENT = make_database(make_file("bash", b"bash"))
OTHER = make_database(make_file("zsh", b"zsh"))
LAST_MODIFIED = "Tue, 14 Nov 2023 22:13:20 GMT"

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def site(site: Site) -> Site:
    site.content["/f/core.db"] = CONTENT
    return site


def fetch(*urls: str, target: Path, run: Path | None = None) -> bytes:
    """The database that is there after it was asked for."""
    fetch_databases([Database("core", urls, target)], work=target.parent / "work", run=run)
    return target.read_bytes()


@pytest.mark.parametrize(
    ("header", "value", "condition"),
    [
        ("ETag", '"1"', "If-None-Match"),
        ("ETag", 'W/"1"', "If-None-Match"),
        ("Last-Modified", LAST_MODIFIED, "If-Modified-Since"),
    ],
)
def test_what_did_not_change_is_not_sent(
    site: Site, tmp_path: Path, header: str, value: str, condition: str
) -> None:
    target = tmp_path / "core.db"
    site.headers[header] = value
    assert fetch(f"{site.url}/f", target=target) == CONTENT
    assert site.conditions() == {}
    before = target.stat().st_mtime_ns
    assert fetch(f"{site.url}/f", target=target) == CONTENT
    assert site.conditions() == {condition: value}
    assert target.stat().st_mtime_ns == before
    site.content["/f/core.db"], site.headers[header] = OTHER, value.replace("1", "2")
    assert fetch(f"{site.url}/f", target=target) == OTHER
    assert sorted(p.name for p in tmp_path.iterdir()) == [".core.db.json", "core.db"]


def test_nothing_is_known_of_another_mirror_or_a_lost_file(site: Site, tmp_path: Path) -> None:
    target = tmp_path / "core.db"
    site.headers["ETag"] = '"1"'
    site.content["/g/core.db"] = OTHER
    fetch(f"{site.url}/f", target=target)
    assert fetch(f"{site.url}/g", target=target) == OTHER
    assert site.conditions() == {}
    target.unlink()
    assert fetch(f"{site.url}/g", target=target) == OTHER
    assert site.conditions() == {}


def test_a_crash_before_the_note_of_it_does_not_make_an_old_file_new(
    site: Site, tmp_path: Path
) -> None:
    target = tmp_path / "core.db"
    site.headers["ETag"] = '"1"'
    fetch(f"{site.url}/f", target=target)
    target.write_bytes(b"of another time")
    assert fetch(f"{site.url}/f", target=target) == CONTENT
    assert site.conditions() == {}


@pytest.mark.parametrize(
    "note", [b"", bytes(64), b"\xff", b"null", b"[]", b"{}", b'{"url": 5}', b"[" * 100_000]
)
def test_a_note_that_is_damaged_tells_nothing(site: Site, tmp_path: Path, note: bytes) -> None:
    target = tmp_path / "core.db"
    site.headers["ETag"] = '"1"'
    fetch(f"{site.url}/f", target=target)
    (tmp_path / ".core.db.json").write_bytes(note)
    assert fetch(f"{site.url}/f", target=target) == CONTENT
    assert site.conditions() == {}


def test_what_is_not_what_was_asked_for_leaves_the_old(site: Site, tmp_path: Path) -> None:
    target = tmp_path / "core.db"
    site.headers["ETag"] = '"1"'
    fetch(f"{site.url}/f", target=target)
    site.content["/f/core.db"], site.headers["ETag"] = b"no database", '"2"'
    for _ in range(2):
        with pytest.raises(NoMirrorError, match=r"core\.db is not a sync database"):
            fetch(f"{site.url}/f", target=target)
        assert site.conditions() == {"If-None-Match": '"1"'}
        assert target.read_bytes() == CONTENT
    assert sorted(p.name for p in tmp_path.iterdir()) == [".core.db.json", "core.db"]


def test_a_mirror_that_tells_nothing_is_asked_anew(site: Site, tmp_path: Path) -> None:
    for _ in range(2):
        assert fetch(f"{site.url}/f", target=tmp_path / "core.db") == CONTENT
        assert site.conditions() == {}


def test_a_mirror_is_asked_once_in_a_run(site: Site, tmp_path: Path) -> None:
    target, run = tmp_path / "core.db", tmp_path / "run"
    for tags, asked in ((False, 1), (True, 3)):
        site.tags = tags
        for _ in range(2):
            assert fetch(f"{site.url}/f", target=target, run=run) == CONTENT
        assert len(site.asked) == asked
        run = run.with_name(f"another-{asked}")
        fetch(f"{site.url}/f", target=target, run=run)  # with tags: that nothing changed
        assert fetch(f"{site.url}/f", target=target, run=run) == CONTENT
        assert len(site.asked) == asked + 1
        run = run.with_name(f"last-{asked}")
    site.content["/g/core.db"] = OTHER
    assert fetch(f"{site.url}/g", target=target, run=run) == OTHER
    assert fetch(f"{site.url}/f", target=target, run=run) == CONTENT


def test_a_broken_off_database_leaves_the_old_one(site: Site, tmp_path: Path) -> None:
    target = tmp_path / "core.db"
    target.write_text("old")
    site.plan = ["cut 1000"]
    with pytest.raises(DownloadError, match=rf"^{site.url}/f/core.db broke off: \S"):
        fetch(f"{site.url}/f", target=target)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_password_is_used_and_not_kept(site: Site, tmp_path: Path) -> None:
    """Nor is a token in the place of the name, and what was said is known again."""
    site.headers["ETag"] = '"1"'
    run = tmp_path / "run"
    for credentials in ("user:hidden", "hidden:"):
        address = site.url.replace("://", f"://{credentials}@")
        fetch(f"{address}/f", target=tmp_path / "core.db", run=run / credentials.partition(":")[0])
        assert site.asked[-1][1]["Authorization"].startswith("Basic ")
    assert site.conditions() == {"If-None-Match": '"1"'}
    note = json.loads((tmp_path / ".core.db.json").read_text())
    assert note["url"] == f"{site.url}/f/core.db"
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(kept) == 4
    assert not [path for path in kept if b"hidden" in path.read_bytes()]


def test_nobody_there(tmp_path: Path) -> None:
    with silence() as url, pytest.raises(SilentError) as caught:
        Client().fetch_into(f"{url}/f", tmp_path / "f", limit=1)
    assert caught.value.message == f"{url}/f cannot be reached: [Errno 111] Connection refused"
    assert caught.value.hint.endswith("another mirror with repo-url-parent=")

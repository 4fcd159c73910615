"""A file that changes is asked for only when it did, and kept with what the mirror said of it."""

from pathlib import Path

import pytest

from aimager.errors import DownloadError
from aimager.packages.download import Client, SilentError
from tests.support.webserver import Site, silence

CONTENT = bytes(range(256)) * 4096
LAST_MODIFIED = "Tue, 14 Nov 2023 22:13:20 GMT"

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def site(site: Site) -> Site:
    site.content["/f"] = CONTENT
    return site


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
    client, target = Client(), tmp_path / "core.db"
    site.headers[header] = value
    assert client.fetch_if_changed(f"{site.url}/f", target) == CONTENT
    assert target.read_bytes() == CONTENT
    assert site.conditions() == {}
    before = target.stat().st_mtime_ns
    assert Client().fetch_if_changed(f"{site.url}/f", target) == CONTENT
    assert site.conditions() == {condition: value}
    assert target.stat().st_mtime_ns == before
    site.content["/f"], site.headers[header] = b"new", value.replace("1", "2")
    assert client.fetch_if_changed(f"{site.url}/f", target) == b"new"
    assert target.read_bytes() == b"new"
    assert sorted(p.name for p in tmp_path.iterdir()) == [".core.db.json", "core.db"]


def test_nothing_is_known_of_another_mirror_or_a_lost_file(site: Site, tmp_path: Path) -> None:
    client, target = Client(), tmp_path / "core.db"
    site.headers["ETag"] = '"1"'
    site.content["/g"] = b"other"
    client.fetch_if_changed(f"{site.url}/f", target)
    client.fetch_if_changed(f"{site.url}/g", target)
    assert site.conditions() == {}
    assert target.read_bytes() == b"other"
    target.unlink()
    assert client.fetch_if_changed(f"{site.url}/g", target) == b"other"
    assert site.conditions() == {}


def test_a_crash_before_the_note_of_it_does_not_make_an_old_file_new(
    site: Site, tmp_path: Path
) -> None:
    target = tmp_path / "core.db"
    site.headers["ETag"] = '"1"'
    Client().fetch_if_changed(f"{site.url}/f", target)
    target.write_bytes(b"of another time")
    assert Client().fetch_if_changed(f"{site.url}/f", target) == CONTENT
    assert site.conditions() == {}


@pytest.mark.parametrize("note", [b"", bytes(64), b"\xff", b"null", b"[]", b"{}", b'{"url": 5}'])
def test_a_note_that_is_damaged_tells_nothing(site: Site, tmp_path: Path, note: bytes) -> None:
    client, target = Client(), tmp_path / "core.db"
    site.headers["ETag"] = '"1"'
    client.fetch_if_changed(f"{site.url}/f", target)
    (tmp_path / ".core.db.json").write_bytes(note)
    assert client.fetch_if_changed(f"{site.url}/f", target) == CONTENT
    assert site.conditions() == {}


def test_what_is_not_what_was_asked_for_leaves_the_old(site: Site, tmp_path: Path) -> None:
    def check(content: bytes) -> None:
        if content != CONTENT:
            raise DownloadError("a portal")

    target = tmp_path / "core.db"
    site.headers["ETag"] = '"1"'
    Client().fetch_if_changed(f"{site.url}/f", target, check)
    site.content["/f"], site.headers["ETag"] = b"<portal>", '"2"'
    for _ in range(2):
        with pytest.raises(DownloadError, match="a portal"):
            Client().fetch_if_changed(f"{site.url}/f", target, check)
        assert site.conditions() == {"If-None-Match": '"1"'}
        assert target.read_bytes() == CONTENT


def test_a_mirror_that_tells_nothing_is_asked_anew(site: Site, tmp_path: Path) -> None:
    for _ in range(2):
        assert Client().fetch_if_changed(f"{site.url}/f", tmp_path / "core.db") == CONTENT
        assert site.conditions() == {}


def test_a_mirror_is_asked_once_in_a_run(site: Site, tmp_path: Path) -> None:
    target, run = tmp_path / "core.db", tmp_path / "run"

    def fetch(path: str, run: Path) -> bytes:
        return Client().fetch_if_changed(f"{site.url}{path}", target, run=run)

    for tags, asked in ((False, 1), (True, 3)):
        site.tags = tags
        for _ in range(2):
            assert fetch("/f", run) == CONTENT
        assert len(site.asked) == asked
        run = run.with_name(f"another-{asked}")
        fetch("/f", run)  # with tags, it answers that nothing changed
        assert fetch("/f", run) == CONTENT
        assert len(site.asked) == asked + 1
        run = run.with_name(f"last-{asked}")
    site.content["/g"] = b"other"
    assert fetch("/g", run) == b"other"
    assert fetch("/f", run) == CONTENT


def test_a_broken_off_database_leaves_the_old_one(site: Site, tmp_path: Path) -> None:
    target = tmp_path / "core.db"
    target.write_text("old")
    site.plan = ["cut 1000"]
    with pytest.raises(DownloadError, match=rf"^{site.url}/f broke off: \S"):
        Client().fetch_if_changed(f"{site.url}/f", target)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_nobody_there(tmp_path: Path) -> None:
    with silence() as url, pytest.raises(SilentError) as caught:
        Client().fetch_if_changed(f"{url}/f", tmp_path / "f")
    assert caught.value.message == f"{url}/f cannot be reached: [Errno 111] Connection refused"
    assert caught.value.hint.endswith("another mirror with repo-url-parent=")

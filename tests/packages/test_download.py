"""Downloads from a server on this machine: asked for once, resumed, checked."""

import email.utils
import gzip
import hashlib
import threading
import time
from pathlib import Path

import pytest

from aimager.errors import DownloadError
from aimager.packages.download import Client
from aimager.packages.download_errors import BusyError, NotFoundError, SilentError
from tests.support.webserver import Site

CONTENT = bytes(range(256)) * 4096  # four of the client's chunks
SHA256 = hashlib.sha256(CONTENT).hexdigest()
ANOTHER = "another mirror with repo-url-parent="


pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def site(site: Site) -> Site:
    site.content["/f"] = CONTENT
    return site


class Fetched:
    """A file that is to be fetched, and how many bytes were reported."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.url = f"{site.url}/f"
        self.target = self.part = folder / "f"
        self.reports: list[int] = []

    def fetch(self, size: int = len(CONTENT), sha256: str = SHA256) -> None:
        Client().complete(self.url, self.part, size=size, sha256=sha256, report=self.reports.append)


@pytest.fixture
def file(site: Site, tmp_path: Path) -> Fetched:
    return Fetched(site, tmp_path)


def test_a_file_is_fetched_once(site: Site, file: Fetched) -> None:
    file.fetch()
    assert file.target.read_bytes() == CONTENT
    assert sum(file.reports) == len(CONTENT)
    assert [p.name for p in file.target.parent.iterdir()] == ["f"]
    assert site.asked[0][1]["Accept-Encoding"] == "identity"
    file.reports.clear()
    file.fetch()
    assert len(site.asked) == 1
    assert file.reports == [len(CONTENT)]


def test_a_broken_off_download_is_resumed(site: Site, file: Fetched) -> None:
    site.plan = ["cut 600000"]
    file.fetch()
    assert len(site.asked) == 2
    assert site.conditions()["Range"].startswith("bytes=")
    assert file.target.read_bytes() == CONTENT
    assert sum(file.reports) == len(CONTENT)


def test_what_has_arrived_is_kept_for_the_next_run(site: Site, file: Fetched) -> None:
    site.plan = ["cut 600000", "cut 100000", "cut 100000"]
    with pytest.raises(DownloadError) as caught:
        file.fetch()
    assert caught.value.message.startswith(f"{file.url} broke off: ")
    assert caught.value.hint == "run the same command again: complete files are kept"
    kept = file.part.stat().st_size
    assert 0 < kept < len(CONTENT)
    file.reports.clear()
    file.fetch()
    assert site.conditions() == {"Range": f"bytes={kept}-"}
    assert file.target.read_bytes() == CONTENT


@pytest.mark.parametrize("plan", [["whole"], ["416"], ["416", "503"], ["503", "416"]])
def test_a_mirror_that_cannot_resume_sends_all(site: Site, file: Fetched, plan: list[str]) -> None:
    file.part.write_bytes(b"x" * 1000)
    site.plan = plan
    file.fetch()
    assert file.target.read_bytes() == CONTENT
    assert sum(file.reports) == len(CONTENT)


def test_a_mirror_that_refuses_ranges_to_the_last_is_named(site: Site, file: Fetched) -> None:
    file.part.write_bytes(b"x" * 1000)
    site.plan = ["416", "416"]
    with pytest.raises(DownloadError, match=rf"^{file.url}: the mirror says 416 "):
        file.fetch()


def test_a_whole_part_is_not_asked_for(site: Site, file: Fetched) -> None:
    file.part.write_bytes(CONTENT)
    file.fetch()
    assert site.asked == []
    assert file.target.read_bytes() == CONTENT


def test_a_part_that_is_too_long_is_begun_anew(site: Site, file: Fetched) -> None:
    file.part.write_bytes(CONTENT + b"x")
    file.fetch()
    assert site.conditions() == {}
    assert file.target.read_bytes() == CONTENT


@pytest.mark.parametrize("difference", [-1, 1])
def test_a_wrong_size(file: Fetched, difference: int) -> None:
    size = len(CONTENT) + difference
    with pytest.raises(DownloadError) as caught:
        file.fetch(size=size)
    assert caught.value.message == (
        f"{file.url} has {'at least ' * (difference < 0)}{len(CONTENT)} bytes, its database says"
        f" {size}"
    )
    assert caught.value.hint.endswith(ANOTHER)
    assert file.part.read_bytes() == b""
    assert sum(file.reports) == 0


def test_a_wrong_sha256_leaves_nothing(site: Site, file: Fetched) -> None:
    wrong = b"y" + CONTENT[1:]
    site.content["/f"] = wrong
    with pytest.raises(DownloadError) as caught:
        file.fetch()
    digest = hashlib.sha256(wrong).hexdigest()
    assert caught.value.message == (f"{file.url} has sha256 {digest}, its database says {SHA256}")
    assert file.part.read_bytes() == b""
    site.content["/f"] = CONTENT
    file.fetch()
    assert file.target.read_bytes() == CONTENT


@pytest.mark.parametrize("kept", [1000, len(CONTENT)])
def test_what_another_mirror_gave_wrong_is_begun_anew(site: Site, file: Fetched, kept: int) -> None:
    file.part.write_bytes(b"x" * kept)
    file.fetch()
    assert file.target.read_bytes() == CONTENT
    assert sum(file.reports) == len(CONTENT)
    assert site.conditions() == {}


def test_a_mirror_that_is_wrong_itself_is_asked_twice_at_most(site: Site, file: Fetched) -> None:
    site.content["/f"] = b"y" + CONTENT[1:]
    file.part.write_bytes(b"x" * 1000)
    with pytest.raises(DownloadError, match="has sha256"):
        file.fetch()
    assert len(site.asked) == 2
    assert file.part.read_bytes() == b""
    assert sum(file.reports) == 0


def test_a_file_that_is_not_there(site: Site, file: Fetched) -> None:
    del site.content["/f"]
    with pytest.raises(NotFoundError) as caught:
        file.fetch()
    assert caught.value.message == f"{file.url}: the mirror says 404 Not Found"
    assert caught.value.hint.endswith(ANOTHER)
    assert len(site.asked) == 1
    assert not file.target.exists()


def test_a_busy_mirror_is_asked_again(site: Site, file: Fetched) -> None:
    site.plan = ["503", "429"]
    file.fetch()
    assert file.target.read_bytes() == CONTENT
    assert len(site.asked) == 3


def test_a_mirror_that_stays_busy_is_named(site: Site, file: Fetched) -> None:
    site.plan = ["503"] * 4
    with pytest.raises(SilentError, match=rf"^{file.url}: the mirror says 503 Service Unav"):
        file.fetch()
    assert len(site.asked) == 3


def test_a_mirror_is_given_the_time_that_it_asks_for(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In seconds, or as a date; what is neither counts for nothing."""
    slept, sleep, ours = list[float](), time.sleep, threading.get_ident()
    monkeypatch.setattr(
        time, "sleep", lambda s: slept.append(s) if threading.get_ident() == ours else sleep(s)
    )
    date = email.utils.formatdate(time.time() + 20_000, usegmt=True)
    site.plan = ["429 after 7", f"503 after {date}"]
    assert Client(30_000).fetch_small(f"{site.url}/f", limit=len(CONTENT)) == CONTENT
    seconds, until = slept
    assert seconds == 7
    assert 10_000 < until <= 20_000
    site.plan = ["429 after soon", "503 after 60"]
    assert Client().fetch_small(f"{site.url}/f", limit=len(CONTENT)) == CONTENT
    assert slept[2:] == [60]


@pytest.mark.parametrize(("plan", "patience"), [("429 after 61", 60), ("503 after 1", 0)])
def test_a_mirror_that_asks_for_too_much_time_is_asked_once(
    site: Site, plan: str, patience: float
) -> None:
    site.plan = [plan]
    client = Client(patience)
    with pytest.raises(BusyError, match=rf"/f: the mirror says {plan[:3]} ") as caught:
        client.fetch_small(f"{site.url}/f", limit=len(CONTENT))
    assert len(site.asked) == 1
    assert caught.value.hint == (
        f"the mirror is busy, and asks to wait (Retry-After: {plan[10:]}): try again later, or"
        " another with repo-url-parent="
    )


def test_a_busy_mirror_is_asked_to_go_on_where_it_broke_off(site: Site, file: Fetched) -> None:
    site.plan = ["cut 600000", "503 after 1", "429"]
    file.fetch()
    assert [("Range" in headers) for _, headers in site.asked] == [False, True, True, True]
    assert file.target.read_bytes() == CONTENT


def test_a_refusal_is_final(site: Site, file: Fetched) -> None:
    site.plan = ["403"]
    with pytest.raises(DownloadError) as caught:
        file.fetch()
    assert caught.type is DownloadError
    assert caught.value.message == f"{file.url}: the mirror says 403 Forbidden"
    assert len(site.asked) == 1


def test_names_with_odd_characters_are_found(site: Site, tmp_path: Path) -> None:
    site.content["/a+b%231:2~x@%5E"] = b"odd"
    assert Client().fetch_small(f"{site.url}/a+b%231:2~x@^", limit=3) == b"odd"


def test_a_named_encoding_is_the_packages_own(site: Site, tmp_path: Path) -> None:
    """Some mirrors call a .gz so; what is kept and counted are the bytes that came."""
    content = site.content["/p.gz"] = gzip.compress(CONTENT)
    site.headers["Content-Encoding"] = "x-gzip"
    digest = hashlib.sha256(content).hexdigest()
    target = tmp_path / "p.gz"
    Client().complete(f"{site.url}/p.gz", target, size=len(content), sha256=digest)
    assert target.read_bytes() == content
    assert Client().fetch_small(f"{site.url}/p.gz", limit=len(content)) == content


def test_small_files_are_limited(site: Site) -> None:
    assert Client().fetch_small(f"{site.url}/f", limit=len(CONTENT)) == CONTENT
    with pytest.raises(DownloadError) as caught:
        Client().fetch_small(f"{site.url}/f", limit=100)
    assert caught.value.message == f"{site.url}/f is larger than 100 bytes"

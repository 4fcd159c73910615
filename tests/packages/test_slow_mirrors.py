"""Mirrors that never come to an end are left, and nothing of them stays."""

import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from aimager import limits
from aimager.errors import DownloadError
from aimager.packages import download, fetch_database, mirror_connection
from aimager.packages.download import Client
from aimager.packages.download_errors import SilentError
from aimager.packages.fetch_database import Database, fetch_databases
from aimager.packages.mirror_connection import _Punctual
from tests.support.locked import make_database, make_file
from tests.support.webserver import Site

Answer = Callable[[socket.socket], object]

pytestmark = pytest.mark.usefixtures("quick")


@contextmanager
def answering(answer: Answer) -> Iterator[str]:
    """A server that answers each connection so, on 127.0.0.1."""
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            with suppress(OSError):
                connection, _ = server.accept()
                threading.Thread(target=speak, args=(connection,), daemon=True).start()

    def speak(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            connection.recv(1 << 16)
            answer(connection)

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        serving = threading.Thread(target=serve)
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            ended.set()
            serving.join()


def endless(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(bytes(1 << 20))


def drop_by_drop(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        connection.sendall(b"x")
        time.sleep(0.05)


def never_beginning(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X: y\r\n"[:3])
        time.sleep(0.05)


def packed_answer(connection: socket.socket) -> None:
    """What would be undone becomes 1,000 times as much."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b" + bytes(1000))


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Databases are fetched in this process, and are small."""
    monkeypatch.setattr(limits, "DATABASE", 8 << 20)
    monkeypatch.setattr(fetch_database, "call", lambda function, asked, **_: function(asked))


def pass_time(
    monkeypatch: pytest.MonkeyPatch, url: str, when: Callable[[int], bool] = lambda _: True
) -> None:
    """As if all of the time that mirrors have passed for the one at ``url``, and for no other.

    ``when`` says of how many bytes have come whether it has passed since the last time.
    """

    class Pace(download._Pace):
        def look(self, received: int) -> None:
            if self._url.startswith(url) and when(received):
                self._since -= limits.SLOW_TIME
            super().look(received)

    answer, patience = _Punctual.getresponse, mirror_connection.ANSWER_TIME

    def answer_in_time(connection: _Punctual) -> object:
        is_meant = url.endswith(f":{connection.port}")
        monkeypatch.setattr(mirror_connection, "ANSWER_TIME", 0.2 if is_meant else patience)
        return answer(connection)

    monkeypatch.setattr(download, "_Pace", Pace)
    monkeypatch.setattr(_Punctual, "getresponse", answer_in_time)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (endless, "is larger than 8388608 bytes"),
        (drop_by_drop, "comes too slowly: "),
        (never_beginning, "cannot be reached: "),
        (packed_answer, "core.db is not a sync database"),
    ],
)
def test_a_database_without_an_end_comes_from_the_next_mirror(
    site: Site,
    tmp_path: Path,
    answer: Answer,
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = site.content["/core.db"] = make_database(make_file("bash", b"bash"))
    path = tmp_path / "sync/core.db"
    with answering(answer) as url:
        if answer in (drop_by_drop, never_beginning):
            pass_time(monkeypatch, url)
        with pytest.raises(DownloadError) as caught:
            fetch_databases([Database("core", (url,), path)], work=tmp_path / "work")
        assert said in caught.value.message
        assert list((tmp_path / "sync").iterdir()) == []
        fetch_databases([Database("core", (url, site.url), path)], work=tmp_path / "work")
    assert path.read_bytes() == content
    assert f"; trying {site.url[7:]}" in capsys.readouterr().out


def test_a_package_without_an_end_stops_at_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part, kept = tmp_path / "p", list[int]()
    with answering(endless) as url, pytest.raises(DownloadError, match="at least 1001 bytes"):
        Client().complete(f"{url}/p", part, size=1000, sha256="0" * 64)
    assert part.stat().st_size == 0
    with answering(drop_by_drop) as url, pytest.raises(SilentError, match="too slowly"):
        pass_time(monkeypatch, url, lambda _: sum(kept) > 0)
        Client().complete(f"{url}/p", part, size=1000, sha256="0" * 64, report=kept.append)
    assert 0 < part.stat().st_size < 1000  # to be gone on with


def test_a_signature_without_an_end() -> None:
    with answering(endless) as url, pytest.raises(DownloadError, match="larger than 16384"):
        Client().fetch_small(f"{url}/p.sig", limit=limits.SIGNATURE)


def test_who_is_slow_but_comes_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enough = int(2 * limits.SLOWEST * limits.SLOW_TIME)
    content, before, times = bytes(10 * enough), 0, 0

    def slowly(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content))
        connection.sendall(content)

    def has_enough(received: int) -> bool:
        nonlocal before, times
        if received - before < enough:
            return False
        before, times = received, times + 1
        return True

    sha256 = hashlib.sha256(content).hexdigest()
    with answering(slowly) as url:
        pass_time(monkeypatch, url, has_enough)
        Client().complete(f"{url}/p", tmp_path / "p", size=len(content), sha256=sha256)
    assert times > 2


def test_a_page_is_not_searched_for_long(site: Site) -> None:
    """A pattern that goes back and forth would take hours."""
    site.content["/x"] = b"<html>" + b"<title>" * 20_000 + b" " * 100_000
    with pytest.raises(DownloadError, match="a web page came"):
        Client().fetch_small(f"{site.url}/x", limit=1 << 20)

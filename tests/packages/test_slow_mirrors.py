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
from aimager.packages import fetch_database, mirror_connection
from aimager.packages.download import Client
from aimager.packages.download_errors import SilentError
from aimager.packages.fetch_database import Database, fetch_databases
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
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SLOW_TIME", 0.5)
    monkeypatch.setattr(mirror_connection, "ANSWER_TIME", 0.5)
    monkeypatch.setattr(limits, "DATABASE", 8 << 20)
    # In this process, where the above holds.
    monkeypatch.setattr(fetch_database, "call", lambda function, asked, **_: function(asked))


@pytest.mark.usefixtures("impatient")
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
) -> None:
    content = site.content["/core.db"] = make_database(make_file("bash", b"bash"))
    path = tmp_path / "sync/core.db"
    with answering(answer) as url:
        start = time.monotonic()
        with pytest.raises(DownloadError) as caught:
            fetch_databases([Database("core", (url,), path)], work=tmp_path / "work")
        assert time.monotonic() - start < 20
        assert said in caught.value.message
        assert list((tmp_path / "sync").iterdir()) == []
        fetch_databases([Database("core", (url, site.url), path)], work=tmp_path / "work")
    assert path.read_bytes() == content
    assert f"; trying {site.url[7:]}" in capsys.readouterr().out


@pytest.mark.usefixtures("impatient")
def test_a_package_without_an_end_stops_at_its_size(tmp_path: Path) -> None:
    part = tmp_path / "p"
    with answering(endless) as url, pytest.raises(DownloadError, match="at least 1001 bytes"):
        Client().complete(f"{url}/p", part, size=1000, sha256="0" * 64)
    assert part.stat().st_size == 0
    with answering(drop_by_drop) as url, pytest.raises(SilentError, match="too slowly"):
        Client().complete(f"{url}/p", part, size=1000, sha256="0" * 64)
    assert 0 < part.stat().st_size < 100  # to be gone on with


@pytest.mark.usefixtures("impatient")
def test_a_signature_without_an_end(tmp_path: Path) -> None:
    with answering(endless) as url, pytest.raises(DownloadError, match="larger than 16384"):
        Client().fetch_small(f"{url}/p.sig", limit=limits.SIGNATURE)


def test_who_is_slow_but_comes_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SLOW_TIME", 0.2)

    def slowly(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
        for _ in range(10):
            connection.sendall(b"x" * 1000)
            time.sleep(0.1)

    sha256 = hashlib.sha256(b"x" * 10_000).hexdigest()
    with answering(slowly) as url:
        Client().complete(f"{url}/p", tmp_path / "p", size=10_000, sha256=sha256)


def test_a_page_is_not_searched_for_long(site: Site) -> None:
    """A pattern that goes back and forth would take hours."""
    site.content["/x"] = b"<html>" + b"<title>" * 20_000 + b" " * 100_000
    start = time.monotonic()
    with pytest.raises(DownloadError, match="a web page came"):
        Client().fetch_small(f"{site.url}/x", limit=1 << 20)
    assert time.monotonic() - start < 60

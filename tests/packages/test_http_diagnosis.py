"""Portals, proxies and wrong clocks are told from mirrors by how they answer."""

import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from aimager.errors import DownloadError
from aimager.packages import http_diagnosis as impostor
from aimager.packages.download import Client
from aimager.packages.download_errors import SilentError
from aimager.packages.http_diagnosis import PageError
from tests.support.webserver import Site, silence

pytestmark = pytest.mark.usefixtures("quick")


class Redirecting(BaseHTTPRequestHandler):
    """Sends everybody to another address."""

    target = ""

    def do_GET(self) -> None:
        self.send_response(302)
        self.send_header("Location", self.target)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def running(server: ThreadingHTTPServer) -> Iterator[int]:
    """Serve while in the block, and yield the port."""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def refusal(url: str) -> DownloadError:
    with pytest.raises(DownloadError) as caught:
        Client().fetch_small(url, limit=1 << 16)
    return caught.value


@pytest.mark.parametrize(
    ("page", "told"),
    [
        (b"<!DOCTYPE html><title> Log in </title>", "the page 'Log in' came"),
        (b"\xef\xbb\xbf\n <HTML><body>", "a web page came"),
        (b"<?xml version='1.0'?><html>", "a web page came"),
        (b"<!-- x --><html><title>a\x1b[31m&lt;b</title>", "the page 'a [31m<b' came"),
        (b"<html><title>" + b"x" * 99 + b"</title>", f"the page '{'x' * 60}' came"),
    ],
)
def test_a_page_in_place_of_a_file(site: Site, page: bytes, told: str) -> None:
    site.content["/f.db"] = page
    error = refusal(f"{site.url}/f.db")
    assert isinstance(error, PageError)
    assert error.message.startswith(f"{site.url}/f.db: {told}")
    assert "in a browser" in error.hint


@pytest.mark.parametrize("content", [b"\x88\x75html", b"<htmlx", b"text <html>", b"<", b""])
def test_what_is_no_page(site: Site, content: bytes) -> None:
    site.content["/f"] = content
    assert Client().fetch_small(f"{site.url}/f", limit=100) == content


def test_a_portal_that_leads_away_is_named(site: Site) -> None:
    site.content["/login"] = b"<html><title>Hotel</title>"
    handler = type("Handler", (Redirecting,), {"target": f"{site.url}/login"})
    with running(ThreadingHTTPServer(("127.0.0.1", 0), handler)) as port:
        asked = f"http://127.0.0.1:{port}/core.db"
        assert refusal(asked).message == (
            f"{asked}: the page 'Hotel' from {site.url[7:]} came in place of the file"
        )


def test_nothing_of_a_page_is_kept_of_a_package(site: Site, tmp_path: Path) -> None:
    site.content["/f"] = b"<html>"
    with pytest.raises(PageError):
        Client().complete(f"{site.url}/f", tmp_path / "f", size=6, sha256="0" * 64)
    assert (tmp_path / "f").stat().st_size == 0


def test_a_part_that_begins_as_a_page_is_a_part(site: Site, tmp_path: Path) -> None:
    import hashlib

    content = b"packed<html>of"
    site.content["/f"] = content
    (tmp_path / "f").write_bytes(b"packed")
    digest = hashlib.sha256(content).hexdigest()
    Client().complete(f"{site.url}/f", tmp_path / "f", size=len(content), sha256=digest)
    assert site.conditions() == {"Range": "bytes=6-"}
    assert (tmp_path / "f").read_bytes() == content


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        (511, "open any page in a browser"),
        (407, "http_proxy and https_proxy name it"),
        (403, "does not serve this machine"),
        (404, "it does not have this repository"),
        (500, "try again later"),
    ],
)
def test_refusals(site: Site, status: int, hint: str) -> None:
    site.plan = [str(status)] * 3
    error = refusal(f"{site.url}/core.db")
    assert f"the mirror says {status}" in error.message
    assert hint in error.hint


def test_a_package_that_is_gone_is_no_repository_that_is(site: Site) -> None:
    assert "its database is newer or older" in refusal(f"{site.url}/x.pkg.tar").hint


def test_a_proxy_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    with silence() as url:
        monkeypatch.setenv("http_proxy", url.replace("//", "//me:secret@"))
        error = refusal("http://mirror.invalid/core.db")
    assert isinstance(error, SilentError)
    assert "the proxy failed: " in error.message
    assert f"http_proxy={url}" in error.hint
    assert "secret" not in str(error)


AUTHORITY = """\
[ca]
default_ca = this
[this]
database = index
serial = serial
new_certs_dir = .
default_md = sha256
policy = named
x509_extensions = address
[named]
commonName = supplied
[address]
subjectAltName = IP:127.0.0.1
"""


def make_certificate(folder: Path, *, begin: str, end: str) -> Mapping[str, Path]:
    """A certificate for 127.0.0.1, by itself, that is good between two times of ASN.1."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    (folder / "authority").write_text(AUTHORITY)
    (folder / "index").touch()
    (folder / "serial").write_text("01\n")
    request = "req -newkey rsa:2048 -nodes -subj /CN=mirror -keyout key.pem -out request.pem"
    sign = "ca -batch -selfsign -config authority -keyfile key.pem -in request.pem -notext"
    dates = f"-startdate {begin} -enddate {end} -out certificate.pem"
    for words in (request, f"{sign} {dates}"):
        argv = ["openssl", *words.split()]
        subprocess.run(argv, check=True, capture_output=True, cwd=folder)
    return {"certfile": folder / "certificate.pem", "keyfile": folder / "key.pem"}


def test_a_certificate_of_nobody_known(tmp_path: Path) -> None:
    files = make_certificate(tmp_path, begin="20200101000000Z", end="20990101000000Z")
    with secured(files) as url:
        error = refusal(f"{url}/core.db")
    assert "self" in error.message
    assert "REQUESTS_CA_BUNDLE" in error.hint


@pytest.mark.parametrize(
    ("begin", "end", "told"),
    [
        ("20200101000000Z", "20200201000000Z", "expired"),
        ("20980101000000Z", "20990101000000Z", "not yet valid"),
    ],
)
def test_a_certificate_that_the_clock_makes_bad(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begin: str, end: str, told: str
) -> None:
    files = make_certificate(tmp_path, begin=begin, end=end)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(files["certfile"]))
    with secured(files) as url:
        error = refusal(f"{url}/core.db")
    assert told in error.message
    assert "the clock of this machine may be wrong" in error.hint


@contextmanager
def secured(files: Mapping[str, Path]) -> Iterator[str]:
    """A server that speaks TLS with a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files["certfile"], files["keyfile"])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Redirecting)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with running(server) as port:
        yield f"https://127.0.0.1:{port}"


def test_a_name_that_is_not_known() -> None:
    error = requests.ConnectionError("[Errno -2] Name or service not known")
    said, hint = impostor.explain_connection(error)
    assert said.endswith("Name or service not known")
    assert "/etc/resolv.conf" in hint


def test_a_reason_of_openssl_is_told_in_words() -> None:
    error = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:992)")
    assert impostor.reason(error) == "wrong version number (_ssl.c:992)"
    assert impostor.reason(OSError(111, "Connection refused")) == "[Errno 111] Connection refused"

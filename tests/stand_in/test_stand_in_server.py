"""The stand-in mirror's server: what a client that resumes and asks conditionally relies on."""

from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from aimager.stand_in import serve
from aimager.stand_in.server import parse_range


@pytest.mark.parametrize(
    ("header", "span"),
    [
        (None, (0, 10)),
        ("bytes=0-", (0, 10)),
        ("bytes=4-", (4, 10)),
        ("bytes=4-6", (4, 7)),
        ("bytes=4-60", (4, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=10-", None),
        ("lines=1-2", (0, 10)),
    ],
)
def test_ranges_are_understood(header: str | None, span: tuple[int, int] | None) -> None:
    assert parse_range(header, 10) == span


def _get(url: str, **headers: str) -> tuple[int, bytes, str]:
    request = Request(url, headers={name.replace("_", "-"): text for name, text in headers.items()})
    try:
        with urlopen(request) as answer:
            return answer.status, answer.read(), answer.headers["Last-Modified"]
    except HTTPError as error:
        return error.code, b"", ""


def test_server_answers_conditional_and_partial_requests(tmp_path: Path) -> None:
    (tmp_path / "core").mkdir()
    (tmp_path / "core/a:b+c.db").write_bytes(b"0123456789")
    with serve(tmp_path) as url:
        assert url.startswith("http://127.0.0.1:")
        status, body, modified = _get(f"{url}/core/a:b+c.db")
        assert (status, body) == (200, b"0123456789")
        assert _get(f"{url}/core/a%3Ab%2Bc.db")[1] == body
        assert _get(f"{url}/core/a:b+c.db", If_Modified_Since=modified)[0] == 304
        assert _get(f"{url}/core/a:b+c.db", Range="bytes=4-")[:2] == (206, b"456789")
        assert _get(f"{url}/core/a:b+c.db", Range="bytes=2-3")[:2] == (206, b"23")
        assert _get(f"{url}/core/a:b+c.db", Range="bytes=10-")[0] == 416
        assert _get(f"{url}/core")[0] == 404
        assert _get(f"{url}/../etc/passwd")[0] == 404

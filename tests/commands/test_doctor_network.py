"""Mirrors and clocks, as doit doctor looks at them."""

from collections.abc import Iterator

import pytest

from aimager.commands.doctor.network import check_clock, check_mirrors
from aimager.errors import DownloadError, HostError
from aimager.packages.download import Client
from tests.support.webserver import Site, serving, silence

pytestmark = pytest.mark.usefixtures("quick")

NOW = 1_700_000_000
DAY = 86_400


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        site.content["/core.db"] = b"\x1f\x8b"
        yield site


def test_a_mirror_answers_and_tells_the_time(site: Site) -> None:
    dates: list[float] = []
    with silence() as silent:
        urls = [f"{silent}/core.db", f"{site.url}/core.db"]
        assert check_mirrors(urls, Client(), dates) == f"{site.url}/core.db answers"
    (date,) = dates
    assert check_clock(dates, 0).endswith("UTC"), "the server's clock is this machine's"
    with pytest.raises(HostError, match="a mirror"):
        check_clock(dates, 0, now=date + 2 * DAY)


def test_no_mirror_answers(site: Site) -> None:
    site.content["/core.db"] = b"<html>"
    with pytest.raises(DownloadError, match="a web page came"):
        check_mirrors([f"{site.url}/none.db", f"{site.url}/core.db"], Client(), [])
    assert check_mirrors([], Client(), []) == "none is asked"


def test_a_mirror_without_a_clock(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Client, "look", lambda *_: "the day after")
    dates: list[float] = []
    assert check_mirrors([f"{site.url}/core.db"], Client(), dates).endswith("answers")
    assert dates == []


@pytest.mark.parametrize(
    ("dates", "newest", "told"),
    [
        ([], 0, "2023-11-14 22:13 UTC"),
        ([NOW + 200], NOW, "2023-11-14 22:13 UTC"),
        ([NOW - 4000], NOW + DAY, "2023-11-14 22:13 UTC, 4000 s from a mirror's"),
    ],
)
def test_clocks_that_will_do(dates: list[float], newest: int, told: str) -> None:
    assert check_clock(dates, newest, now=NOW) == told


@pytest.mark.parametrize(
    ("dates", "newest", "told"),
    [
        ([], NOW + 2 * DAY, "a package was built on 2023-11-16"),
        ([NOW - 9 * DAY], 0, "a mirror 2023-11-05"),
    ],
)
def test_clocks_that_will_not(dates: list[float], newest: int, told: str) -> None:
    with pytest.raises(HostError) as caught:
        check_clock(dates, newest, now=NOW)
    assert caught.value.message.startswith("the clock says 2023-11-14 22:13 UTC, ")
    assert told in caught.value.message
    assert "timedatectl" in caught.value.hint

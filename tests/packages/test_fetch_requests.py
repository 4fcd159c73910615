"""What fetches and what parses takes and returns values, and writes to the files it is given."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from aimager import errors
from aimager.codec import decode, encode
from aimager.errors import AimagerError
from aimager.packages.fetch_database import (
    Arrived,
    Database,
    Failure,
    Given,
    Wish,
    Wishes,
    check_databases,
    download_databases,
)
from aimager.packages.fetch_package import PackageWish, PackageWishes, download_packages
from tests.support.locked import make_database, make_file
from tests.support.openpgp_maker import signature_of
from tests.support.webserver import Site, silence

pytestmark = pytest.mark.usefixtures("quick")

PACKAGE = make_file("bash", b"bash")
SIGNATURE = signature_of(b"bash")


def cross(function: Callable[[Any], Any], request: object) -> Any:
    """Call it as in a namespace: what goes in and comes out is JSON."""
    taken, given = get_type_hints(function).values()
    answer = function(decode(taken, json.loads(json.dumps(encode(request)))))
    return decode(given, json.loads(json.dumps(encode(answer))))


def listing(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_ino for path in folder.iterdir()}


def test_databases_are_written_in_their_place(site: Site, tmp_path: Path) -> None:
    site.content["/core.db"] = content = make_database(PACKAGE)
    site.headers["ETag"] = '"1"'
    target = tmp_path / "new"
    target.touch()
    before = listing(tmp_path)
    with silence() as silent:
        database = Database("core", (silent, site.url), Path("/nowhere/core.db"))
        (given,) = cross(download_databases, Wishes((Wish(database, target),)))
        assert given == Given(site.url, {"If-None-Match": '"1"'})
        assert target.read_bytes() == content
        assert listing(tmp_path) == before
        known = {f"{site.url}/core.db": {"If-None-Match": '"1"'}}
        (same,) = cross(download_databases, Wishes((Wish(database, target, known),)))
        assert same == Given(site.url)
        missing = Database("extra", (silent, site.url), Path("/nowhere/extra.db"))
        (none,) = cross(download_databases, Wishes((Wish(missing, target),)))
    assert none.url == ""
    assert [failure.is_missing for failure in none.failures] == [False, True]
    assert "404 Not Found" in str(none.failures[1].error())


def test_what_came_is_checked(tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_bytes(make_database(PACKAGE))
    bad.write_bytes(b"<html>")
    (one, other) = cross(check_databases, Arrived((("core", good), ("extra", bad))))
    assert one is None
    assert isinstance(other, Failure)
    assert other.message.startswith("extra.db is not a sync database: ")


def test_packages_are_written_in_their_place(site: Site, tmp_path: Path) -> None:
    site.content |= {f"/{PACKAGE.file}": b"bash", f"/{PACKAGE.file}.sig": SIGNATURE}
    part, signed = tmp_path / "part", tmp_path / "sig"
    part.write_bytes(b"ba")
    signed.touch()
    before = listing(tmp_path)
    wish = PackageWish(PACKAGE, (site.url,), part=part, signature=signed)
    cross(download_packages, PackageWishes((wish,)))
    assert (part.read_bytes(), signed.read_bytes()) == (b"bash", SIGNATURE)
    assert listing(tmp_path) == before
    site.content[f"/{PACKAGE.file}"] = b"evil and more"
    part.write_bytes(b"")
    with pytest.raises(AimagerError) as caught:
        cross(download_packages, PackageWishes((wish,)))
    assert getattr(errors, caught.type.__name__) is caught.type  # so it can cross, too
    assert part.read_bytes() == b""
    assert listing(tmp_path) == before

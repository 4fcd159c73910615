"""sync-databases: mirrors are asked at every build, and those of the last time serve without."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aimager.errors import DownloadError
from aimager.model.build import MirrorChoice
from aimager.packages.database_archive import read_packages
from aimager.stages.sync_databases import SyncDatabases
from tests.support.platform_databases import PLATFORM, names_in, package, site_of, workshop
from tests.support.webserver import Site, serving

OFFLINE = MirrorChoice(offline=True)


@pytest.fixture
def site() -> Iterator[Site]:
    """A mirror of two repositories."""
    with serving() as site:
        site.content = site_of(vim=package("vim"))
        yield site


def stage(folder: Path, mirrors: MirrorChoice, run: str = "r1") -> SyncDatabases:
    """The request of a run."""
    shop = workshop(folder)
    shop = replace(shop, work=shop.cache / "work" / run / "stage")
    return SyncDatabases(
        platform=PLATFORM,
        target=shop.cache / "work" / run / "view/databases.tar",
        mirrors=mirrors,
        kept=shop.cache / "sync/platform.tar",
        downloads=shop.cache / "sync/platform",
        workshop=shop,
    )


def test_mirrors_are_asked_at_every_build(tmp_path: Path, site: Site) -> None:
    request = stage(tmp_path, MirrorChoice(parents=(site.url,)))
    assert request.restore() == "the mirrors are asked at every build"
    assert not request.target.exists()
    request.run()
    assert names_in(request.target) == ("core", "extra")
    assert set(read_packages(request.target)) == {"pacman", "vim"}
    assert request.target.samefile(request.kept)
    assert request.restore() == "the mirrors are asked at every build"


def test_two_platforms_with_the_same_repositories_ask_once_in_a_run(
    tmp_path: Path, site: Site
) -> None:
    request = stage(tmp_path, MirrorChoice(parents=(site.url,)))
    request.run()
    count = len(site.asked)
    target, kept = (path.with_name("other.tar") for path in (request.target, request.kept))
    other = replace(request, target=target, kept=kept)
    other.run()
    assert len(site.asked) == count
    assert other.target.read_bytes() == request.target.read_bytes()
    stage(tmp_path, MirrorChoice(parents=(site.url,)), "r2").run()
    assert len(site.asked) == count + 2


def test_the_same_databases_are_the_same_file(tmp_path: Path, site: Site) -> None:
    mirrors = MirrorChoice(parents=(site.url,))
    first, second, third = (stage(tmp_path, mirrors, f"r{number}") for number in range(3))
    first.run()
    second.run()
    assert second.target.samefile(first.target)
    site.content |= site_of(vim=package("vim", version="2-1"))
    third.run()
    assert not third.target.samefile(first.target)
    assert read_packages(first.target)["vim"].locked.version == "1-1"
    assert read_packages(third.target)["vim"].locked.version == "2-1"


def test_without_mirrors_those_of_the_last_time_serve(tmp_path: Path, site: Site) -> None:
    request = stage(tmp_path, OFFLINE)
    assert request.restore() == "the databases of archlinux-x86_64 are not in the cache"
    with pytest.raises(DownloadError, match="are not in the cache"):
        request.run()
    assert not request.target.exists()
    stage(tmp_path, MirrorChoice(parents=(site.url,))).run()
    site.asked.clear()
    later = stage(tmp_path, OFFLINE, "r2")
    assert later.restore() == ""
    assert set(read_packages(later.target)) == {"pacman", "vim"}
    assert later.restore() == ""
    assert site.asked == []


def test_what_is_predicted_are_those_of_the_last_time(tmp_path: Path, site: Site) -> None:
    request = stage(tmp_path, MirrorChoice())
    request.predict()
    assert not request.target.exists()
    stage(tmp_path, MirrorChoice(parents=(site.url,)), "earlier").run()
    for _ in range(2):
        request.predict()
        assert request.target.samefile(request.kept)


@pytest.mark.parametrize("offline", [False, True])
def test_damaged_databases_are_not_used(tmp_path: Path, site: Site, offline: bool) -> None:
    mirrors = MirrorChoice(parents=(site.url,))
    stage(tmp_path, mirrors).run()
    request = stage(tmp_path, OFFLINE if offline else mirrors, "later")
    content = request.kept.read_bytes()
    request.kept.unlink()
    request.kept.write_bytes(content[:-600])
    if offline:
        assert request.restore() == "the databases of archlinux-x86_64 are not in the cache"
    else:
        request.run()
        assert request.kept.read_bytes() == content


def test_a_mirror_that_fails_leaves_the_last_databases(tmp_path: Path, site: Site) -> None:
    request = stage(tmp_path, MirrorChoice(parents=(site.url,)))
    request.run()
    before = request.kept.read_bytes()
    site.content = dict.fromkeys(site.content, b"<html>")
    with pytest.raises(DownloadError):
        stage(tmp_path, MirrorChoice(parents=(site.url,)), "r2").run()
    assert request.kept.read_bytes() == before
    assert stage(tmp_path, OFFLINE, "r3").restore() == ""

"""Databases come from the first mirror that gives one which is one."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aimager.errors import DownloadError
from aimager.model.architecture import Architecture
from aimager.model.build import MirrorChoice
from aimager.model.distro import Distro, Keyring, Mirrors, Platform, ThirdPartyRepository
from aimager.packages.database_archive import read_packages
from aimager.stages.sync_databases import SyncDatabases
from tests.support.locked import make_database, make_file, make_package, make_workshop
from tests.support.platform_databases import names_in
from tests.support.webserver import Site, serving, silence

pytestmark = pytest.mark.usefixtures("quick")

KEYRING = make_file("archlinux-keyring", b"keys")
SERVED = {
    "/core/core.db": make_database(KEYRING, *map(make_package, ("base", "pacman"))),
    f"/core/{KEYRING.file}": b"keys",
    "/extra/extra.db": make_database(make_file("vim", b"vim", repository="extra")),
}

NAMES = ["archlinux-keyring", "base", "pacman", "vim"]


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        site.tags = True
        site.content |= {f"/good{path}": content for path, content in SERVED.items()}
        yield site


def stage(folder: Path, *urls: str) -> SyncDatabases:
    """A stage that asks these mirrors."""
    distro = Distro("x", "X", (), (), Mirrors("$repo", "http://127.0.0.1:1"), ())
    return SyncDatabases(
        platform=Platform(distro, Architecture.x86_64),
        target=folder / "view/x.tar",
        kept=folder / "x.tar",
        mirrors=MirrorChoice(urls),
        downloads=folder / "sync",
        workshop=make_workshop(folder),
    )


def test_one_mirror(site: Site, tmp_path: Path) -> None:
    stage(tmp_path, f"{site.url}/good").run()
    assert sorted(read_packages(tmp_path / "x.tar")) == NAMES


def test_no_package_is_fetched_or_read_before_it_can_be_verified(
    site: Site, tmp_path: Path
) -> None:
    """Not even for the pacman.conf in it, which was 5.2 GB of 82 KB."""
    stage(tmp_path, f"{site.url}/good").run()
    assert [path for path, _ in site.asked] == ["/good/core/core.db", "/good/extra/extra.db"]
    assert not (tmp_path / "pkg").exists()


@pytest.mark.parametrize("bad", [{}, {"core/core.db": b"<html>"}, {"core/core.db": b""}])
def test_a_mirror_without_or_with_a_wrong_database_is_passed_over(
    site: Site, tmp_path: Path, bad: dict[str, bytes], capfd: pytest.CaptureFixture[str]
) -> None:
    site.content |= {f"/bad/{path}": content for path, content in bad.items()}
    stage(tmp_path, f"{site.url}/bad", f"{site.url}/good").run()
    assert sorted(read_packages(tmp_path / "x.tar")) == NAMES
    told = capfd.readouterr().out.splitlines()
    assert all(line.endswith(f"; trying {site.url[7:]}") for line in told)
    assert len(told) == 2


def test_a_mirror_that_does_not_answer_is_passed_over(
    site: Site, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with silence() as url:
        stage(tmp_path, url, f"{site.url}/good").run()
    assert sorted(read_packages(tmp_path / "x.tar")) == NAMES
    (told,) = capfd.readouterr().out.splitlines()
    assert told.startswith(f"   {url[7:]}: core.db cannot be reached: ")


def test_what_was_good_stays_when_all_mirrors_fail(site: Site, tmp_path: Path) -> None:
    stage(tmp_path, f"{site.url}/good").run()
    before = (tmp_path / "x.tar").read_bytes()
    site.content["/good/extra/extra.db"] = b"<html>"
    shutil.rmtree(tmp_path / "asked")  # so this is another run
    with pytest.raises(DownloadError) as caught:
        stage(tmp_path, f"{site.url}/good", f"{site.url}/none").run()
    assert caught.value.message.endswith("404 Not Found (2 mirrors were tried)")
    assert (tmp_path / "x.tar").read_bytes() == before
    assert (tmp_path / "sync/extra.db").read_bytes() == SERVED["/extra/extra.db"]


def added(*names: str) -> tuple[ThirdPartyRepository, ...]:
    """Repositories of these names, below each mirror."""
    return tuple(
        ThirdPartyRepository(name, (), Mirrors(name, "http://127.0.0.1:1"), Keyring(name, "", ()))
        for name in names
    )


def test_an_added_repository_comes_last(site: Site, tmp_path: Path) -> None:
    vim = make_file("vim", b"other vim", repository="mine")
    site.content["/good/mine/mine.db"] = make_database(
        vim, make_file("own", b"own", repository="mine")
    )
    request = stage(tmp_path, f"{site.url}/good")
    platform = replace(request.platform, repositories=added("mine"))
    replace(request, platform=platform).run()
    assert names_in(tmp_path / "x.tar") == ("core", "extra", "mine")
    known = read_packages(tmp_path / "x.tar")
    assert known["vim"].locked.repository == "extra"
    assert known["own"].locked.repository == "mine"


def test_named_repositories_take_the_place_of_pacmans(site: Site, tmp_path: Path) -> None:
    request = stage(tmp_path, f"{site.url}/good")
    distro = replace(request.platform.distro, base_repositories=("core",))
    replace(request, platform=replace(request.platform, distro=distro)).run()
    assert names_in(tmp_path / "x.tar") == ("core",)

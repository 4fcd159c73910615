"""Packages and signatures come from the first mirror that gives them, and last from the archive."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aimager.errors import DownloadError, HostError, TrustError
from aimager.files import publish_text
from aimager.model.architecture import Architecture
from aimager.model.build import MirrorChoice
from aimager.model.distro import Distro, Keyring, Mirrors, Platform, ThirdPartyRepository
from aimager.model.lock import Lock, LockedPackage, write_lock
from aimager.packages.local_database import InstalledPackage
from aimager.stages.fetch_packages import FetchPackages
from aimager.system.reused_root import ReusedRoot, write_reused
from tests.support.locked import make_file, make_package, make_workshop
from tests.support.openpgp_maker import signature_of
from tests.support.webserver import Site, serving, silence

CONTENT = bytes(range(256)) * 4096
PACKAGE = make_file("bash", CONTENT)
FILE = f"/core/{PACKAGE.file}"
SIGNATURE = signature_of(CONTENT)
OTHER = signature_of(CONTENT, "another")

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def first() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.fixture
def second() -> Iterator[Site]:
    with serving() as site:
        yield site


def stage(
    folder: Path, *urls: str, archive: str = "", packages: tuple[LockedPackage, ...] = (PACKAGE,)
) -> FetchPackages:
    """A stage that fetches from these mirrors."""
    lock = folder / "lock.json"
    publish_text(lock, write_lock(Lock("x", (), packages)))
    distro = Distro("x", "X", (), (), Mirrors("$repo", "http://127.0.0.1:1"), (), archive=archive)
    return FetchPackages(
        platform=Platform(distro, Architecture.x86_64),
        lock=lock,
        target=folder / "fetched",
        mirrors=MirrorChoice(urls),
        workshop=make_workshop(folder),
    )


def stored(folder: Path) -> list[bytes]:
    """What is in the store: the package, then its signature, and nothing else."""
    there = sorted(path for path in (folder / "pkg").rglob("[!.]*") if path.is_file())
    assert there in ([], [PACKAGE.path(folder / "pkg"), PACKAGE.signature(folder / "pkg")])
    return [path.read_bytes() for path in there]


def test_the_first_mirror_is_enough(first: Site, second: Site, tmp_path: Path) -> None:
    first.content |= {FILE: CONTENT, f"{FILE}.sig": SIGNATURE}
    stage(tmp_path, first.url, second.url).run()
    assert stored(tmp_path) == [CONTENT, SIGNATURE]
    assert (tmp_path / "fetched").read_text() == (tmp_path / "lock.json").read_text()
    assert second.asked == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, ": the mirror says 404 Not Found"),
        (CONTENT[:-1], " has 1048575 bytes, its database says 1048576"),
        (CONTENT + b"x", " has at least 1048577 bytes, its database says 1048576"),
        (b"y" + CONTENT[1:], " has sha256 "),
    ],
)
def test_what_a_mirror_has_wrong_comes_from_the_next(
    first: Site,
    second: Site,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    content: bytes | None,
    reason: str,
) -> None:
    if content:
        first.content[FILE] = content
    second.content |= {FILE: CONTENT, f"{FILE}.sig": SIGNATURE}
    stage(tmp_path, first.url, second.url).run()
    assert stored(tmp_path) == [CONTENT, SIGNATURE]
    assert [second.asked[0][0], second.conditions()] == [FILE, {}]
    line, rest = capfd.readouterr().out.split("\n", 1)
    assert line.startswith(f"   {first.url[7:]}: {PACKAGE.file}{reason}")
    assert line.endswith(f"; trying {second.url[7:]}")
    assert rest == "   fetched 1 package, 1.0 MB\n"


def test_what_one_mirror_broke_off_the_next_goes_on_with(
    first: Site, second: Site, tmp_path: Path
) -> None:
    first.content[FILE] = CONTENT
    first.plan = ["cut 400000", "cut 200000", "cut 100000"]
    second.content |= {FILE: CONTENT, f"{FILE}.sig": SIGNATURE}
    stage(tmp_path, first.url, second.url).run()
    assert stored(tmp_path) == [CONTENT, SIGNATURE]
    assert second.asked[0][1]["Range"].startswith("bytes=")


def test_what_one_mirror_broke_off_wrong_the_next_begins_anew(
    first: Site, second: Site, tmp_path: Path
) -> None:
    first.content[FILE] = b"y" * len(CONTENT)
    first.plan = ["cut 400000", "cut 200000", "cut 100000"]
    second.content |= {FILE: CONTENT, f"{FILE}.sig": SIGNATURE}
    stage(tmp_path, first.url, second.url).run()
    assert stored(tmp_path) == [CONTENT, SIGNATURE]


@pytest.mark.parametrize("signature", [None, b"<html>", b""])
def test_a_signature_may_come_from_another_mirror(
    first: Site, second: Site, tmp_path: Path, signature: bytes | None
) -> None:
    first.content[FILE] = CONTENT
    if signature is not None:
        first.content[f"{FILE}.sig"] = signature
    second.content[f"{FILE}.sig"] = OTHER
    stage(tmp_path, first.url, second.url).run()
    assert stored(tmp_path) == [CONTENT, OTHER]


def test_a_silent_mirror_is_told_of_once(
    second: Site, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    packages = tuple(make_file(f"p{number}", b"%d" % number) for number in range(20))
    for package in packages:
        second.content |= {
            f"/core/{package.file}": package.name[1:].encode(),
            f"/core/{package.file}.sig": SIGNATURE,
        }
    with silence() as url:
        made = stage(tmp_path, url, second.url, packages=packages)
        made.run()
    assert not made.restore()
    assert len(capfd.readouterr().out.splitlines()) == 2


def test_a_signature_that_is_there_is_kept(first: Site, tmp_path: Path) -> None:
    first.content |= {FILE: CONTENT, f"{FILE}.sig": OTHER}
    made = stage(tmp_path, first.url)
    PACKAGE.path(tmp_path / "pkg").parent.mkdir(parents=True)
    PACKAGE.signature(tmp_path / "pkg").write_bytes(SIGNATURE)
    made.run()
    assert stored(tmp_path) == [CONTENT, SIGNATURE]


def test_what_no_mirror_has_any_more_comes_from_the_archive(first: Site, tmp_path: Path) -> None:
    kept = f"/archive/b/bash/{PACKAGE.file}"
    first.content |= {kept: CONTENT, f"{kept}.sig": SIGNATURE}
    archive = f"{first.url}/archive/$initial/$name"
    stage(tmp_path, f"{first.url}/m", f"{first.url}/n", archive=archive).run()
    assert stored(tmp_path) == [CONTENT, SIGNATURE]
    assert [path for path, _ in first.asked] == [f"/m{FILE}", f"/n{FILE}", kept, f"{kept}.sig"]


def test_what_nothing_has_is_named_with_what_to_do(first: Site, tmp_path: Path) -> None:
    archive = f"{first.url}/archive/$initial/$name"
    with pytest.raises(DownloadError) as caught:
        stage(tmp_path, first.url, archive=archive).run()
    assert caught.value.message == (
        f"no mirror has the package bash 1.0-1 (any more): {first.url}/archive/b/bash/"
        f"{PACKAGE.file}: the mirror says 404 Not Found (2 mirrors were tried)"
    )
    assert caught.value.hint == (
        "try another mirror with repo-url-parent=, one that keeps old packages with"
        " repo-url-core=, or, if the build is locked, make a new lock with doit update lock=FILE"
    )


def test_where_no_mirror_answers_the_archive_is_left_alone(first: Site, tmp_path: Path) -> None:
    with silence() as url, pytest.raises(DownloadError, match=r"^http\S+ cannot be reached: "):
        stage(tmp_path, url, archive=first.url).run()
    assert first.asked == []


def test_a_package_without_a_signature_is_not_trusted(first: Site, tmp_path: Path) -> None:
    first.content[FILE] = CONTENT
    made = stage(tmp_path, first.url, archive=f"{first.url}/archive")
    with pytest.raises(TrustError) as caught:
        made.run()
    assert caught.value.message == (
        f"the package bash 1.0-1 has no signature: the mirror has no {PACKAGE.file}.sig"
    )
    assert made.restore()


def test_who_adds_a_repository_that_signs_nothing_is_told_what_to_do(
    first: Site, tmp_path: Path
) -> None:
    package = make_file("bash", CONTENT, repository="mine")
    first.content[f"/mine/{package.file}"] = CONTENT
    made = stage(tmp_path, packages=(package,))
    own = ThirdPartyRepository("mine", (), Mirrors("", f"{first.url}/mine"), Keyring("", "", ()))
    with pytest.raises(TrustError, match="has no signature") as caught:
        replace(made, platform=replace(made.platform, repositories=(own,))).run()
    assert "packages=FOLDER or install-pkgs=FILE" in caught.value.hint
    assert "repo-url" not in caught.value.hint


def test_offline_nothing_is_asked(first: Site, tmp_path: Path) -> None:
    made = stage(tmp_path)
    offline = FetchPackages(
        platform=made.platform,
        lock=made.lock,
        target=made.target,
        mirrors=MirrorChoice((first.url,), offline=True),
        workshop=made.workshop,
    )
    with pytest.raises(DownloadError, match=r"^the package bash 1\.0-1 is not in the cache "):
        offline.run()
    assert first.asked == []


def test_what_is_under_way_stops_where_it_is_when_all_is_lost(first: Site, tmp_path: Path) -> None:
    content = bytes(32 << 20)  # which takes ten minutes
    large, missing = make_file("large", content), make_file("missing", b"x")
    first.content[f"/core/{large.file}"] = content
    first.plan = ["late 2", "late 2"]  # both are under way
    with pytest.raises(DownloadError, match="no mirror has the package missing"):
        stage(tmp_path, first.url, packages=(missing, large)).run()
    part = large.path(tmp_path / "pkg").with_name(f"{large.file}.part")
    assert 0 < part.stat().st_size < len(content)


def test_a_disk_without_room_is_told_before_the_first_byte(first: Site, tmp_path: Path) -> None:
    first.content |= {FILE: CONTENT, f"{FILE}.sig": SIGNATURE}
    free = os.statvfs(tmp_path)
    large = replace(PACKAGE, size=free.f_blocks * free.f_frsize)
    with pytest.raises(HostError, match="fetching 1 package takes up to"):
        stage(tmp_path, first.url, packages=(large,)).run()
    assert not first.asked
    part = PACKAGE.path(tmp_path / "pkg").with_name(f"{PACKAGE.file}.part")
    part.parent.mkdir(parents=True)
    with part.open("wb") as stream:
        stream.truncate(large.size)
    stage(tmp_path, first.url)._check_space([large])  # what was begun takes no room again


def test_what_the_users_root_archive_has_is_not_fetched(first: Site, tmp_path: Path) -> None:
    held = InstalledPackage("held", "1.0-1", "", "", (), (), ())
    reused = tmp_path / "root.json"
    reused.write_text(write_reused(ReusedRoot("d" * 64, 1, (held,))))
    first.content |= {FILE: CONTENT, f"{FILE}.sig": SIGNATURE}
    packages = (PACKAGE, make_package("held"))
    fetch = replace(stage(tmp_path, first.url, packages=packages), reused=reused)
    assert fetch.restore().startswith("bash 1.0-1 to fetch")
    fetch.run()
    assert stored(tmp_path) == [CONTENT, SIGNATURE]
    assert fetch.restore() == ""
    assert (tmp_path / "fetched").read_text() == (tmp_path / "lock.json").read_text()

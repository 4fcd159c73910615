"""fetch-packages: what the store lacks is fetched, checked, and told beforehand."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimager.errors import DownloadError, TrustError
from aimager.files import publish_text
from aimager.model.build import MirrorChoice
from aimager.model.lock import Lock, LockedPackage, write_lock
from aimager.stages.fetch_packages import FetchPackages, missing_packages
from tests.support.locked import make_package
from tests.support.openpgp_maker import signature_of
from tests.support.platform_databases import PLATFORM, workshop
from tests.support.webserver import Site, serving

CONTENT = {name: f"the package {name}".encode() for name in ("zlib", "bash", "less")}
PACKAGES = [
    make_package(name, size=len(data), sha256=hashlib.sha256(data).hexdigest())
    for name, data in sorted(CONTENT.items())
]


@pytest.fixture
def site() -> Iterator[Site]:
    """A mirror of them."""
    with serving() as site:
        for package in PACKAGES:
            site.content[f"/core/{package.file}"] = CONTENT[package.name]
            site.content[f"/core/{package.file}.sig"] = signature_of(CONTENT[package.name])
        yield site


def stage(
    folder: Path, site: Site | None, packages: list[LockedPackage] = PACKAGES
) -> FetchPackages:
    """The request for what a lock names; without a site no mirror may be asked."""
    shop = workshop(folder)
    publish_text(folder / "lock.json", write_lock(Lock(PLATFORM.id, (), tuple(packages))))
    own = (("core", (f"{site.url}/core",)),) if site else ()
    return FetchPackages(
        platform=PLATFORM,
        lock=folder / "lock.json",
        target=shop.cache / "work/run/view/lock.json",
        mirrors=MirrorChoice(repositories=own, offline=site is None),
        workshop=shop,
    )


def test_what_is_missing_is_told(tmp_path: Path, site: Site) -> None:
    request = stage(tmp_path, site)
    said = "bash 1.0-1, less 1.0-1, zlib 1.0-1 to fetch, 48 B"
    assert request.restore() == said
    assert not request.target.exists()
    assert site.asked == []


def test_it_is_fetched_once(tmp_path: Path, site: Site) -> None:
    request = stage(tmp_path, site)
    request.run()
    store = request.workshop.store
    for package in PACKAGES:
        assert package.path(store).read_bytes() == CONTENT[package.name]
        assert package.signature(store).read_bytes() == signature_of(CONTENT[package.name])
    assert request.target.read_bytes() == request.lock.read_bytes()
    site.asked.clear()
    request.target.unlink()
    assert request.restore() == ""
    assert request.target.read_bytes() == request.lock.read_bytes()
    request.run()
    assert site.asked == []


@pytest.mark.parametrize("part", ["path", "signature"])
def test_only_what_is_missing_is_fetched(tmp_path: Path, site: Site, part: str) -> None:
    request = stage(tmp_path, site)
    request.run()
    gone: Path = getattr(PACKAGES[1], part)(request.workshop.store)
    gone.unlink()
    assert request.restore() == "less 1.0-1 to fetch, 16 B"
    site.asked.clear()
    request.run()
    assert gone.exists()
    assert {path.split("/")[-1].split("-")[0] for path, _ in site.asked} == {"less"}
    assert request.restore() == ""


def test_without_mirrors_all_must_be_there(tmp_path: Path, site: Site) -> None:
    request = stage(tmp_path, None)
    with pytest.raises(DownloadError) as caught:
        request.run()
    assert caught.value.message == "the package bash 1.0-1 is not in the cache (3 are missing)"
    stage(tmp_path, site).run()
    request.target.unlink()
    assert request.restore() == ""
    assert request.target.exists()


@pytest.mark.usefixtures("quick")
def test_a_package_without_a_signature_is_refused(tmp_path: Path, site: Site) -> None:
    del site.content[f"/core/{PACKAGES[0].file}.sig"]
    request = stage(tmp_path, site)
    with pytest.raises(TrustError, match=r"the package bash 1\.0-1 has no signature"):
        request.run()
    assert not request.target.exists()
    assert "bash" in request.restore()


def test_another_file_than_the_locks_is_refused(tmp_path: Path, site: Site) -> None:
    site.content[f"/core/{PACKAGES[2].file}"] = b"x" * PACKAGES[2].size
    request = stage(tmp_path, site)
    with pytest.raises(DownloadError, match="has sha256 "):
        request.run()
    assert not request.target.exists()
    assert "zlib 1.0-1" in request.restore()


def test_it_is_predicted_as_if_all_were_fetched(tmp_path: Path) -> None:
    request = stage(tmp_path, None)
    request.predict()
    assert request.target.read_bytes() == request.lock.read_bytes()


def test_a_lock_of_nothing_is_there_at_once(tmp_path: Path) -> None:
    assert stage(tmp_path, None, []).restore() == ""


def test_many_are_counted() -> None:
    packages = [make_package(f"p{number}", size=500_000) for number in range(7)]
    assert missing_packages(packages) == (
        "p0 1.0-1, p1 1.0-1, p2 1.0-1, p3 1.0-1, p4 1.0-1 and 2 more to fetch, 3.5 MB"
    )
    assert "more" not in missing_packages(packages[:5])

"""Packages come from the shared store before any mirror is asked, and are checked all the same."""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from aimager.errors import DownloadError
from aimager.model.build import MirrorChoice
from aimager.model.remote import Remote
from aimager.packages.store import digest_of, name_in
from aimager.products.remote.packages import give_packages
from aimager.stages.fetch_packages import FetchPackages
from tests.stages.test_fetch_packages import CONTENT, FILE, OTHER, PACKAGE, SIGNATURE, stage, stored
from tests.support.bombs import measure
from tests.support.cells import delete, flip_byte
from tests.support.locked import make_file
from tests.support.webserver import Site

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def site(site: Site) -> Site:
    """A mirror that has the package."""
    site.content |= {FILE: CONTENT, f"{FILE}.sig": SIGNATURE}
    return site


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The second machine's cache."""
    (tmp_path / "two").mkdir()
    return tmp_path / "two"


def sharing(made: FetchPackages, folder: Path) -> FetchPackages:
    """The same stage with the store that lies beside ``folder``."""
    remote = Remote((folder.parent / "store").as_uri(), folder / "remote")
    return replace(made, workshop=replace(made.workshop, remote=remote))


@pytest.fixture
def shared(site: Site, tmp_path: Path) -> Path:
    """The store, in which another machine has put the package."""
    (tmp_path / "one").mkdir()
    made = sharing(stage(tmp_path / "one", site.url), tmp_path / "one")
    made.run()
    assert made.workshop.remote
    give_packages(made.workshop.remote, [PACKAGE], made.workshop.store)
    site.asked.clear()
    return tmp_path / "store/pkg" / PACKAGE.sha256[:2] / PACKAGE.sha256


@pytest.mark.usefixtures("shared")
def test_no_mirror_is_asked(site: Site, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = sharing(stage(folder, site.url), folder)
    capsys.readouterr()
    made.run()
    assert stored(folder) == [CONTENT, SIGNATURE]
    assert site.asked == []
    assert capsys.readouterr().out == "   took 1 package from the remote store, 1.0 MB\n"
    assert made.restore() == ""


@pytest.mark.usefixtures("shared")
def test_offline_it_serves(folder: Path) -> None:
    made = replace(sharing(stage(folder), folder), mirrors=MirrorChoice(offline=True))
    made.run()
    assert stored(folder) == [CONTENT, SIGNATURE]
    other = folder / "other"
    other.mkdir()
    packages = (PACKAGE, make_file("zlib", b"zlib"))
    lacking = replace(sharing(stage(other, packages=packages), folder), mirrors=made.mirrors)
    with pytest.raises(DownloadError, match=r"^the package zlib 1\.0-1 is not in the cache "):
        lacking.run()


@pytest.mark.parametrize("harm", [flip_byte, delete])
@pytest.mark.parametrize("name", [PACKAGE.file, f"{PACKAGE.file}.sig"])
def test_what_is_damaged_comes_from_the_mirror(
    site: Site,
    shared: Path,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    harm: Callable[[Path], None],
) -> None:
    harm(shared / name)
    made = sharing(stage(folder, site.url), folder)
    capsys.readouterr()
    made.run()
    assert stored(folder) == [CONTENT, SIGNATURE]
    assert f"{PACKAGE.sha256}/{name} is " in capsys.readouterr().out
    assert made.workshop.remote
    give_packages(made.workshop.remote, [PACKAGE], made.workshop.store)
    assert (shared / PACKAGE.file).read_bytes() == CONTENT
    assert (shared / f"{PACKAGE.file}.sig").read_bytes() == SIGNATURE


def test_another_package_under_its_name_is_not_taken(
    site: Site, shared: Path, folder: Path
) -> None:
    """Though the store's record says that it is whole."""
    (shared / PACKAGE.file).write_bytes(b"evil")
    record = shared / "record.json"
    evil = make_file("evil", b"evil")
    text = record.read_text().replace(PACKAGE.sha256, evil.sha256)
    record.write_text(text.replace(f'"size": {PACKAGE.size}', '"size": 4'))
    made = sharing(stage(folder, site.url), folder)
    made.run()
    assert stored(folder) == [CONTENT, SIGNATURE]
    assert made.workshop.remote
    give_packages(made.workshop.remote, [PACKAGE], made.workshop.store)
    assert (shared / PACKAGE.file).read_bytes() == CONTENT


@pytest.mark.usefixtures("shared")
def test_the_mirror_gives_the_signature_in_place_of_one_that_was_refused(
    site: Site, folder: Path
) -> None:
    made = sharing(stage(folder, site.url), folder)
    made.run()
    PACKAGE.signature(made.workshop.store).unlink()
    site.content[f"{FILE}.sig"] = OTHER
    made.run()
    assert stored(folder) == [CONTENT, OTHER]


def with_signature(shared: Path, content: bytes) -> None:
    """Let the store have another signature, and a record that says so."""
    (shared / f"{PACKAGE.file}.sig").write_bytes(content)
    data = json.loads((shared / "record.json").read_text())
    for file in data["files"]:
        if file["name"].endswith(".sig"):
            file |= {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    (shared / "record.json").write_text(json.dumps(data))


@pytest.mark.parametrize("names", [("path", "signature"), ("signature",)])
@pytest.mark.parametrize("how", ["removed", "refused"])
def test_what_was_refused_comes_from_the_mirror_and_is_mended_in_the_store(
    site: Site, shared: Path, folder: Path, names: tuple[str, ...], how: str
) -> None:
    with_signature(shared, OTHER)
    made = sharing(stage(folder, site.url), folder)
    made.run()
    assert stored(folder) == [CONTENT, OTHER]
    store = made.workshop.store
    files = [getattr(PACKAGE, name)(store) for name in names]
    if how == "refused":
        made = replace(made, refused={name_in(path, store): digest_of(path) for path in files})
    for path in files if how == "removed" else []:
        path.unlink()
    made.run()
    assert stored(folder) == [CONTENT, SIGNATURE]
    assert made.workshop.remote
    give_packages(made.workshop.remote, [PACKAGE], store)
    assert (shared / f"{PACKAGE.file}.sig").read_bytes() == SIGNATURE


@pytest.mark.parametrize("content", [b"<html>", b"", b"\x89" + bytes(16 << 10), bytes(100)])
def test_what_is_no_signature_comes_from_the_mirror(
    site: Site, shared: Path, folder: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    with_signature(shared, content)
    made = sharing(stage(folder, site.url), folder)
    made.run()
    assert stored(folder) == [CONTENT, SIGNATURE]
    assert f"{PACKAGE.file}.sig " in capsys.readouterr().out
    assert json.loads((shared / "record.json").read_text())["files"] == []  # void


def test_a_large_signature_or_record_costs_nothing(site: Site, shared: Path, folder: Path) -> None:
    """3 GiB, in a hole of a file, and as the record says."""
    for name, size in ((f"{PACKAGE.file}.sig", 3 << 30), ("record.json", 2 << 30)):
        if name == "record.json":
            os.truncate(shared / name, size)
        else:
            text = (shared / "record.json").read_text()
            signature = (shared / name).stat().st_size
            (shared / "record.json").write_text(
                text.replace(f'"size": {signature}', f'"size": {size}')
            )
            os.truncate(shared / name, size)
        target = folder / name
        target.mkdir()
        cost = measure(FETCH, target, folder.parent / "store", site.url)
        assert cost.said.splitlines()[-1] == "done", cost.said
        print(name, cost)
        assert cost.memory < 300
        assert cost.seconds < 30
        assert stored(target) == [CONTENT, SIGNATURE]


FETCH = """
import sys
from dataclasses import replace
from pathlib import Path
from aimager.model.remote import Remote
from tests.stages.test_fetch_packages import stage
folder = Path(sys.argv[1])
made = stage(folder, sys.argv[3])
remote = Remote(Path(sys.argv[2]).as_uri(), folder / "notes")
replace(made, workshop=replace(made.workshop, remote=remote)).run()
print("done")
"""


def test_what_nobody_signed_is_not_put_there(tmp_path: Path) -> None:
    made = sharing(stage(tmp_path), tmp_path / "one")
    own = make_file("mine", b"mine", repository="@packages")
    own.path(made.workshop.store).parent.mkdir(parents=True)
    own.path(made.workshop.store).write_bytes(b"mine")
    assert made.workshop.remote
    give_packages(made.workshop.remote, [own], made.workshop.store)
    assert not (tmp_path / "store").exists()

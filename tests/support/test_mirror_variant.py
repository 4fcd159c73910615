"""Variants of a mirror, read back with our own readers and with gpg."""

import gzip
import hashlib
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimager.compression import opened
from aimager.distros.archlinux import DISTRO
from aimager.model.architecture import Architecture
from aimager.model.distro import Platform
from aimager.package_files import read_members
from aimager.packages.sync_database import DatabasePackage, read_database
from aimager.stand_in.entry import Entry, make_directory, make_file, make_link
from aimager.stand_in.metadata import Built, Metadata
from aimager.stand_in.package_file import Compression, write_database, write_package
from aimager.stand_in.signing import SigningKey, open_key
from tests.support import mirror_variant

PLATFORM = Platform(DISTRO, Architecture.x86_64)
KEYRING = DISTRO.keyrings[0].package
ENTRIES = (
    make_directory("usr"),
    Entry("usr/ping", mode=0o755, mtime=1000, data=b"ping", capability=b"\x01cap", inode="1"),
    Entry("usr/ping6", mode=0o755, mtime=1000, data=b"ping", capability=b"\x01cap", inode="1"),
    make_link("usr/naïve name", "ping"),
    make_file("usr/version", "1.0"),
)

pytestmark = pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg signs the packages")


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SigningKey]:
    """The key of a mirror."""
    with open_key(tmp_path_factory.mktemp("work") / "key") as key:
        yield key


def make_package(
    folder: Path, key: SigningKey, name: str, compression: Compression = "zst"
) -> Built:
    """A signed package with links and a capability, in a repository's folder."""
    metadata = Metadata(
        name, "1:1.0-1", "any", "what it is", "", 1_700_000_000, depends=("base",),
        provides=(f"{name}-virtual",),
    )  # fmt: skip
    built = write_package(folder, metadata, ENTRIES, compression=compression, install=b"true\n")
    key.sign(folder / built.filename)
    return built


@pytest.fixture(scope="module")
def original(key: SigningKey, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mirror of two repositories."""
    mirror = tmp_path_factory.mktemp("mirror")
    for repository, names in (("core", ("acl", KEYRING, "zlib")), ("extra", ("nano", "tree"))):
        folder = mirror / f"archlinux/{repository}/os/x86_64"
        folder.mkdir(parents=True)
        built = [make_package(folder, key, n, "xz" if n == "zlib" else "zst") for n in names]
        write_database(folder / f"{repository}.db", built)
    return mirror


@pytest.fixture
def variant(original: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of it; whatever is done to it, the mirror stays as it was."""
    before = snapshot(original)
    yield mirror_variant.copy_mirror(original, tmp_path / "variant")
    assert snapshot(original) == before


def snapshot(folder: Path) -> dict[str, tuple[bytes, float]]:
    """The content and time of every file."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime)
        for path in folder.rglob("*")
        if path.is_file()
    }


def read(mirror: Path) -> dict[str, DatabasePackage]:
    """All packages of all repositories, as a build reads them."""
    found: dict[str, DatabasePackage] = {}
    for database in mirror_variant.databases(mirror, PLATFORM):
        found |= read_database(database.stem, database.read_bytes())
    return found


def verify(key: SigningKey, file: Path) -> int:
    """gpg's status of a package's signature."""
    argv = ["gpg", "--homedir", str(key.home), "--verify", f"{file}.sig", str(file)]
    return subprocess.run(argv, capture_output=True, check=False).returncode


def test_a_copy_is_cheap_and_its_databases_are_newer(original: Path, tmp_path: Path) -> None:
    one = mirror_variant.copy_mirror(original, tmp_path / "one")
    two = mirror_variant.copy_mirror(original, tmp_path / "two")
    assert read(one) == read(two) == read(original)
    package = "archlinux/extra/os/x86_64/nano-1:1.0-1-any.pkg.tar.zst"
    assert (two / package).samefile(original / package)
    times = [
        [int(d.stat().st_mtime) for d in mirror_variant.databases(mirror, PLATFORM)]
        for mirror in (one, two)
    ]
    assert max(times[0]) < min(times[1])


@pytest.mark.parametrize("name", ["acl", "zlib"])
def test_upgrade(variant: Path, original: Path, key: SigningKey, name: str) -> None:
    before = read(variant)
    was = mirror_variant.upgrade(variant, key, PLATFORM, name, "1:1.0-1.1")
    after = read(variant)
    assert (was.version, was.name) == ("1:1.0-1", name)
    assert not was.file.exists()
    assert {n: p for n, p in after.items() if n != name} == {
        n: p for n, p in before.items() if n != name
    }
    locked = after[name].locked
    file = mirror_variant.find(variant, PLATFORM, name).file
    content = file.read_bytes()
    assert locked.version == "1:1.0-1.1"
    assert locked.file == file.name
    assert (locked.size, locked.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert locked.installed_size == before[name].locked.installed_size
    assert locked.build_date == before[name].locked.build_date
    assert after[name].depends == before[name].depends
    assert verify(key, file) == 0


def test_an_upgraded_package_is_whole_and_else_equal(
    variant: Path, original: Path, key: SigningKey
) -> None:
    mirror_variant.upgrade(variant, key, PLATFORM, "acl", "1:1.0-10")
    old, new = (mirror_variant.find(m, PLATFORM, "acl").file for m in (original, variant))
    before, after = (read_members(file, lambda name: True) for file in (old, new))
    differing = {name for name in before if before[name] != after[name]}
    assert list(before) == list(after)
    assert differing == {".PKGINFO", ".BUILDINFO", ".MTREE"}
    assert after[".PKGINFO"] == before[".PKGINFO"].replace(b"1:1.0-1\n", b"1:1.0-10\n")
    mtree = gzip.decompress(after[".MTREE"]).decode()
    for name in (".PKGINFO", ".BUILDINFO", ".INSTALL"):
        (line,) = (line for line in mtree.splitlines() if line.startswith(f"./{name} "))
        assert f" size={len(after[name])} " in line
        assert line.endswith(f"sha256digest={hashlib.sha256(after[name]).hexdigest()}")
    assert members(new) == members(old)


def members(package: Path) -> list[tuple[object, ...]]:
    """All that a package's tar says of its files but for what a version changes."""
    with opened(package) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
        return [
            (m.name, m.type, m.mode, m.uid, m.uname, m.mtime, m.linkname, sorted(m.pax_headers))
            for m in archive
        ]


def test_a_lower_version(variant: Path, key: SigningKey) -> None:
    mirror_variant.upgrade(variant, key, PLATFORM, "tree", "1:2.0-1")
    was = mirror_variant.upgrade(variant, key, PLATFORM, "tree", "1:1.0-1")
    assert was.version == "1:2.0-1"
    assert read(variant)["tree"].locked.version == "1:1.0-1"


def test_upgrade_keyring(variant: Path, key: SigningKey) -> None:
    mirror_variant.upgrade_keyring(variant, key, PLATFORM, "2-1")
    assert read(variant)[KEYRING].locked.version == "2-1"


def test_remove(variant: Path) -> None:
    before = read(variant)
    file = mirror_variant.find(variant, PLATFORM, "nano").file
    mirror_variant.remove(variant, PLATFORM, "nano")
    assert read(variant) == {n: p for n, p in before.items() if n != "nano"}
    assert not file.exists()
    assert not file.with_name(f"{file.name}.sig").exists()
    with pytest.raises(LookupError, match="has no package nano"):
        mirror_variant.find(variant, PLATFORM, "nano")


def test_touch(variant: Path) -> None:
    before = read(variant)
    contents = []
    for number in (1, 2):
        mirror_variant.touch(variant, PLATFORM, "extra")
        after = read(variant)
        stranger = after.pop("unheard-of")
        assert stranger.locked.version == f"{number}-1"
        assert stranger.provides == ()
        assert after == before
        database = variant / "archlinux/extra/os/x86_64/extra.db"
        contents.append(database.read_bytes())
        assert database.stat().st_mtime == max(
            d.stat().st_mtime for d in mirror_variant.databases(variant, PLATFORM)
        )
    assert contents[0] != contents[1]

"""Whole builds that start from a root archive of the user's, by reuse-root-tar=."""

import json
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from aimager import files, stand_in
from aimager.stand_in.signing import open_key
from tests.support import mirror_variant
from tests.support.cells import HOST, Cell, build, stored_packages, why
from tests.support.doit_output import read_output, without_speakers
from tests.support.image_root import read_file, read_root
from tests.support.root_archives import record, write_archive
from tests.support.runs import Doit
from tests.support.seed import Copies

NONE = Cell(HOST.platform, "none")
SECRETS = {
    "etc/machine-id": b"0123456789abcdef0123456789abcdef\n",
    "etc/ssh/ssh_host_ed25519_key": b"secret",
    "etc/pacman.d/gnupg/private-keys-v1.d/x.key": b"secret",
    "var/log/app/app.log": b"what it did elsewhere",
    "var/log/pacman.log": b"what it did elsewhere",
}
"""What a root that has run elsewhere holds."""


@dataclass(frozen=True)
class Given:
    """doit on a cache of its own, and a root archive with nano that it has built."""

    doit: Doit
    archive: Path

    def words(self, *more: str) -> tuple[str, ...]:
        """The words of a build that starts from it."""
        return f"distro={HOST.platform.distro.id}", f"reuse-root-tar={self.archive}", *more


def root(doit: Doit) -> Path:
    return NONE.folder(doit) / "root.tar"


def manifest(doit: Doit, cell: Cell = NONE) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((cell.folder(doit) / "manifest.json").read_text())
    return value


def packages(doit: Doit, cell: Cell = NONE) -> Mapping[str, dict[str, Any]]:
    """The manifest's packages by name."""
    return {package["name"]: package for package in manifest(doit, cell)["packages"]}


def dirty_copy(archive: Path, target: Path, more: Mapping[str, bytes]) -> Path:
    """A copy of a root archive with more in it; what is added comes last, and so wins."""
    shutil.copy(archive, target)
    return write_archive(target, more)


@pytest.fixture(scope="module")
def given(copies: Copies) -> Iterator[Given]:
    own = copies("reuse")
    own.build(f"distro={HOST.platform.distro.id}", "install-pkgs=nano")
    archive = Path(shutil.copy(root(own), own.folder / "given.tar"))
    shutil.rmtree(own.out)
    yield Given(own, archive)
    shutil.rmtree(own.folder)


@pytest.fixture(scope="module")
def direct(copies: Copies) -> Iterator[str]:
    """The SHA-256 of the root archive with nano and tree that is built in the usual way."""
    own = copies("direct")
    own.build(f"distro={HOST.platform.distro.id}", "install-pkgs=nano,tree")
    yield files.sha256(root(own))
    shutil.rmtree(own.folder)


def test_it_is_what_it_would_be_without(given: Given, direct: str) -> None:
    """Only what the archive lacks is fetched and installed, and all else stays."""
    before = stored_packages(given.doit.cache)
    text = given.doit.build(*given.words("install-pkgs=tree"))
    said = read_output(text)
    assert f"make-rootfs-archive:{HOST.platform.id}" not in {*said.ran, *said.skipped}
    assert "   installed 1 package\n" in without_speakers(text)
    assert {name.split("-")[0] for name in stored_packages(given.doit.cache) - before} == {"tree"}
    assert files.sha256(root(given.doit)) == direct
    again = build(given.doit, *given.words("install-pkgs=tree"))
    assert again.stages == {"sync-databases"}


def test_what_was_not_verified_is_told(given: Given) -> None:
    said = given.doit.build(*given.words("install-pkgs=tree", "seed=told"))
    assert "   NOT VERIFIED: what given.tar holds was taken as it is\n" in without_speakers(said)
    told = packages(given.doit)
    assert len(told["tree"]["signing_key"]) == 40
    assert len(told["tree"]["sha256"]) == 64
    for name in ("bash", "nano"):
        assert told[name]["version"]
        assert told[name]["signing_key"] is told[name]["sha256"] is None
    reused = manifest(given.doit)["reused_root"]
    assert reused["sha256"] == files.sha256(given.archive)
    assert sorted({*reused["packages"], "tree"}) == sorted(told)
    spdx = json.loads((NONE.folder(given.doit) / "packages.spdx.json").read_text())
    described = {package["name"]: package for package in spdx["packages"]}
    assert described.keys() == told.keys()
    assert "was not verified" in described["nano"]["comment"]
    assert "checksums" not in described["nano"]
    assert "comment" not in described["tree"]


def test_another_archive_makes_another_build(given: Given, tmp_path: Path) -> None:
    """Under whatever name; a later change of its bytes is noticed."""
    archive = tmp_path / "site.tar"
    own = Given(given.doit, dirty_copy(given.archive, archive, {"srv/one": b"1"}))
    build(given.doit, *given.words("install-pkgs=tree"))
    said = build(given.doit, *own.words("install-pkgs=tree"))
    assert said.stages == {
        *("sync-databases", "check-root-archive", "install-packages", "pack-image")
    }
    assert any("site.tar changed" in reason for reason in said.reasons_of("install-packages"))
    assert read_file(root(given.doit), "srv/one") == b"1"
    dirty_copy(given.archive, archive, {"srv/two": b"2"})
    told = why(given.doit, *own.words("install-pkgs=tree", "offline=yes"))
    for stage in ("check-root-archive", "install-packages"):
        assert "reuse-root-tar: site.tar changed" in told.reasons_of(stage)
    build(given.doit, *own.words("install-pkgs=tree"))
    assert "srv/one" not in read_root(root(given.doit))
    archive.rename(tmp_path / "other.tar")
    other = Given(given.doit, tmp_path / "other.tar")
    assert build(given.doit, *other.words("install-pkgs=tree")).stages == {"sync-databases"}


def test_other_versions_become_those_of_the_lock(
    given: Given, mirror: Path, tmp_path: Path
) -> None:
    changed = mirror_variant.copy_mirror(mirror, tmp_path / "mirror")
    with open_key(mirror.with_name(f"{mirror.name}.work") / "key") as key:
        for name, version in (("psmisc", "9999-1"), ("file", "0.1-1")):
            mirror_variant.upgrade(changed, key, HOST.platform, name, version)
    with stand_in.serve(changed) as url:
        said = given.doit.at(url).build(*given.words("install-pkgs=tree"))
    assert "   installed 3 packages\n" in without_speakers(said)
    told = packages(given.doit)
    assert (told["psmisc"]["version"], told["file"]["version"]) == ("9999-1", "0.1-1")
    assert told["psmisc"]["signing_key"]
    assert told["bash"]["signing_key"] is None
    assert "var/lib/pacman/local/psmisc-9999-1/desc" in read_root(root(given.doit))


def test_nothing_of_a_machine_that_ran_is_left(given: Given, tmp_path: Path) -> None:
    archive = dirty_copy(given.archive, tmp_path / "ran.tar", {**SECRETS, "srv/own": b"own"})
    given.doit.build(*replace(given, archive=archive).words("hostname=probe"))
    members = read_root(root(given.doit))
    assert read_file(root(given.doit), "etc/machine-id") == b"uninitialized\n"
    assert read_file(root(given.doit), "etc/hostname") == b"probe\n"
    assert read_file(root(given.doit), "srv/own") == b"own"
    assert members["var/log/app/app.log"].size == 0
    gone = SECRETS.keys() - {"etc/machine-id", "var/log/app/app.log"}
    assert not gone & members.keys()
    assert not any(name.startswith("etc/pacman.d/gnupg") for name in members)


def test_a_disk_image_of_a_compressed_archive(given: Given, tmp_path: Path) -> None:
    archive = tmp_path / "root.tar.zst"
    subprocess.run(["zstd", "-q1", given.archive, "-o", archive], check=True)
    own = replace(given, archive=archive)
    given.doit.build(*HOST.words, *own.words("create=disk.img,root.tar")[1:], "useradd=-m alice")
    folder = HOST.folder(given.doit)
    assert (folder / "disk.img").stat().st_size > 256 << 20
    assert "usr/bin/nano" in read_root(folder / "root.tar")
    assert b"alice:" in read_file(folder / "root.tar", "etc/passwd")
    told = packages(given.doit, HOST)
    assert told[HOST.definition().kernels[0]]["signing_key"]
    assert told["glibc"]["signing_key"] is None


def test_what_does_not_go_with_the_packages_is_told(
    given: Given, mirror: Path, tmp_path: Path
) -> None:
    version = mirror_variant.find(mirror, HOST.platform, "psmisc").version
    needy = record("needy", depends=[f"psmisc={version}"])
    archive = dirty_copy(given.archive, tmp_path / "needy.tar", needy)
    changed = mirror_variant.copy_mirror(mirror, tmp_path / "mirror")
    with open_key(mirror.with_name(f"{mirror.name}.work") / "key") as key:
        mirror_variant.upgrade(changed, key, HOST.platform, "psmisc", "9999-1")
    with stand_in.serve(changed) as url:
        said = given.doit.at(url).refuse(*replace(given, archive=archive).words())
    assert (
        f"reuse-root-tar=needy.tar holds needy, which needs psmisc={version}, but this build"
        " changes psmisc" in said
    )
    in_the_way = dirty_copy(given.archive, tmp_path / "way.tar", {"usr/bin/tree": b"#!/bin/sh\n"})
    said = given.doit.refuse(*replace(given, archive=in_the_way).words("install-pkgs=tree"))
    assert (
        "reuse-root-tar=way.tar holds /usr/bin/tree, which no package in it owns, but tree brings"
        " it" in said
    )


def test_what_cannot_be_used_is_refused_before_anything_is_fetched(
    given: Given, tmp_path: Path
) -> None:
    doit = replace(given.doit, folder=tmp_path)
    damaged = Path(shutil.copy(given.archive, tmp_path / "damaged.tar"))
    with tarfile.open(damaged) as tar:
        offset = next(member.offset for member in tar if member.name == "./etc")
    with damaged.open("r+b") as stream:
        stream.seek(offset)
        stream.write(b"x" * 512)
    other = write_archive(tmp_path / "other.tar", record("bash", arch="sparc"))
    for archive, sentence in (
        (damaged, "reuse-root-tar=damaged.tar is not a complete tar archive: "),
        (other, "reuse-root-tar=other.tar holds bash 1.0-1 for sparc, but the build is for "),
    ):
        said = doit.refuse(*replace(given, archive=archive).words())
        assert sentence in said
        assert len(re.findall("hint: ", said)) == 1
        assert not stored_packages(doit.cache)

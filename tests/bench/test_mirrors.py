"""Mirrors of the bench differ from the one that they are made of in what they should."""

import gzip
import shutil
from pathlib import Path

import pytest

from aimager.package_files import read_members
from aimager.packages.openpgp.public_keys import list_keys
from aimager.packages.sync_database import Packages, read_database
from aimager.stand_in.entry import arrange_entries, make_file
from aimager.stand_in.metadata import Metadata
from aimager.stand_in.package_file import write_database, write_package
from aimager.stand_in.signing import open_key
from bench import real_database
from bench.mirrors import add_key, add_notes, described, link_mirror, put, repository, upgrade

DATE = 1_700_000_000
SCRIPTLET = b"post_install() { :; }\n"

needs_gpg = pytest.mark.skipif(not shutil.which("gpg"), reason="gpg is missing")


def make_mirror(folder: Path) -> None:
    for name in ("core", "extra"):
        repository(folder, name).mkdir(parents=True)
        write_database(repository(folder, name) / f"{name}.db", [])
    core = repository(folder, "core")
    with open_key(folder / "key") as key:
        keys = {
            "usr/share/pacman/keyrings/archlinux.gpg": key.export(),
            "usr/share/pacman/keyrings/archlinux-trusted": f"{key.fingerprint}:4:\n".encode(),
        }
        files = {"archlinux-keyring": keys, "tool": {"usr/bin/tool": b"#!/bin/sh\n"}}
        built = []
        for name, contents in files.items():
            metadata = Metadata(name, "1:2-3.1", "any", "A tool", "", DATE, depends=("glibc",))
            entries = arrange_entries([make_file(*item, 0o755) for item in contents.items()], DATE)
            built.append(write_package(core, metadata, entries, install=SCRIPTLET))
            key.sign(core / built[-1].filename)
    put(core / "core.db", described(built))
    arm = folder / "archlinuxarm/aarch64/core"
    arm.mkdir(parents=True)
    for file in core.glob("archlinux-keyring-*"):
        shutil.copy(file, arm)
    write_database(arm / "core.db", built[:1])


def packages(mirror: Path, name: str = "core") -> Packages:
    return read_database(name, repository(mirror, name) / f"{name}.db")


@needs_gpg
def test_a_mirror_with_more_and_newer_packages(tmp_path: Path) -> None:
    made, linked = tmp_path / "made", tmp_path / "linked"
    make_mirror(made)
    before = packages(made)
    link_mirror(made, linked)
    with open_key(tmp_path / "key") as key:
        add_key(linked, key)
        add_notes(linked, key, ["note"])
        upgrade(linked, key, "tool")
        once = packages(linked)["tool"].locked
        upgrade(linked, key, "tool")
    after = packages(linked)
    assert packages(made) == before, "the first is as it was"
    assert set(after) == {"archlinux-keyring", "tool"}
    tool = after["tool"]
    assert tool.depends == before["tool"].depends == ("glibc",)
    assert before["tool"].locked.version < once.version < tool.locked.version
    assert tool.locked.build_date > DATE
    for locked in (tool.locked, after["archlinux-keyring"].locked):
        file = repository(linked, "core") / locked.file
        assert file.stat().st_size == locked.size
        assert file.with_name(f"{file.name}.sig").is_file()
        assert len(list(file.parent.glob(f"{locked.name}-*.zst"))) == 1
    file = repository(linked, "core") / tool.locked.file
    found = read_members(file, lambda path: path in ("usr/bin/tool", ".INSTALL"))
    assert found == {"usr/bin/tool": b"#!/bin/sh\n", ".INSTALL": SCRIPTLET}
    keyrings = list(linked.rglob("archlinux-keyring-*.zst"))
    assert len(keyrings) == 2, "of each distribution"
    for keyring in keyrings:
        keys = read_members(keyring, lambda path: path.endswith((".gpg", "-trusted")))
        ring, trusted = (keys[name] for name in sorted(keys, reverse=True))
        assert key.fingerprint in list_keys(ring)
        assert len(list_keys(ring)) == 2 == len(trusted.splitlines())
    note = packages(linked, "extra")["note"]
    assert (repository(linked, "extra") / f"{note.locked.file}.sig").is_file()
    assert not note.depends


def test_a_database_of_the_real_size(tmp_path: Path) -> None:
    database = tmp_path / "extra.db"
    write_database(database, [])
    put(database, real_database.entries())
    found = read_database("extra", database)
    assert len(found) == 15_000
    assert not found.faults
    assert 8e6 < database.stat().st_size < 10e6
    with gzip.open(database) as stream:
        assert 35e6 < len(stream.read()) < 50e6

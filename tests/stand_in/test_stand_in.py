"""The stand-in mirror: conversion, metadata, the server; and, slowly, a whole mirror."""

import gzip
import io
import shutil
import subprocess
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard

from aimager.errors import HostError
from aimager.packages.sync_database import read_database
from aimager.stand_in.apt import Source, find_mirror, read_sources
from aimager.stand_in.cpio import write_cpio
from aimager.stand_in.entry import Entry, arrange_entries, make_directory, make_file, make_link
from aimager.stand_in.metadata import (
    Built,
    Metadata,
    quote_mtree,
    translate_version,
    write_desc,
    write_mtree,
    write_pkginfo,
)
from aimager.stand_in.package_file import write_database, write_package
from aimager.stand_in.relocation import relocate_path, relocate_target
from aimager.stand_in.tables import CONTENT

METADATA = Metadata(
    "name",
    "1:2-3",
    "x86_64",
    "What it is",
    "https://example.org",
    1_700_000_000,
    depends=("glibc",),
)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("./", None),
        ("./bin", None),
        ("./usr/sbin/", None),
        ("./bin/mount", "usr/bin/mount"),
        ("./sbin/mkfs.ext4", "usr/bin/mkfs.ext4"),
        ("./lib/udev/rules.d", "usr/lib/udev/rules.d"),
        ("./lib64/ld-linux-x86-64.so.2", "usr/lib/ld-linux-x86-64.so.2"),
        ("./usr/sbin/sshd", "usr/bin/sshd"),
        ("./usr/libexec/x", "usr/libexec/x"),
        ("./etc/hosts", "etc/hosts"),
    ],
)
def test_paths_are_relocated(old: str, new: str | None) -> None:
    assert relocate_path(old) == new


@pytest.mark.parametrize(
    ("path", "target", "new"),
    [
        ("usr/bin/awk", "gawk", "gawk"),
        ("usr/sbin/ip", "/bin/ip", None),
        ("usr/bin/depmod", "../sbin/depmod", None),
        ("usr/sbin/modprobe", "../bin/kmod", "kmod"),
        ("sbin/init", "/lib/systemd/systemd", "/usr/lib/systemd/systemd"),
        ("lib/x/y", "../../etc/z", "../../../etc/z"),
        ("usr/share/doc", "/usr/sbin", "/usr/bin"),
        ("usr/lib64/ld.so", "../lib/x86_64-linux-gnu/ld.so", "x86_64-linux-gnu/ld.so"),
    ],
)
def test_link_targets_are_relocated(path: str, target: str, new: str | None) -> None:
    assert relocate_target(path, target) == new


@pytest.mark.parametrize(
    ("debian", "arch"),
    [
        ("5.2.37-2+b10", "5.2.37-2.10"),
        ("1:10.0p1-7+deb13u4", "1:10.0p1-7.13.4"),
        ("257.13-1~deb13u1", "257.13-1.13.1"),
        ("13.8+deb13u7", "13.8+deb13u7-1"),
        ("0.0~2025.06.09-1", "0.0.2025.06.09-1"),
        ("2.12.7+dfsg+really2.9.14-2.1", "2.12.7+dfsg+really2.9.14-2.1"),
        ("1-2-3", "1.2-3"),
    ],
)
def test_versions_are_translated(debian: str, arch: str) -> None:
    assert translate_version(debian) == arch


def test_pkginfo_has_one_line_for_each_value() -> None:
    lines = write_pkginfo(METADATA, 42).decode().splitlines()
    assert "pkgver = 1:2-3" in lines
    assert "size = 42" in lines
    assert "depend = glibc" in lines
    assert "builddate = 1700000000" in lines


def test_desc_is_in_the_order_of_repo_add() -> None:
    text = write_desc(Built(METADATA, "name.pkg.tar.zst", 1, 2, "0" * 64)).decode()
    assert text.startswith("%FILENAME%\nname.pkg.tar.zst\n\n%NAME%\nname\n\n%BASE%\n")
    assert "%CSIZE%\n1\n\n%ISIZE%\n2\n\n%SHA256SUM%\n" in text
    assert text.endswith("%DEPENDS%\nglibc\n\n")
    assert "%GROUPS%" not in text


def test_databases_of_the_arm_port_have_dependencies_in_a_file_of_their_own(tmp_path: Path) -> None:
    metadata = replace(METADATA, provides=("thing=2",), groups=("all",))
    built = [Built(metadata, "name.pkg.tar.zst", 1, 2, "0" * 64)]
    seen = {}
    for name, apart in (("one.db", False), ("two.db", True)):
        write_database(tmp_path / name, built, apart=apart)
        with tarfile.open(tmp_path / name) as archive:
            files = [member for member in archive if member.isreg()]
            seen[name] = {f.name: archive.extractfile(f).read().decode() for f in files}  # type: ignore[union-attr]
    depends = "%PROVIDES%\nthing=2\n\n%DEPENDS%\nglibc\n\n"
    assert seen["two.db"]["name-1:2-3/depends"] == depends
    assert seen["one.db"] == {"name-1:2-3/desc": seen["two.db"]["name-1:2-3/desc"] + depends}
    assert "%GROUPS%\nall\n" in seen["two.db"]["name-1:2-3/desc"]
    assert read_database("core", tmp_path / "one.db") == read_database("core", tmp_path / "two.db")


def test_mtree_describes_every_kind_of_member() -> None:
    entries = [
        make_directory("srv/ftp", 0o555, gid=11),
        make_file("usr/bin/a b", b"x", 0o755),
        make_link("bin", "usr/bin"),
    ]
    lines = gzip.decompress(write_mtree(entries)).decode().splitlines()
    assert lines[0] == "#mtree"
    assert lines[2] == "./srv/ftp time=0.0 uid=0 gid=11 mode=555 type=dir"
    assert lines[3].startswith("./usr/bin/a\\040b time=0.0 mode=755 size=1 sha256digest=2d711642")
    assert lines[4] == "./bin time=0.0 mode=777 type=link link=usr/bin"


def test_mtree_quotes_what_is_not_ascii() -> None:
    assert quote_mtree("Főt#1") == "F\\305\\221t\\0431"


def test_entries_get_parents_dates_and_order() -> None:
    arranged = arrange_entries([make_file("b/c", "1"), make_file("a", "2"), make_file("a", "3")], 7)
    assert [entry.path for entry in arranged] == ["a", "b", "b/c"]
    assert arranged[0].data == b"3"
    assert {entry.mtime for entry in arranged} == {7}


def _list_members(package: Path) -> dict[str, tarfile.TarInfo]:
    data = zstandard.ZstdDecompressor().decompress(package.read_bytes())
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {member.name: member for member in archive}


def test_packages_keep_hard_links_modes_and_capabilities(tmp_path: Path) -> None:
    capability = b"\x01\0\0\x02\0\x20" + b"\0" * 14
    built = write_package(
        tmp_path,
        METADATA,
        [
            Entry("usr/bin/a", mode=0o4755, data=b"12", inode="1", capability=capability),
            Entry("usr/bin/b", mode=0o4755, data=b"12", inode="1"),
        ],
        install=b"post_install() { :; }\n",
    )
    members = _list_members(tmp_path / built.filename)
    assert list(members)[:4] == [".BUILDINFO", ".MTREE", ".INSTALL", ".PKGINFO"]
    assert members["usr/bin/a"].mode == 0o4755
    assert members["usr/bin/b"].linkname == "usr/bin/a"
    headers = members["usr/bin/a"].pax_headers
    assert headers["SCHILY.xattr.security.capability"].encode() == capability
    assert built.filename == "name-1:2-3-x86_64.pkg.tar.zst"


def test_packages_and_databases_are_reproducible(tmp_path: Path) -> None:
    seen = set()
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        built = write_package(folder, METADATA, [make_file("etc/x", "y")])
        write_database(folder / "core.db", [built])
        seen.add((built, (folder / "core.db").read_bytes()))
    assert len(seen) == 1


def test_cpio_is_what_the_kernel_reads() -> None:
    archive = write_cpio({"kernel/x86/microcode/GenuineIntel.bin": b"abc"})
    assert archive.startswith(b"070701")
    assert archive.count(b"070701") == 5
    assert b"TRAILER!!!" in archive
    assert len(archive) % 512 == 0


def test_apt_sources_of_both_formats_are_read(tmp_path: Path) -> None:
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    (tmp_path / "sources.list").write_text(
        "# deb http://no/debian bookworm main\n"
        "deb [arch=amd64 signed-by=/x] http://one/debian bookworm-updates main contrib # note\n"
        "deb-src http://one/debian bookworm main\n"
    )
    (parts / "debian.sources").write_text(
        "Types: deb deb-src\n# note\nURIs: http://two/debian\n"
        "Suites: bookworm\n bookworm-updates\nComponents: main\n"
        "\n"
        "Enabled: no\nTypes: deb\nURIs: http://three/debian\nSuites: sid\nComponents: main\n"
    )
    assert read_sources(tmp_path) == [
        Source("http://one/debian", ("bookworm-updates",), ("main", "contrib")),
        Source("http://two/debian", ("bookworm", "bookworm-updates"), ("main",)),
    ]


def test_mirror_is_found_among_other_archives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    sources = tmp_path / "sources.list"
    sources.write_text(
        "deb http://one/debian-security bookworm-security main\n"
        "deb http://other/apt stable main\n"
        "deb http://one/debian bookworm main\n"
    )
    assert find_mirror(tmp_path) == "http://one/debian"
    sources.write_text("deb http://other/ubuntu noble main\n")
    with pytest.raises(HostError, match="no Debian mirror"):
        find_mirror(tmp_path)


def test_hosts_without_apt_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(HostError, match="real mirrors"):
        find_mirror(tmp_path)


def test_shipped_scripts_are_clean() -> None:
    shellcheck = shutil.which("shellcheck")
    if shellcheck is None:
        pytest.skip("no shellcheck")
    scripts = [
        path
        for path in CONTENT.rglob("*")
        if path.is_file() and path.read_bytes().startswith((b"#!/bin/sh", b"#!/bin/bash"))
    ]
    assert scripts
    subprocess.run([shellcheck, *map(str, scripts)], check=True)

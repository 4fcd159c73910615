"""Packages are unpacked over one another, and no link of theirs leads out of the root."""

import errno
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from aimager import package_files
from aimager.errors import HostError, ImageError
from tests.ground.test_archive import CHR, DIR, LNK, REG, SYM, Member, package
from tests.support import trees


def test_packages_are_laid_over_one_another(tmp_path: Path) -> None:
    filesystem = package(
        tmp_path / "filesystem.pkg.tar.zst",
        [
            (".PKGINFO", b"pkgname = filesystem", REG),
            ("usr/", b"", DIR),
            ("usr/bin/", b"", DIR),
            ("usr/sbin", "bin", SYM),
            ("lib", "/usr/lib", SYM),
            ("etc/issue", b"first", REG),
        ],
    )
    shell = package(
        tmp_path / "shell.pkg.tar.gz",
        [
            ("usr/sbin/", b"", DIR),
            ("usr/sbin/bash", b"shell", REG),
            ("usr/bin/sh", "bash", SYM),
            ("usr/bin/rbash", "usr/sbin/bash", LNK),
            ("lib/modules/a", b"a", REG),
            ("etc/issue", b"second", REG),
        ],
        mode=0o4755,
    )
    root = tmp_path / "root"
    before = os.umask(0o077)
    try:
        package_files.unpack_packages([filesystem, shell], root)
    finally:
        os.umask(before)
    assert (root / "usr/sbin").is_symlink()
    assert (root / "usr/bin/sh").read_bytes() == b"shell"
    assert (root / "usr/bin/bash").stat().st_nlink == 2
    assert (root / "usr/bin/bash").stat().st_mode & 0o7777 == 0o755
    assert (root / "usr/lib/modules/a").read_bytes() == b"a"
    assert (root / "usr/lib").stat().st_mode & 0o7777 == 0o755
    assert (root / "etc/issue").read_bytes() == b"second"
    assert not (root / ".PKGINFO").exists()


def test_of_what_is_left_out_no_link_is_left(tmp_path: Path) -> None:
    """Arch's glibc has hard links to getconf(1) in another folder."""
    path = package(
        tmp_path / "glibc.pkg.tar.zst",
        [
            ("usr/bin/getconf", b"program", REG),
            ("usr/lib/getconf/POSIX_V7_LP64_OFF64", "usr/bin/getconf", LNK),
            ("usr/lib/libc.so.6", b"library", REG),
            ("usr/lib/libc.so", "usr/lib/libc.so.6", LNK),
        ],
    )
    package_files.unpack_packages([path], tmp_path / "root", without=("usr/bin/",))
    found = {str(it.relative_to(tmp_path / "root")) for it in (tmp_path / "root").rglob("*.so*")}
    assert found == {"usr/lib/libc.so.6", "usr/lib/libc.so"}
    assert not [*(tmp_path / "root").rglob("*getconf/*")]


def test_what_is_left_out_is_named_whole(tmp_path: Path) -> None:
    """A folder with a slash stays itself; a star does not lead into folders."""
    names = ("boot/image", "m/1/build/a", "m/1/build.a", "m/1/zimage", "m/1/x/zimage", "mm/1/build")
    path = package(
        tmp_path / "p.pkg.tar.zst", [("boot", b"", DIR), *((n, b"x", REG) for n in names)]
    )
    without = ("boot/", "m/*/build", "m/*/zimage")
    package_files.unpack_packages([path], tmp_path / "root", without=without)
    found = {str(it.relative_to(tmp_path / "root")) for it in (tmp_path / "root").rglob("*")}
    assert found == {"boot", "m", "m/1", "m/1/build.a", "m/1/x", "m/1/x/zimage"} | {
        *("mm", "mm/1", "mm/1/build")
    }


def test_links_do_not_lead_out(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "victim").write_text("whole")
    path = package(
        tmp_path / "p.pkg.tar.zst",
        [
            ("up", "../../../../../.." + str(outside), SYM),
            ("up/new", b"evil", REG),
            ("file", str(outside / "victim"), SYM),
            ("file", b"evil", REG),
            ("linked", "up/victim", SYM),
        ],
    )
    package_files.unpack_packages([path], tmp_path / "root")
    assert [entry.name for entry in outside.iterdir()] == ["victim"]
    assert (outside / "victim").read_text() == "whole"
    assert (tmp_path / "root" / str(outside)[1:] / "new").read_bytes() == b"evil"
    assert (tmp_path / "root/file").read_bytes() == b"evil"


def test_a_link_that_is_replaced_leads_elsewhere(tmp_path: Path) -> None:
    path = package(
        tmp_path / "p.pkg.tar.zst",
        [
            ("l", "a", SYM),
            ("a", b"", DIR),
            ("l/d", b"", DIR),
            ("l", "b", SYM),
            ("b", b"", DIR),
            ("l/d/file", b"x", REG),
        ],
        mode=0,
    )
    package_files.unpack_packages([path], tmp_path / "root")
    (tmp_path / "root/b/d/file").chmod(0o600)
    assert (tmp_path / "root/b/d/file").read_bytes() == b"x"
    assert list((tmp_path / "root/a/d").iterdir()) == []
    assert (tmp_path / "root/a/d").stat().st_mode & 0o7777 == 0o700


@pytest.mark.parametrize(("links", "fits"), [(40, True), (41, False)])
def test_as_many_links_as_the_kernel_follows(tmp_path: Path, links: int, fits: bool) -> None:
    chain: list[Member] = [(f"l{n}", f"l{n + 1}", SYM) for n in range(links)]
    members = [(f"l{links}", b"", DIR), *chain, ("l0/file", b"x", REG)]
    path = package(tmp_path / "p.pkg.tar.zst", members)
    if fits:
        package_files.unpack_packages([path], tmp_path / "root")
        file = tmp_path / f"root/l{links}/file"
        assert (file.read_bytes(), file.stat().st_mtime) == (b"x", trees.EPOCH)
    else:
        with pytest.raises(ImageError, match=r"^l0 is a loop of links"):
            package_files.unpack_packages([path], tmp_path / "root")


def test_a_file_that_is_linked_to_itself_stays(tmp_path: Path) -> None:
    path = package(tmp_path / "p.pkg.tar.zst", [("a", b"x", REG), ("./a", "a", LNK)])
    package_files.unpack_packages([path], tmp_path / "root")
    assert (tmp_path / "root/a").read_bytes() == b"x"


def test_a_hard_link_to_a_symbolic_link_does_not_follow_it(tmp_path: Path) -> None:
    path = package(
        tmp_path / "p.pkg.tar.zst", [("a", "/etc/passwd", SYM), ("b", "a", LNK), ("b", b"x", REG)]
    )
    package_files.unpack_packages([path], tmp_path / "root")
    assert (tmp_path / "root/b").read_bytes() == b"x"


def test_no_file_becomes_a_folder_by_a_link(tmp_path: Path) -> None:
    """A hard link to a symbolic link is one, too."""
    outside = tmp_path / "outside"
    outside.mkdir()
    path = package(
        tmp_path / "evil.pkg.tar.zst",
        [
            ("s", str(outside), SYM),
            ("a", b"", REG),
            ("a/", b"", DIR),
            ("a", "s", LNK),
            ("a/evil", b"evil", REG),
        ],
    )
    with pytest.raises(ImageError, match=r"a of evil\.pkg\.tar\.zst cannot be unpacked"):
        package_files.unpack_packages([path], tmp_path / "root")
    assert not list(outside.iterdir())


@pytest.mark.parametrize("kind", [SYM, LNK])
def test_a_folder_is_not_replaced_by_a_link(tmp_path: Path, kind: bytes) -> None:
    (tmp_path / "outside").mkdir()
    path = package(
        tmp_path / "evil.pkg.tar.zst",
        [
            ("s", str(tmp_path / "outside"), SYM),
            ("a/", b"", DIR),
            ("a", "s", kind),
            ("a/evil", b"evil", REG),
        ],
    )
    with pytest.raises((HostError, ImageError)):
        package_files.unpack_packages([path], tmp_path / "root")
    assert not list((tmp_path / "outside").iterdir())


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([("dev", b"", CHR)], "no package has"),
        ([("a", "b", SYM), ("b", "a", SYM), ("a/x", b"", REG)], "loop"),
        ([("a", b"", REG), ("a/x", b"", REG)], "a/x of p.pkg.tar.zst cannot be unpacked"),
        ([("a/x", b"", REG), ("a", b"", REG)], "a of p.pkg.tar.zst cannot be unpacked"),
        ([("a", "missing", LNK)], "a of p.pkg.tar.zst cannot be unpacked"),
    ],
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, members: Sequence[Member], message: str
) -> None:
    path = package(tmp_path / "p.pkg.tar.zst", members)
    with pytest.raises(ImageError, match=message):
        package_files.unpack_packages([path], tmp_path / "root")


def test_a_lack_of_room_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("aimager.package_files._Layers.add", fill)
    path = package(tmp_path / "p.pkg.tar.zst", [("a", b"x", REG)])
    with pytest.raises(HostError, match=r"a of p\.pkg\.tar\.zst cannot .* No space left") as caught:
        package_files.unpack_packages([path], tmp_path / "root")
    assert "tmpfs-root=no" in caught.value.hint

"""Archives have the same bytes wherever they are packed, and unpacking cannot escape its root."""

import gzip
import io
import lzma
import os
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import zstandard

from aimager import archive, package_files
from aimager.errors import CommandError, ConfigError, ImageError
from aimager.sandbox.namespace import call
from tests.support import trees

Member = tuple[str, bytes | str, bytes]
"""A name, its content or the target of the link, and its type."""


def package(path: Path, members: Sequence[Member], *, mode: int = 0o755) -> Path:
    """A package, compressed as its name tells."""
    text = io.BytesIO()
    with tarfile.open(fileobj=text, mode="w") as tar:
        for name, content, kind in members:
            info = tarfile.TarInfo(name)
            info.type = kind
            info.mode = mode
            info.mtime = trees.EPOCH
            if isinstance(content, str):
                info.linkname = content
                tar.addfile(info)
            else:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
    if path.suffix == ".zst":
        path.write_bytes(zstandard.compress(text.getvalue()))
    else:
        compress = lzma.compress if path.suffix == ".xz" else gzip.compress
        path.write_bytes(compress(text.getvalue()))
    return path


REG, DIR, SYM, LNK, CHR = (
    tarfile.REGTYPE,
    tarfile.DIRTYPE,
    tarfile.SYMTYPE,
    tarfile.LNKTYPE,
    tarfile.CHRTYPE,
)


def test_equal_trees_have_equal_archives(tmp_path: Path) -> None:
    variant = trees.Variant(tmp_path / "work", 0o077, "Asia/Tokyo", reverse=True)
    sums = call(trees.pack_twice, variant, work=variant.work)
    assert len(set(sums)) == 1, sums


def test_a_failing_tar_is_quoted(tmp_path: Path) -> None:
    said = call(trees.overwrite_in_use, trees.Variant(tmp_path / "work"), work=tmp_path / "work")
    assert said.startswith("tar failed with status 2")
    assert "etc/shadow" in said


@pytest.mark.parametrize("name", ["a.tar", "a.tar.zst"])
def test_a_failing_tar_publishes_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(CommandError, match="missing"):
        archive.pack_tree(trees.TOOLS, tmp_path / "missing", tmp_path / name, epoch=1)
    assert not list(tmp_path.iterdir())


def test_a_failing_zstd_publishes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "zstd_argv", lambda *_: ["zstd", "--nonsense"])
    (tmp_path / "tree").mkdir()
    with pytest.raises(CommandError, match="zstd failed"):
        archive.pack_tree(trees.TOOLS, tmp_path / "tree", tmp_path / "a.tar.zst", epoch=1)
    assert [path.name for path in tmp_path.iterdir()] == ["tree"]


@pytest.mark.parametrize("damage", ["cut off", "changed", "stranger"])
def test_a_damaged_archive_is_named(tmp_path: Path, damage: str) -> None:
    tree, path = tmp_path / "tree", tmp_path / "x.tar.zst"
    tree.mkdir()
    (tree / "file").write_bytes(os.urandom(3 << 20))
    archive.pack_tree(trees.TOOLS, tree, path, epoch=0)
    whole = path.read_bytes()
    path.write_bytes(
        {
            "cut off": whole[: len(whole) // 2],
            "changed": whole[:-1] + bytes([whole[-1] ^ 1]),
            "stranger": b"no archive",
        }[damage]
    )
    with pytest.raises(ImageError, match=r"x\.tar\.zst is damaged"):
        archive.unpack_tree(trees.TOOLS, path, tmp_path / "root")


def test_what_is_no_tree_is_tars_to_tell(tmp_path: Path) -> None:
    path = tmp_path / "x.tar.zst"
    path.write_bytes(zstandard.compress(b"no archive"))
    with pytest.raises(CommandError, match="tar failed"):
        archive.unpack_tree(trees.TOOLS, path, tmp_path / "root")


@pytest.mark.parametrize("suffix", ["tar", "tar.zst", "tar.gz", "tar.xz"])
def test_archives_of_every_kind_are_unpacked(tmp_path: Path, suffix: str) -> None:
    tree, path = tmp_path / "tree", tmp_path / f"x.{suffix}"
    tree.mkdir()
    (tree / "file").write_text("content")
    archive.pack_tree(trees.TOOLS, tree, tmp_path / "plain.tar", epoch=0)
    plain = (tmp_path / "plain.tar").read_bytes()
    how: dict[str, Callable[[bytes], bytes]] = {
        ".zst": zstandard.compress,
        ".gz": gzip.compress,
        ".xz": lzma.compress,
    }
    path.write_bytes(how[path.suffix](plain) if path.suffix in how else plain)
    archive.unpack_tree(trees.TOOLS, path, tmp_path / "root")
    assert (tmp_path / "root/file").read_text() == "content"


def test_a_name_must_tell_the_compression(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"a\.zip"):
        archive.pack_tree(trees.TOOLS, tmp_path, tmp_path / "a.zip", epoch=1)


@pytest.mark.parametrize("kind", ["zst", "xz", "gz"])
def test_members_are_read(tmp_path: Path, kind: str) -> None:
    path = package(
        tmp_path / f"keyring.pkg.tar.{kind}",
        [
            (".PKGINFO", b"pkgname = keyring", REG),
            ("./usr/share/pacman/keyrings/a.gpg", b"key", REG),
            ("usr/share/pacman/keyrings/link.gpg", "/etc/passwd", SYM),
            ("etc/other", b"no", REG),
        ],
    )
    found = package_files.read_members(
        path, lambda name: name.startswith("usr/share/pacman/keyrings/")
    )
    assert found == {"usr/share/pacman/keyrings/a.gpg": b"key"}


@pytest.mark.parametrize("kind", ["zst", "xz", "gz"])
def test_cut_off_packages_are_named(tmp_path: Path, kind: str) -> None:
    path = package(tmp_path / f"p.pkg.tar.{kind}", [("a", os.urandom(50_000), REG)])
    whole = path.read_bytes()
    for size in (len(whole) - 1, len(whole) // 2, 100):
        path.write_bytes(whole[:size])
        with pytest.raises(ImageError, match=r"p\.pkg\.tar\..* is damaged"):
            package_files.read_members(path, lambda name: False)


def test_a_stranger_is_no_package(tmp_path: Path) -> None:
    path = tmp_path / "p.pkg.tar.zst"
    for content in (b"<html>not found</html>", zstandard.compress(b"no archive" * 1000)):
        path.write_bytes(content)
        with pytest.raises(ImageError, match=r"p\.pkg\.tar\.zst is damaged"):
            package_files.read_members(path, lambda name: True)


def test_members_are_bounded(tmp_path: Path) -> None:
    path = package(tmp_path / "p.pkg.tar.zst", [("a", bytes(2 << 20), REG), ("b", b"b", REG)])
    with pytest.raises(ImageError, match="a has 2097152 bytes, and not at most 1048576"):
        package_files.read_members(path, lambda name: True, limit=1 << 20)
    assert package_files.read_members(path, lambda name: name == "b", limit=1 << 20) == {"b": b"b"}
    with pytest.raises(ImageError, match="holds more than 1 MiB"):
        package_files.read_members(path, lambda name: name == "b", unpacked=1 << 20)


@pytest.mark.parametrize("name", ["../x", "/x", "usr/../../x"])
def test_names_do_not_escape(tmp_path: Path, name: str) -> None:
    path = package(tmp_path / "p.pkg.tar.zst", [(name, b"", REG)])
    with pytest.raises(ImageError, match="outside the root"):
        package_files.read_members(path, lambda name: True)
    with pytest.raises(ImageError, match="outside the root"):
        package_files.unpack_packages([path], tmp_path / "root")
    assert not (tmp_path / "x").exists()


def test_the_size_of_an_archive(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    for name, size in (("empty", 0), ("full", 512), ("more", 513)):
        (tmp_path / "tree" / name).write_bytes(b"x" * size)
    assert archive.tar_size(tmp_path / "tree") == 3 * 512 + 0 + 512 + 1024

"""Sync databases are read whatever compresses them, and what is not one is refused."""

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from aimager.errors import DownloadError
from aimager.packages.sync_database import (
    DatabaseArchive,
    DatabasePackage,
    decompress,
    read_database,
    read_databases,
    read_packages,
    write_databases,
)
from tests.support.locked import make_package

DESC = {
    "FILENAME": ["zlib-1:1.3-1-x86_64.pkg.tar.zst"],
    "NAME": ["zlib"],
    "BASE": ["zlib"],
    "VERSION": ["1:1.3-1"],
    "DESC": ["Compression, of course: größer"],
    "CSIZE": ["1000"],
    "ISIZE": ["3000"],
    "SHA256SUM": ["ab" * 32],
    "ARCH": ["x86_64"],
    "BUILDDATE": ["1700000000"],
    "DEPENDS": ["glibc>=2.40", "sh"],
    "PROVIDES": ["libz.so=1-64"],
}
ZLIB = make_package(
    "zlib", version="1:1.3-1", file="zlib-1:1.3-1-x86_64.pkg.tar.zst", sha256="ab" * 32
)
COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "zst": zstandard.ZstdCompressor(write_checksum=True).compress,
    "xz": lzma.compress,
    "bz2": bz2.compress,
    "plain": bytes,
}


def desc_text(**changes: list[str]) -> str:
    fields = {**DESC, **changes}
    return "".join(f"%{key}%\n" + "\n".join([*values, "", ""]) for key, values in fields.items())


def tar_of(**files: str) -> bytes:
    """A database with these files, whose names have no suffix: ``desc`` of each package."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for folder, text in files.items():
            directory = tarfile.TarInfo(folder)
            directory.type = tarfile.DIRTYPE
            archive.addfile(directory)
            for name in ("desc", "files"):
                member = tarfile.TarInfo(f"{folder}/{name}")
                data = text.encode() if name == "desc" else b"%FILES%\nusr/\n"
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
    return content.getvalue()


def noise(size: int) -> str:
    """Text that does not compress well, so that a stream of it has many blocks."""
    state, words = 1, []
    for _ in range(size // 8):
        state = state * 6364136223846793005 % (1 << 61)
        words.append(f"{state:016x}"[:8])
    return "".join(words)


TAR = tar_of(zlib=desc_text())
BIG = tar_of(**{f"p{n}": desc_text(NAME=[f"p{n}"], DESC=[noise(5_000)]) for n in range(100)})


@pytest.mark.parametrize("kind", COMPRESSORS)
def test_any_compression_is_read(kind: str) -> None:
    package = DatabasePackage(ZLIB, ("libz.so=1-64",), ("glibc>=2.40", "sh"))
    assert read_database("core", COMPRESSORS[kind](TAR)) == {"zlib": package}


def test_what_a_package_need_not_say() -> None:
    fields = {key: values for key, values in DESC.items() if key not in ("DEPENDS", "PROVIDES")}
    text = "".join(f"%{key}%\n{values[0]}\n\n" for key, values in fields.items())
    assert read_database("core", tar_of(zlib=text))["zlib"] == DatabasePackage(ZLIB, (), ())


def test_a_database_may_be_empty() -> None:
    assert read_database("core", gzip.compress(tar_of())) == {}


@pytest.mark.parametrize("kind", ["gz", "zst", "xz", "bz2"])
@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_damage_is_noticed(kind: str, damage: str) -> None:
    whole = bytearray(COMPRESSORS[kind](BIG))
    middle = len(whole) // 2
    if damage == "cut":
        del whole[middle:]
    else:
        for index in range(middle, middle + 64):
            whole[index] ^= 0xFF
    with pytest.raises(ValueError, match=r"\S"):
        decompress(bytes(whole))
    with pytest.raises(DownloadError, match=r"^core\.db is not a sync database: \S"):
        read_database("core", bytes(whole))


def test_a_stream_of_no_known_form_is_noticed() -> None:
    with pytest.raises(DownloadError, match=r"^core\.db is not a sync database: .*block type"):
        read_database("core", gzip.compress(b"")[:10] + b"\xff" * 100)


def test_every_cut_of_a_zstd_stream_is_noticed() -> None:
    whole = COMPRESSORS["zst"](BIG)
    for size in range(4, len(whole), len(whole) // 50):
        with pytest.raises(ValueError, match=r"\S"):
            decompress(whole[:size])


def test_a_stream_may_have_several_frames() -> None:
    for kind in COMPRESSORS:
        parts = (TAR[:1000], TAR[1000:])
        assert decompress(b"".join(COMPRESSORS[kind](part) for part in parts)) == TAR


@pytest.mark.parametrize(
    "data",
    [
        b"<!DOCTYPE html>\n<html><body>Please log in" + b" " * 2000,
        b"<html/>",
        b"",
        gzip.compress(b"<html>Please log in</html>" * 100),
        TAR[:1200],
    ],
    ids=["page", "short page", "nothing", "compressed page", "half a tar"],
)
def test_what_is_no_database_is_refused(data: bytes) -> None:
    with pytest.raises(DownloadError) as caught:
        read_database("extra", data)
    assert caught.value.message.startswith("extra.db is not a sync database: ")
    assert "repo-url-parent=" in caught.value.hint


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"FILENAME": ["../../etc/passwd"]}, "it names the file ../../etc/passwd"),
        ({"FILENAME": ["a/b"]}, "it names the file a/b"),
        ({"FILENAME": [".."]}, "it names the file .."),
        ({"SHA256SUM": ["ab"]}, "it says of {} that its SHA-256 is ab"),
        ({"SHA256SUM": ["AB" * 32]}, "it says of {} that its SHA-256 is " + "AB" * 32),
        (
            {"SHA256SUM": ["../" * 21 + "x"]},
            "it says of {} that its SHA-256 is " + "../" * 21 + "x",
        ),
        ({"CSIZE": ["many"]}, "a size of many bytes"),
    ],
)
def test_what_leads_astray_is_refused(changes: dict[str, list[str]], reason: str) -> None:
    with pytest.raises(DownloadError) as caught:
        read_database("core", tar_of(zlib=desc_text(**changes)))
    reason = reason.format(DESC["FILENAME"][0])
    assert caught.value.message == f"core.db is not a sync database: {reason}"


@pytest.mark.parametrize("missing", ["FILENAME", "NAME", "SHA256SUM", "CSIZE", "BUILDDATE"])
def test_a_missing_field_or_value_is_refused(missing: str) -> None:
    text = desc_text().replace(f"%{missing}%", "%OTHER%")
    with pytest.raises(DownloadError, match=missing):
        read_database("core", tar_of(zlib=text))
    with pytest.raises(DownloadError, match=r"core\.db is not a sync database: "):
        read_database("core", tar_of(zlib=desc_text(**{missing: []})))


def test_the_first_repository_wins() -> None:
    databases = DatabaseArchive(
        "",
        (
            ("core", tar_of(zlib=desc_text())),
            ("extra", tar_of(zlib=desc_text(VERSION=["9-1"]), vim=desc_text(NAME=["vim"]))),
        ),
    )
    packages = databases.read()
    assert {p.locked.name: p.locked.repository for p in packages.values()} == {
        "zlib": "core",
        "vim": "extra",
    }
    assert packages["zlib"].locked.version == "1:1.3-1"


def test_databases_are_kept_and_read_back_in_order(tmp_path: Path) -> None:
    target = tmp_path / "sync.tar"
    databases = (("extra", gzip.compress(TAR)), ("core", lzma.compress(BIG)))
    write_databases(DatabaseArchive("[extra]\n# größer\n", databases), target)
    read = read_databases(target)
    assert read == DatabaseArchive("[extra]\n# größer\n", (("extra", TAR), ("core", BIG)))


def test_the_archive_changes_only_when_a_database_does(tmp_path: Path) -> None:
    target, other = tmp_path / "a.tar", tmp_path / "b.tar"
    write_databases(DatabaseArchive("x", (("core", gzip.compress(TAR, mtime=1)),)), target)
    before = target.stat()
    write_databases(DatabaseArchive("x", (("core", gzip.compress(TAR, mtime=2)),)), target)
    assert target.stat().st_mtime_ns == before.st_mtime_ns
    assert target.stat().st_ino == before.st_ino
    write_databases(DatabaseArchive("x", (("core", TAR),)), other)
    assert other.read_bytes() == target.read_bytes()
    write_databases(DatabaseArchive("x", (("core", BIG),)), target)
    assert other.read_bytes() != target.read_bytes()


def test_a_damaged_database_is_not_kept(tmp_path: Path) -> None:
    cut = gzip.compress(BIG)[:-100]
    with pytest.raises(ValueError, match=r"\S"):
        write_databases(DatabaseArchive("x", (("core", cut),)), tmp_path / "a.tar")
    assert not list(tmp_path.iterdir())


def test_packages_are_read_once_as_long_as_the_archive_is_the_same(tmp_path: Path) -> None:
    archive = tmp_path / "databases.tar"
    database = tar_of(**{"zlib-1": desc_text()})
    write_databases(DatabaseArchive("", (("core", database),)), archive)
    known = read_packages(archive)
    assert read_packages(archive) is known
    assert set(known) == {"zlib"}
    write_databases(DatabaseArchive("", (("core", tar_of()),)), archive)
    assert read_packages(archive) == {}

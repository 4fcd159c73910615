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
from aimager.packages.database_entry import read_fields
from aimager.packages.sync_database import DatabasePackage, read_database
from tests.support.locked import make_package
from tests.support.lz4_frames import stored

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
    "lz4": stored,
    "plain": bytes,
}


def desc_text(**changes: list[str]) -> str:
    fields = {**DESC, **changes}
    return "".join(f"%{key}%\n" + "\n".join([*values, "", ""]) for key, values in fields.items())


def tar_of(**files: str) -> bytes:
    """A database with these entries: ``desc`` of each package."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for text in files.values():
            fields = read_fields(text)
            folder = f"{fields.get('NAME', ['x'])[0]}-{fields.get('VERSION', ['1-1'])[0]}"
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
    with pytest.raises(DownloadError, match=r"^core\.db is not a sync database: \S"):
        read_database("core", bytes(whole))


def test_a_stream_of_no_known_form_is_noticed() -> None:
    with pytest.raises(DownloadError, match=r"^core\.db is not a sync database: .*block type"):
        read_database("core", gzip.compress(b"")[:10] + b"\xff" * 100)


def test_every_cut_of_a_zstd_stream_is_noticed() -> None:
    whole = COMPRESSORS["zst"](BIG)
    for size in range(4, len(whole), len(whole) // 50):
        with pytest.raises(DownloadError, match=r"\S"):
            read_database("core", whole[:size])


def test_a_stream_may_have_several_frames() -> None:
    for kind in COMPRESSORS:
        parts = (TAR[:1000], TAR[1000:])
        whole = b"".join(COMPRESSORS[kind](part) for part in parts)
        assert read_database("core", whole) == read_database("core", TAR)


@pytest.mark.parametrize(
    "data",
    [
        b"<!DOCTYPE html>\n<html><body>Please log in" + b" " * 2000,
        b"<html/>",
        b"",
        gzip.compress(b"<html>Please log in</html>" * 100, mtime=0),
        TAR[:1200],
        b"\x04\x22\x4d\x18" + TAR,
        stored(TAR)[:-20],
    ],
    ids=["page", "short page", "nothing", "compressed page", "half a tar", "lz4", "cut lz4"],
)
def test_what_is_no_database_is_refused(data: bytes) -> None:
    with pytest.raises(DownloadError) as caught:
        read_database("extra", data)
    assert caught.value.message.startswith("extra.db is not a sync database: ")
    assert "repo-url-parent=" in caught.value.hint


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"FILENAME": ["../../etc/passwd"]}, "it says ../../etc/passwd"),
        ({"FILENAME": ["a/b"]}, "it says a/b"),
        ({"FILENAME": [".."]}, "it names the file .."),
        ({"FILENAME": ["a\0b"]}, r"it says a\x00b"),
        ({"FILENAME": ["a\x1b]52;c;eA==\x07"]}, r"it says a\x1b]52;c;eA==\x07"),
        ({"FILENAME": ["a\u202eb"]}, r"it says a\u202eb"),
        ({"FILENAME": [""]}, "it lacks its FILENAME"),
        ({"ARCH": ["\x9b2J"]}, r"it says \x9b2J"),
        ({"SHA256SUM": ["ab"]}, "it says of {} that its SHA-256 is ab"),
        ({"SHA256SUM": ["AB" * 32]}, "it says of {} that its SHA-256 is " + "AB" * 32),
        (
            {"SHA256SUM": ["../" * 21 + "x"]},
            "it says of {} that its SHA-256 is " + "../" * 21 + "x",
        ),
        ({"CSIZE": ["many"]}, "its CSIZE is many"),
        ({"CSIZE": ["9" * 5000]}, "its CSIZE is " + "9" * 200),
        ({"CSIZE": ["٣"]}, "its CSIZE is ٣"),
        ({"BUILDDATE": ["-1"]}, "its BUILDDATE is -1"),
    ],
)
def test_what_leads_astray_is_refused_when_it_is_needed(
    changes: dict[str, list[str]], reason: str
) -> None:
    database = tar_of(zlib=desc_text(**changes), vim=desc_text(NAME=["vim"]))
    packages = read_database("core", database)
    assert set(packages) == {"vim"}
    reason = reason.format(DESC["FILENAME"][0])
    told = f"the entry zlib-1:1.3-1 of core.db cannot be used: {reason}"
    assert str(DownloadError(packages.faults["zlib"])).startswith(told)


@pytest.mark.parametrize("missing", ["FILENAME", "SHA256SUM", "CSIZE"])
def test_a_missing_field_or_value_is_told(missing: str) -> None:
    text = desc_text().replace(f"%{missing}%", "%OTHER%")
    for entry in (text, desc_text(**{missing: []})):
        packages = read_database("core", tar_of(zlib=entry))
        assert packages == {}
        assert packages.faults["zlib"].endswith(
            f" of core.db cannot be used: it lacks its {missing}"
        )


@pytest.mark.parametrize("missing", ["BUILDDATE", "ARCH", "ISIZE"])
def test_pacman_can_do_without(missing: str) -> None:
    text = desc_text().replace(f"%{missing}%", "%OTHER%")
    locked = read_database("core", tar_of(zlib=text))["zlib"].locked
    assert (locked.architecture, locked.build_date, locked.installed_size) == (
        "x86_64",
        0 if missing == "BUILDDATE" else 1700000000,
        0 if missing == "ISIZE" else 3000,
    )


def test_other_letters_are_read(tmp_path: Path) -> None:
    text = desc_text().encode().replace("größer".encode(), "größer".encode("latin-1"))
    assert read_database("core", entries(("zlib-1:1.3-1/desc", text)))["zlib"].locked == ZLIB


def entries(*files: tuple[str, bytes]) -> bytes:
    """A database with these files."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name, data in files:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return content.getvalue()


@pytest.mark.parametrize(
    "folder", ["zlib", "zlib-1", "renamed-1:1.3-1", "zlib-2-1", "-", "a/b-1-1"]
)
def test_an_entry_has_the_name_of_its_package(folder: str) -> None:
    packages = read_database("core", entries((f"{folder}/desc", desc_text().encode())))
    assert packages == {}
    (fault,) = packages.faults.values()
    assert fault.startswith(f"the entry {folder} of core.db cannot be used: it says that its ")


def test_of_two_entries_of_a_name_none_is_chosen() -> None:
    text = desc_text(VERSION=["2-1"]).encode()
    files = (("zlib-1:1.3-1/desc", desc_text().encode()), ("zlib-2-1/desc", text))
    packages = read_database("core", entries(*files))
    assert packages == {}
    assert packages.faults == {"zlib": "core.db has two entries of zlib"}


def test_what_a_package_depends_on_may_lie_apart() -> None:
    desc, _, depends = desc_text().partition("%DEPENDS%")
    old = entries(
        ("zlib-1:1.3-1/desc", desc.encode()),
        ("zlib-1:1.3-1/depends", f"%DEPENDS%{depends}".encode()),
    )
    assert read_database("core", old)["zlib"].depends == ("glibc>=2.40", "sh")


def test_what_lies_below_a_folder_of_its_own_has_no_name_of_a_package() -> None:
    """As for libalpm; what lies in no folder is nothing."""
    text = desc_text(NAME=["a"], VERSION=["1-1"]).encode()
    read = read_database("core", entries(("./a-1-1/desc", text), ("./desc", text), ("desc", text)))
    assert not read
    assert list(read.faults) == ["./a"]

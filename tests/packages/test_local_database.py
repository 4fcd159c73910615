"""What a root's local database says of its packages."""

import json
from pathlib import Path

import pytest

from aimager.errors import ImageError
from aimager.image.spdx import Subject, spdx_text
from aimager.packages.local_database import (
    InstalledPackage,
    package_of,
    read_local_database,
    settle_records,
)
from aimager.sandbox.tree import Tree
from tests.support.locked import make_package

DESC = """\
%NAME%
gawk

%VERSION%
1:5.2.1-2

%DESC%
An interpreter

%URL%
https://www.gnu.org/software/gawk/

%ARCH%
x86_64

%BUILDDATE%
1700000000

%PACKAGER%
Jan Doe <jan@example.org>

%LICENSE%
GPL-3.0-or-later
FSFAP

%DEPENDS%
glibc
libreadline.so=8-64

%PROVIDES%
awk

"""


def record(root: Path, folder: str, desc: str) -> None:
    path = root / "var/lib/pacman/local" / folder
    path.mkdir(parents=True)
    (path / "desc").write_text(desc)


def desc_of(root: Path, folder: str) -> str:
    return (root / "var/lib/pacman/local" / folder / "desc").read_text()


def test_records(tmp_path: Path) -> None:
    record(tmp_path, "gawk-1:5.2.1-2", DESC)
    record(tmp_path, "base-3-2", "%NAME%\nbase\n\n%VERSION%\n3-2\n\n")
    (tmp_path / "var/lib/pacman/local/ALPM_DB_VERSION").write_text("9\n")
    assert read_local_database(Tree(tmp_path)) == {
        "base": InstalledPackage("base", "3-2", "", "", (), (), ()),
        "gawk": InstalledPackage(
            name="gawk",
            version="1:5.2.1-2",
            url="https://www.gnu.org/software/gawk/",
            packager="Jan Doe <jan@example.org>",
            licenses=("GPL-3.0-or-later", "FSFAP"),
            depends=("glibc", "libreadline.so=8-64"),
            provides=("awk",),
            architecture="x86_64",
            build_date=1_700_000_000,
        ),
    }


@pytest.mark.parametrize("field", ["DESC", "PACKAGER", "LICENSE", "URL"])
def test_a_record_in_another_encoding_is_read(tmp_path: Path, field: str) -> None:
    record(tmp_path, "gawk-1", "%NAME%\ngawk\n\n%VERSION%\n1\n\n")
    desc = tmp_path / "var/lib/pacman/local/gawk-1/desc"
    desc.write_bytes(desc.read_bytes() + f"%{field}%\nJosé\n\n".encode("latin-1"))
    package = read_local_database(Tree(tmp_path))["gawk"]
    assert (package.name, package.version) == ("gawk", "1")
    told = {"PACKAGER": package.packager, "LICENSE": "".join(package.licenses), "URL": package.url}
    assert told.get(field, "Jos\ufffd") == "Jos\ufffd"
    spdx = spdx_text(Subject("archlinux-x86_64-none", "arch", 0), [], {"gawk": package})
    assert all(not 0xD800 <= ord(letter) < 0xE000 for letter in repr(json.loads(spdx)))


@pytest.mark.parametrize(
    "desc",
    [
        "%NAME%\ngawk\n\n",
        DESC.replace("1700000000", "soon"),
        DESC.replace("1700000000", "9" * 5000),
    ],
    ids=["no version", "no time", "too long a time"],
)
def test_a_damaged_record_is_named(tmp_path: Path, desc: str) -> None:
    record(tmp_path, "gawk-1", desc)
    with pytest.raises(ImageError, match=r"^/var/lib/pacman/local/gawk-1/desc of the image is"):
        read_local_database(Tree(tmp_path))


@pytest.mark.parametrize(
    ("record", "name"),
    [
        ("var/lib/pacman/local/bash-5.2-1/files", "bash"),
        ("var/lib/pacman/local/a-b-1:2-3/desc", "a-b"),
        ("local/odd/desc", "odd"),
    ],
)
def test_whose_record_it_is(record: str, name: str) -> None:
    assert package_of(record) == name


def test_times_are_forgotten(tmp_path: Path) -> None:
    text = "%NAME%\nzlib\n\n%BUILDDATE%\n1600000000\n\n%INSTALLDATE%\n{}\n\n%SIZE%\n1700000001\n"
    record(tmp_path, "zlib-1.3-1", text.format("1700000001"))
    gone = ["var/lib/pacman/sync/core.db", "var/cache/pacman/pkg/a.zst"]
    kept = ["etc/pacman.d/mirrorlist", "var/log/other.log"]
    for name in gone + kept:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    settle_records(Tree(tmp_path), 1234567890)
    assert desc_of(tmp_path, "zlib-1.3-1") == text.format("1234567890")
    assert not [name for name in gone if (tmp_path / name).exists()]
    assert all((tmp_path / name).exists() for name in kept)


def test_the_record_says_whose_signature_was_verified(tmp_path: Path) -> None:
    """Whether pacman has done it, or not looked, as what it writes itself tells."""
    text = "%NAME%\n{}\n\n%INSTALLDATE%\n7\n\n%VALIDATION%\n{}\n\n%REPLACES%\nnone\n"
    cases = {
        "signed-1.0-1": ("none", "pgp"),
        "before-1.0-1": ("pgp", "pgp"),
        "unsigned-1.0-1": ("none", "none"),
        "signed-1.0-2": ("none", "none"),
    }
    for name, (said, _) in cases.items():
        record(tmp_path, name, text.format(name, said))
    for folder in ("var/lib/pacman/sync", "var/cache/pacman/pkg"):
        (tmp_path / folder).mkdir(parents=True)
    signed = [make_package("signed"), make_package("before")]
    settle_records(Tree(tmp_path), 7, signed)
    for name, (_, after) in cases.items():
        assert desc_of(tmp_path, name) == text.format(name, after)

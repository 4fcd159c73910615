"""The lock is its bytes: sorted, and good to read as a diff."""

import dataclasses
import difflib
from pathlib import Path

import pytest

from aimager.errors import ConfigError
from aimager.model.lock import UNSIGNED, Lock, find_package, newest, read_lock, write_lock
from tests.support.locked import make_package
from tests.support.places import GOLDEN

ZLIB = make_package("zlib", build_date=1_700_000_007, installed_size=5000)
BASH = make_package("bash")
LOCK = Lock("archlinux-x86_64", ("zlib",), (BASH, ZLIB))


def test_text() -> None:
    assert write_lock(LOCK) == (GOLDEN / "lock.json").read_text()


def test_it_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "lock.json"
    path.write_text(write_lock(LOCK))
    assert read_lock(path) == LOCK


def test_a_new_version_changes_one_line() -> None:
    newer = Lock(LOCK.platform, LOCK.requested, (make_package("bash", version="1.0-2"), ZLIB))
    lines = difflib.ndiff(write_lock(LOCK).splitlines(), write_lock(newer).splitlines())
    assert [line.split() for line in lines if line[0] in "+-"] == [
        ["-", '"version":', '"1.0-1"'],
        ["+", '"version":', '"1.0-2"'],
    ]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"platform": "x"}', "<html>", '{"a": 1}'])
def test_what_is_no_lock_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "lock.json"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_lock(path)
    assert caught.value.message.startswith(f"{path} is not a lock: ")
    assert caught.value.hint == "delete it"


def test_epoch_and_size() -> None:
    assert LOCK.epoch == 1_700_000_007
    assert LOCK.installed_size == 8000
    empty = Lock("x", (), ())
    assert (empty.epoch, empty.installed_size) == (0, 0)
    assert newest([empty, LOCK, Lock("x", (), (BASH,))]) == 1_700_000_007


def test_without() -> None:
    assert LOCK.without(Lock("x", (), (BASH,))) == (ZLIB,)
    assert LOCK.without(LOCK) == ()
    rebuilt = make_package("bash", sha256="0" * 64)
    assert LOCK.without(Lock("x", (), (rebuilt,))) == (BASH, ZLIB)


def test_packages() -> None:
    assert find_package(LOCK.packages, "zlib") is ZLIB
    assert find_package(LOCK.packages, "zli") is None
    assert str(ZLIB) == "zlib 1.0-1"
    sha256 = ZLIB.sha256
    expected = Path("/store") / sha256[:2] / sha256 / "zlib-1.0-1-x86_64.pkg.tar.zst"
    assert ZLIB.path(Path("/store")) == expected
    assert ZLIB.signature(Path("/store")) == expected.with_name(f"{expected.name}.sig")
    assert ZLIB.is_signed
    assert not make_package("own", repository=UNSIGNED).is_signed


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("file", name) for name in ("", ".x", "a/b", "a\0b", "x" * 201, "\u00e9" * 101)),
        *(("sha256", digest) for digest in ("a" * 63, "a" * 65, "A" * 64, "g" * 64)),
        *(("size", size) for size in (0, -1)),
        ("installed_size", -1),
    ],
)
def test_what_no_package_can_have(field: str, value: str | int) -> None:
    with pytest.raises(ValueError, match="it "):
        dataclasses.replace(ZLIB, **{field: value})  # type: ignore[arg-type]


def test_the_least_and_the_longest() -> None:
    dataclasses.replace(ZLIB, size=1, installed_size=0, file="x" * 200)
    dataclasses.replace(ZLIB, file="\u00e9" * 100)
    dataclasses.replace(ZLIB, file="x")

"""Images that go by a shared store come back as they were, and are not left there."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from aimager.files import sha256
from aimager.model.remote import Remote
from aimager.products.cache import describe_files
from aimager.products.derivation import Derivation
from aimager.products.record import KeptFile, Record
from aimager.products.remote.returned import (
    discard,
    is_returned,
    pack,
    send_back,
    take_back,
    unpack,
)
from tests.support.signers import UNSIGNED, trust_in

MIDDLE = 64 << 20


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A file that is mostly a hole."""
    path = tmp_path / "made/disk.img"
    path.parent.mkdir()
    with path.open("wb") as stream:
        stream.write(os.urandom(3 << 20))
        stream.seek(MIDDLE)
        stream.write(b"middle")
        stream.truncate(2 * MIDDLE)
    os.utime(path, ns=(1, 123456789))
    return path


def described(path: Path) -> KeptFile:
    (file,) = describe_files([path])
    return file


@dataclass(frozen=True)
class Stage:
    target: Path

    def run(self) -> None:
        """Do nothing."""


def record(path: Path) -> Record:
    derivation = Derivation("pack-image", "Stage", {}, {}, {})
    made = {"lock": "sum"}
    return Record("pack-image", "x", "id", False, derivation, made, {}, {}, describe_files([path]))


def remote(folder: Path, *, signed: bool) -> Remote:
    trust = trust_in(folder) if signed else UNSIGNED
    return Remote(f"file://{folder / 'store'}", folder / "run/remote", trust)


def test_holes_and_times_are_kept(image: Path, tmp_path: Path) -> None:
    pack(image, described(image), tmp_path / "way")
    assert (tmp_path / "way").stat().st_size < 4 << 20
    target = tmp_path / "there/disk.img"
    target.parent.mkdir()
    assert unpack(tmp_path / "way", target) == described(image)
    assert sha256(target) == sha256(image)
    assert target.stat().st_blocks <= image.stat().st_blocks
    assert target.stat().st_mtime_ns == 123456789


@pytest.mark.parametrize("damage", ["cut", "other", "empty"])
def test_what_is_damaged_is_not_unpacked(image: Path, tmp_path: Path, damage: str) -> None:
    way, target = tmp_path / "way", tmp_path / "disk.img"
    pack(image, described(image), way)
    content = way.read_bytes()
    way.write_bytes({"cut": content[: len(content) // 2], "other": b"other", "empty": b""}[damage])
    assert unpack(way, target) is None
    assert not target.exists()


@pytest.mark.parametrize("signed", [True, False])
def test_it_is_taken_once(image: Path, tmp_path: Path, signed: bool) -> None:
    store, sent = remote(tmp_path, signed=signed), record(image)
    send_back(store, sent, image.parent)
    assert is_returned(store, "pack-image", "id")
    target = tmp_path / "view/disk.img"
    empty = replace(sent, files=())
    assert take_back(store, Stage(target), replace(empty, made_from={}), "id") is None
    taken = take_back(store, Stage(target), empty, "id")
    assert taken == sent
    discard(store, "pack-image", "id")
    assert not is_returned(store, "pack-image", "id")
    assert not list((tmp_path / "store").rglob("*.way"))
    assert not list((tmp_path / "run/way").rglob("*.way"))
    assert take_back(store, Stage(target), empty, "id") is None

"""The manifest and the checksums of a build's results."""

import json
import subprocess
from pathlib import Path

import pytest

from aimager.errors import TrustError
from aimager.image.manifest import (
    Built,
    Result,
    ReusedArchive,
    checksums_text,
    manifest_text,
    measure,
    signing_keys,
)
from aimager.model.lock import UNSIGNED
from aimager.model.recipe import Recipe
from tests.image.test_spdx import known
from tests.packages.test_signature import FINGERPRINT, NAMES_KEY, body, new_packet
from tests.support.digests import Digests
from tests.support.locked import make_package
from tests.support.places import GOLDEN

PACKAGES = (make_package("bash"), make_package("zlib", repository="extra"))


def test_text() -> None:
    text = manifest_text(
        Built("archlinux-x86_64-none", "Arch Linux", 1_700_000_000),
        PACKAGES,
        {"bash": FINGERPRINT, "zlib": FINGERPRINT[-16:]},
        {"install-packages:x": "b" * 64, "fetch-packages:x": "a" * 64},
        [Result("root.tar", 10240, "c" * 64)],
        logins=("alice",),
        serves_ssh=True,
        recipe=Recipe((("hostname", "pc"),), ("chpasswd",), "d" * 64, 1_600_000_000),
    )
    assert text == (GOLDEN / "manifest.json").read_text()


def test_sha256sum_takes_the_checksums(tmp_path: Path) -> None:
    for name, content in (("disk.img", b"disk"), ("SHA 256", b"")):
        (tmp_path / name).write_bytes(content)
    results = [measure(path, Digests(1)) for path in sorted(tmp_path.iterdir())]
    assert [(result.name, result.size) for result in results] == [("SHA 256", 0), ("disk.img", 4)]
    (tmp_path / "SHA256SUMS").write_text(checksums_text(results))
    argv = ["sha256sum", "--strict", "-c", "SHA256SUMS"]
    assert subprocess.run(argv, cwd=tmp_path, check=False, capture_output=True).returncode == 0
    (tmp_path / "disk.img").write_bytes(b"dusk")
    assert subprocess.run(argv, cwd=tmp_path, check=False, capture_output=True).returncode == 1


def store(folder: Path, content: bytes) -> Path:
    for package in PACKAGES:
        package.signature(folder).parent.mkdir(parents=True)
        package.signature(folder).write_bytes(content)
    return folder


def test_signing_keys(tmp_path: Path) -> None:
    folder = store(tmp_path, new_packet(body(NAMES_KEY)))
    assert signing_keys(PACKAGES, folder) == {"bash": FINGERPRINT, "zlib": FINGERPRINT}


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        TrustError, match=r"^the signature of bash 1\.0-1 cannot be read: .*No such"
    ):
        signing_keys(PACKAGES, tmp_path)
    with pytest.raises(TrustError, match=r"cannot be read: it is neither binary") as caught:
        signing_keys(PACKAGES, store(tmp_path, b"<html>"))
    assert str(PACKAGES[0].signature(tmp_path)) in caught.value.hint


def test_what_nobody_signed_is_named(tmp_path: Path) -> None:
    own = make_package("own", repository=UNSIGNED)
    keys = signing_keys((own,), tmp_path)
    text = manifest_text(Built("x", "X", 1), (*PACKAGES, own), {**keys, "bash": "B"}, {}, [])
    told = json.loads(text)
    assert told["unsigned"] == ["own"]
    assert {p["name"]: p["signing_key"] for p in told["packages"]}["own"] is None


def test_of_what_came_with_an_archive_only_the_record_is_told() -> None:
    given = known("acl", architecture="x86_64")
    reused = ReusedArchive("d" * 64, [given])
    text = manifest_text(Built("x", "X", 1), PACKAGES, {"bash": "B", "zlib": "Z"}, {}, [], reused)
    told = json.loads(text)
    assert [package["name"] for package in told["packages"]] == ["acl", "bash", "zlib"]
    acl = told["packages"][0]
    assert {name: value for name, value in acl.items() if value is not None} == {
        "name": "acl",
        "version": "1.0-1",
        "architecture": "x86_64",
    }
    assert acl.keys() == told["packages"][1].keys()
    assert told["reused_root"] == {"sha256": "d" * 64, "packages": ["acl"]}

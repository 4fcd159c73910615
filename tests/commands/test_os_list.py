"""Built images of Raspberry Pis are listed as Raspberry Pi Imager reads it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from aimager.commands.os_list import print_os_list
from aimager.config.build import read_build
from aimager.errors import ConfigError
from aimager.graph import artifacts
from aimager.model.build import Build
from aimager.model.product import MANIFEST

DISK = {"name": "disk.img", "size": 900, "sha256": "a" * 64}
ZST = {"name": "disk.img.zst", "size": 90, "sha256": "b" * 64}
XZ = {"name": "disk.img.xz", "size": 80, "sha256": "c" * 64}


def built(folder: Path, board: str, results: Sequence[dict[str, Any]], **words: str) -> Build:
    """A build with a manifest that has these results."""
    build = read_build({"board": board, **words}, folder)
    assert build
    place = artifacts.results_folder(build)
    place.mkdir(parents=True)
    manifest = {"distro": "Arch Linux ARM", "epoch": 1764460800, "packages": [{}] * 7}
    (place / MANIFEST).write_text(json.dumps({**manifest, "results": results}))
    return build


def listed(capsys: pytest.CaptureFixture[str], folder: Path, *builds: Build, url: str = "") -> Any:
    print_os_list(builds, {"url": url} if url else {}, folder)
    return json.loads(capsys.readouterr().out)


def test_an_image_on_a_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pi = built(tmp_path, "rpi4", [DISK, ZST, XZ])
    small = built(tmp_path, "rpi2", [DISK, ZST], arch="armv7h")
    found = listed(capsys, tmp_path, pi, small, url="https://images.example.org/pi/")
    assert found["os_list"][0] == {
        "name": "Arch Linux ARM (archlinuxarm-aarch64-rpi4)",
        "description": "7 packages, for Raspberry Pi 4",
        "icon": "",
        "url": "https://images.example.org/pi/archlinuxarm-aarch64-rpi4/disk.img.xz",
        "bmap_url": "https://images.example.org/pi/archlinuxarm-aarch64-rpi4/disk.img.bmap",
        "extract_size": 900,
        "extract_sha256": "a" * 64,
        "image_download_size": 80,
        "image_download_sha256": "c" * 64,
        "release_date": "2025-11-30",
        "devices": ["pi4-64bit"],
        "architecture": "armv8",
        "init_format": "none",
    }
    assert found["os_list"][1]["devices"] == ["pi2-32bit"]
    assert found["os_list"][1]["image_download_sha256"] == "b" * 64
    tags = [device["tags"] for device in found["imager"]["devices"]]
    assert tags == [["pi4-64bit"], ["pi2-32bit"]]


def test_an_image_on_this_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    found = listed(capsys, folder, built(folder, "rpi5", [DISK]))
    place = f"{folder}/out/archlinuxarm-aarch64-rpi5/disk.img"
    assert found["os_list"][0]["url"] == Path(place).as_uri()
    assert found["os_list"][0]["image_download_size"] == 900


def refusal(folder: Path, *builds: Build, **words: str) -> str:
    with pytest.raises(ConfigError) as caught:
        print_os_list(builds, words, folder)
    assert caught.value.hint
    return caught.value.message


def test_what_cannot_be_listed(tmp_path: Path) -> None:
    assert refusal(tmp_path) == "there is nothing to list"
    assert refusal(tmp_path, built(tmp_path, "x64-uefi", [DISK])) == (
        "the board x64-uefi is not a Raspberry Pi, which Imager writes images for"
    )
    archive = built(tmp_path, "rpi4", [])
    folder = artifacts.results_folder(archive)
    assert refusal(tmp_path, archive) == f"{folder} has no disk image"
    (folder / MANIFEST).unlink()
    assert refusal(tmp_path, archive) == f"{folder}/{MANIFEST} does not exist"
    assert refusal(tmp_path, archive, url="ftp://x") == "url=ftp://x is not a valid address"

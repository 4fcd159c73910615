"""What ``doit boot`` says before QEMU starts, and what it starts QEMU with."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aimager.commands.boot import run
from aimager.commands.boot.disk import Disk
from aimager.commands.boot.guest import Guest
from aimager.commands.boot.run import boot_image
from aimager.config.build import read_build
from aimager.errors import ConfigError
from aimager.graph import artifacts
from aimager.model.build import Build
from aimager.model.partition import GiB, MiB
from aimager.model.product import Product

Booted = list[tuple[Disk, int, Guest]]


@pytest.fixture
def booted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Booted:
    """The disks that were booted, and their sizes then, on a machine that has QEMU and all."""
    found: Booted = []

    def boot(architecture: str, disk: Disk, *given: Any) -> int:
        found.append((disk, disk.path.stat().st_size, given[-1]))
        return 0

    for name in ("check_guest", "check_firmware", "check_host", "hold_run_folder"):
        monkeypatch.setattr(run, name, lambda *_: None)
    monkeypatch.setattr(run, "boot", boot)
    (tmp_path / "run").mkdir()
    monkeypatch.setattr(artifacts, "RUN", tmp_path / "run")
    return found


def make(folder: Path, board: str) -> Build:
    """A board's build that was made: its image, and the manifest beside that."""
    build = read_build({"board": board}, folder)
    assert build
    results = artifacts.results_folder(build)
    results.mkdir(parents=True)
    (results / "disk.img").write_bytes(bytes(MiB))
    manifest = {"logins": ["alice"], "serves_ssh": True, "results": [{"name": "disk.img"}]}
    (results / "manifest.json").write_text(json.dumps(manifest))
    return build


def test_the_built_image_is_booted_and_never_written_to(
    booted: Booted, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    boot_image(make(tmp_path, "x64-uefi"), {"ssh-port": "2222"}, tmp_path)
    image = tmp_path / "out/archlinux-x86_64-x64-uefi/disk.img"
    assert booted == [(Disk(image, is_own=False), MiB, Guest(ssh_port=2222))]
    said = capsys.readouterr().out
    assert "   log in as alice\n   from another terminal: ssh -p 2222 " in said
    assert "ctrl-a x leaves; what is written to its disk is lost then; keep=yes keeps it" in said


def test_a_kept_disk_is_told(
    booted: Booted, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    boot_image(make(tmp_path, "x64-uefi"), {"keep": "yes", "disk-size": "2M"}, tmp_path)
    kept = tmp_path / "out/archlinux-x86_64-x64-uefi/disk.img.kept/disk.img"
    wanted = Guest(keep=True, disk_size=2 * MiB)
    assert booted == [(Disk(kept, is_own=True), 2 * MiB, wanted)]
    assert f"is kept in {kept}, for the next boot with keep=yes" in capsys.readouterr().out


def test_another_image_takes_the_place_of_the_built_one(
    booted: Booted, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own.img").write_bytes(bytes(MiB))
    build = read_build({"board": "x64-uefi"}, tmp_path)
    boot_image(build, {"image": "own.img"}, tmp_path)
    assert booted[0][0] == Disk(tmp_path / "own.img", is_own=False)
    assert "who can log in is not known of this image" in capsys.readouterr().out


def test_a_raspberry_pi_has_a_card(booted: Booted, tmp_path: Path) -> None:
    build = make(tmp_path, "rpi3")
    boot_image(build, {}, tmp_path)
    boot_image(build, {"keep": "yes"}, tmp_path)
    boot_image(build, {"disk-size": "8G"}, tmp_path)
    assert [size for _, size, _ in booted] == [MiB, 4 * GiB, 8 * GiB]
    assert [disk.is_own for disk, _, _ in booted] == [False, True, True]


@pytest.mark.parametrize(
    ("board", "variables", "said"),
    [
        ("rpi3", {"memory": "1G"}, "memory= is not for a Raspberry Pi"),
        ("rpi3", {"ssh-port": "2222"}, "ssh-port= is not for a Raspberry Pi"),
        ("rpi3", {"disk-size": "5G"}, "disk-size=5G is not the size of a card that QEMU takes"),
        ("x64-uefi", {"keep": "root.tar"}, "keep=root.tar is for doit shell"),
    ],
)
def test_what_cannot_be_booted_so_is_told(
    board: str, variables: dict[str, str], said: str, booted: Booted, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=said):
        boot_image(make(tmp_path, board), variables, tmp_path)
    assert not booted


def test_a_board_that_nothing_starts_is_told(booted: Booted, tmp_path: Path) -> None:
    build = make(tmp_path, "x64-uefi")
    build = replace(build, board=replace(build.board, bootloaders=()))
    with pytest.raises(ConfigError, match="QEMU has no machine like the board x64-uefi"):
        boot_image(build, {}, tmp_path)
    assert not booted


def test_without_an_image_there_is_nothing_to_boot(booted: Booted, tmp_path: Path) -> None:
    for build in (None, read_build({"distro": "archlinux"}, tmp_path)):
        with pytest.raises(ConfigError, match="there is nothing to boot"):
            boot_image(build, {}, tmp_path)
    with pytest.raises(ConfigError, match=r"disk\.img does not exist"):
        boot_image(read_build({"board": "x64-uefi"}, tmp_path), {}, tmp_path)
    assert not booted


def test_a_qcow2_beside_it_is_not_taken_for_the_image(booted: Booted, tmp_path: Path) -> None:
    build = make(tmp_path, "x64-uefi")
    image = artifacts.product(build, Product.disk)
    image.rename(image.with_name("disk.qcow2"))
    with pytest.raises(ConfigError) as caught:
        boot_image(build, {}, tmp_path)
    assert caught.value.message == (
        f"{image} does not exist, and disk.qcow2 beside it is for virtual machines alone"
    )
    assert not booted

"""What is said at the end of a build."""

import json
import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from aimager.commands import next_steps
from aimager.commands.build_summary import show_results
from aimager.config.builds import read_builds
from aimager.errors import ConfigError, HostError
from aimager.files import sha256
from aimager.graph import artifacts
from aimager.graph.console.history import Outcome
from aimager.model.architecture import Architecture
from aimager.model.product import MANIFEST, Product
from aimager.packages.lock_file import LockedBuild, format_lock_file, join_locks
from tests.support.made_builds import ASKED, diary, make, make_folder
from tests.support.places import ROOT


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return make_folder(tmp_path, monkeypatch)


def test_a_build_that_made_something(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build = make(folder)
    show_results([build], diary(folder, build, Outcome.done), ASKED)
    said = capsys.readouterr().out.splitlines()
    image = artifacts.results_folder(build) / "disk.img"
    quoted = shlex.quote(str(image))
    digest = sha256(image)
    assert said == [
        "   1 min 25 s: pack-image 1 min 15 s, t5 5.0 s, t4 4.0 s, t3 3.0 s, 3 others; 1 task was"
        " up to date",
        f"   {image}",
        f"      20.0 MB, 8.2 kB of it data; sha256 {digest}",
        "   beside it: disk.img.bmap, packages.spdx.json, manifest.json, SHA256SUMS",
        "   to write it to a card, whose data is lost; doit flash lists those that are there:",
        "      doit flash board=x64-uefi 'out=a b' device=/dev/YOUR-CARD",
        "   the root is hardly larger than what it holds, and grows to its disk at the first boot;",
        f"      for a virtual machine: qemu-img resize -f raw {quoted} 16G, or build with"
        " root-size=16G",
        "   to boot it in QEMU: doit boot board=x64-uefi 'out=a b'",
    ]


def test_each_form_is_used_by_a_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build = make(folder, board="none", create="oci.tar,root.wsl,nspawn.tar")
    show_results([build], diary(folder, build, Outcome.done), ASKED)
    place = artifacts.results_folder(build)
    oci, wsl, nspawn = (shlex.quote(str(place / name)) for name in build.products)
    assert capsys.readouterr().out.splitlines()[-3:] == [
        f"   for podman: podman load -i {oci} && podman run --rm -it archlinux:latest",
        f"   on Windows: wsl --install --from-file root.wsl, or open the file {wsl}",
        f"   for systemd-nspawn: machinectl import-tar {nspawn} archlinux",
    ]


def test_a_qcow2_is_used_by_a_command(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build = make(folder, create="disk.qcow2")
    show_results([build], diary(folder, build, Outcome.done), ASKED)
    disk = shlex.quote(str(artifacts.product(build, Product.qcow2)))
    assert f"--import --boot uefi --osinfo archlinux --memory 2048 --disk {disk}\n" in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize("outcome", [Outcome.done, Outcome.kept])
@pytest.mark.parametrize(
    ("words", "logins", "warned"),
    [
        ({}, [], True),
        ({}, ["root"], False),
        ({"create": "part-root.img"}, [], True),
        ({"create": "root.tar,disk.img"}, [], True),
        ({"create": "root.tar"}, [], False),  # a container's, say
    ],
)
def test_that_nobody_can_log_in_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str], words: dict[str, str], logins: list[str],
    warned: bool, outcome: Outcome,
) -> None:  # fmt: skip
    """Also when nothing was made in this run."""
    build = make(folder, **words)
    (artifacts.results_folder(build) / MANIFEST).write_text(json.dumps({"logins": logins}))
    show_results([build], diary(folder, build, outcome), ASKED)
    said = capsys.readouterr().out
    assert ("NOBODY CAN LOG IN" in said) is warned
    assert ("chpasswd=alice:PASSWORD" in said) is warned


def test_of_several_boards_each_is_booted_by_a_command_of_its_own(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = folder / "own.py"
    text = (ROOT / "boards/x64_uefi.py").read_text()
    own.write_text(text.replace('id="x64-uefi"', 'id="own"'))
    words = ["board=x64-uefi, a b/own.py,x64-legacy", "distro=archlinux", "hostname=x"]
    builds = [make(folder, board=name) for name in ("x64-uefi", str(own), "x64-legacy")]
    given = dict(word.split("=") for word in words)
    show_results(builds, folder / "none", given)
    told = re.findall("doit boot (.*)", capsys.readouterr().out)
    assert told == [
        "distro=archlinux board=x64-uefi",
        "distro=archlinux 'board=a b/own.py'",
        "distro=archlinux board=x64-legacy",
    ]
    for build, command in zip(builds, told, strict=True):
        named = dict(word.split("=") for word in shlex.split(command))
        (booted,) = read_builds(named, folder.parent)
        assert booted.id == build.id


def test_what_is_believed_unsigned_is_told_at_every_build(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build = make(folder, remote="s3://bucket", **{"remote-unsigned": "yes"})
    for outcome in (Outcome.done, Outcome.kept):
        show_results([build], diary(folder, build, outcome), ASKED)
        said = capsys.readouterr().out
        assert "   NOT SIGNED: what the remote store held was taken as it was\n" in said


def test_a_signature_is_told_of(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "key").touch()
    build = make(folder, sign=str(folder / "key"))
    show_results([build], diary(folder, build, Outcome.kept), ASKED)
    signature = artifacts.results_folder(build) / "SHA256SUMS.sig"
    assert f"   {signature} is signed with {folder}/key\n" in capsys.readouterr().out


def test_a_boards_file_that_is_not_the_locks_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = folder / "own.py"
    text = (ROOT / "boards/x64_uefi.py").read_text()
    own.write_text(text.replace('id="x64-uefi"', 'id="own"'))
    build = make(folder, board=str(own))
    locked = LockedBuild("archlinux", Architecture.x86_64, "own", (), "archlinux-x86_64", "")
    told = "   the board's file is not the one that "
    for digest, is_told in ((build.board_sha256, False), ("", False), ("0" * 64, True)):
        file = join_locks({}, replace(locked, board_sha256=digest))
        (folder / "image.lock").write_text(format_lock_file(file))
        build = replace(build, lock=folder / "image.lock")
        show_results([build], folder / "none", ASKED)
        assert (told in capsys.readouterr().out) is is_told


def test_no_device_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build = make(folder)
    show_results([build], folder / "none", ASKED)
    assert set(re.findall(r"/dev/\S+", capsys.readouterr().out)) == {"/dev/YOUR-CARD"}


def test_a_build_that_made_nothing_says_less(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build = make(folder)
    show_results([build], diary(folder, build, Outcome.kept), ASKED)
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 3
    assert said[1] == f"   {artifacts.results_folder(build)}/disk.img"


def test_what_cannot_be_booted_or_written_is_not_told_how_to(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    show_results([make(folder, board="none")], folder / "none", ASKED)
    said = capsys.readouterr().out
    assert "root.tar\n" in said
    assert "YOUR-CARD" not in said
    assert "QEMU" not in said

    def missing(*_: object) -> None:
        raise HostError("there is no QEMU")

    monkeypatch.setattr(next_steps, "check", missing)
    show_results([make(folder)], folder / "none", ASKED)
    said = capsys.readouterr().out
    assert "YOUR-CARD" in said
    assert "doit boot" not in said


def test_compressed_products_are_products(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build = make(folder, compress="zst")
    show_results([build], folder / "none", ASKED)
    said = capsys.readouterr().out
    assert f"   {artifacts.results_folder(build)}/disk.img.zst\n" in said
    assert "5.0 kB; sha256" in said


def test_what_nobody_signed_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build = make(folder, packages=str(folder))
    show_results([build], folder / "none", ASKED)
    assert "   NOT SIGNED by anybody: mine 1.0-1\n" in capsys.readouterr().out


def test_nothing_to_build(folder: Path) -> None:
    with pytest.raises(ConfigError, match="there is nothing to build"):
        show_results([], folder / "none", ASKED)


@pytest.mark.parametrize("outcome", [Outcome.done, Outcome.kept])
@pytest.mark.parametrize(
    ("words", "named"),
    [
        ({"repos-base": "over,core", "repo-url-over": "https://user:token@m.example/x"}, ["over"]),
        ({"repo-url-core": "https://a.example/x,https://token@m.example/x"}, ["core"]),
        ({"add-repos": "mine=https://token@m.example/x", "trust-key-mine": "A" * 40}, ["mine"]),
        (
            {
                "add-repos": "mine=https://m.example/x",
                "trust-key-mine": "A" * 40,
                "repo-url-mine": "https://token@m.example/x",
                "offline": "yes",
            },
            ["mine"],
        ),
        (
            {
                "add-repos": "mine=https://token@m.example/x",
                "trust-key-mine": "A" * 40,
                "repos-for-build": "mine",
            },
            [],
        ),
        ({"repo-url-core": "https://a.example/x"}, []),
        ({"repo-url-parent": "https://token@a.example/x"}, []),
    ],
)
def test_what_the_images_pacman_has_to_do_without_is_told_once(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    outcome: Outcome,
    words: dict[str, str],
    named: list[str],
) -> None:
    """Whether databases were fetched or not, and without saying it."""
    build = make(folder, **words)
    show_results([build], diary(folder, build, outcome), ASKED)
    said = capsys.readouterr().out
    told = [
        f"   the repository {name} was asked with a password or token, which the image's"
        " pacman.conf does not get"
        for name in named
    ]
    assert [line for line in said.splitlines() if "token" in line] == told
    assert "token@" not in said

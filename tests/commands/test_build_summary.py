"""What is said at the end of a build."""

import json
import re
import shlex
from dataclasses import replace
from html import escape
from pathlib import Path

import pytest

from aimager.commands import build_summary as summary
from aimager.commands.build_summary import report_failure, show_results
from aimager.config.build import read_build, read_builds
from aimager.errors import ConfigError, HostError
from aimager.files import sha256
from aimager.graph import artifacts
from aimager.graph.console.history import Entry, Outcome
from aimager.image.manifest import checksums_text, measure
from aimager.model.architecture import Architecture
from aimager.model.build import CHECKSUMS, MANIFEST, Build
from aimager.model.lock import Lock, write_lock
from aimager.packages.lock_file import LockedBuild, format_lock_file, join_locks
from tests.support.digests import Digests
from tests.support.locked import make_package
from tests.support.places import ROOT

NAMED = {"distro": "archlinux", "board": "x64-uefi"}
ASKED = {"board": "x64-uefi", "hostname": "x", "out": "a b"}
"""The variables of a command line."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a blank, on a host with QEMU, where the packages of every build are known."""
    lock = tmp_path / "lock.json"
    packages = (make_package("bash"), make_package("mine", repository="@packages"))
    lock.write_text(write_lock(Lock("x", (), packages)))
    monkeypatch.setattr(artifacts, "lock", lambda _: lock)
    monkeypatch.setattr(summary, "check", lambda *_: None)
    (tmp_path / "a b").mkdir()
    return tmp_path / "a b"


def make(folder: Path, **more: str) -> Build:
    """A build and, in ``folder``, what it made."""
    build = read_build({**NAMED, "out": str(folder), **more}, folder)
    assert build
    results = artifacts.results_folder(build)
    results.mkdir()
    for name in build.results:
        (results / name).write_bytes(b"x" * 5000)
    (results / MANIFEST).write_text(json.dumps({"logins": ["root"]}))
    with (results / build.products[0]).open("r+b") as stream:
        stream.truncate(2_000_000_000)
    digests = Digests(1)
    measured = [measure(results / name, digests) for name in build.results if name != CHECKSUMS]
    (results / CHECKSUMS).write_text(checksums_text(measured))
    return build


def diary(folder: Path, build: Build, outcome: Outcome) -> Path:
    """The diary of a run in which pack-image had this outcome."""
    from aimager.graph.console.history import Diary

    reason = "" if outcome is Outcome.kept else "it has not been made before"
    entries = [Entry(f"pack-image:{build.id}", "pack-image", outcome, 100.0, 175.0, reason)]
    entries += [Entry(f"t{n}", f"t{n}", Outcome.done, 90.0, 90.0 + n, "x") for n in range(6)]
    entries += [Entry("old", "old", Outcome.kept, 90.0, 90.0)]
    path = folder / "diary.json"
    Diary({entry.task: entry for entry in entries}).write(path)
    return path


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
        f"      2.0 GB, 8.2 kB of it data; sha256 {digest}",
        "   beside it: disk.img.bmap, packages.spdx.json, manifest.json, SHA256SUMS",
        "   to write it to a card, all of whose data is lost:",
        f"      bmaptool copy {quoted} /dev/YOUR-CARD",
        f"      or: dd if={quoted} of=/dev/YOUR-CARD bs=4M conv=fsync status=progress",
        "   the root is hardly larger than what it holds, and grows to its disk at the first boot;",
        f"      for a virtual machine: qemu-img resize -f raw {quoted} 16G, or build with"
        " root-size=16G",
        "   to boot it in QEMU: doit boot board=x64-uefi 'out=a b'",
    ]


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

    monkeypatch.setattr(summary, "check", missing)
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


def test_several_builds_have_one_report(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    report = folder / "report.html"
    builds = [
        make(folder, report=str(report)),
        make(folder, board="x64-legacy", report=str(report)),
    ]
    several = {"board": "x64-uefi,x64-legacy"}
    show_results(builds, diary(folder, builds[0], Outcome.done), several)
    assert capsys.readouterr().out.count(f"the report is {report}") == 1
    page = report.read_text()
    for build in builds:
        assert f"Results of {build.id}" in page
        assert f"Packages of {build.id}" in page
    assert f'data-task="pack-image:{builds[0].id}"' in page


def test_a_report_that_cannot_be_written_is_told(folder: Path) -> None:
    build = replace(make(folder), report=folder / "none/report.html")
    (folder / "none").write_text("in the way")
    with pytest.raises(ConfigError, match=r"report=.* cannot be written: "):
        show_results([build], folder / "no diary", ASKED)


def failed(task: str, fault: str) -> tuple[Entry, ...]:
    return (Entry(task, task, Outcome.failed, 1.0, 2.0, "it is new", fault=fault),)


def test_a_build_that_failed_has_a_report_without_the_results_of_another(folder: Path) -> None:
    report = folder / "report.html"
    build = make(folder, report=str(report))
    task = f"install-packages:{build.id}"
    artifacts.log(task).parent.mkdir(parents=True, exist_ok=True)
    artifacts.log(task).write_text("pacman said this")
    given = {
        "board": "x64-uefi",
        "hostname": "a b",
        "chpasswd": "root:secret",
        "repo-url-core": "https://me:secret@a.example",
        "add-repos": "mine=https://me:secret@a.example",
    }
    said = report_failure([build], failed(task, "no such module"), given)
    assert said == f"   the report is {report}"
    page = report.read_text()
    assert "no such module" in page
    assert f"Packages of {build.id}" in page
    assert "disk.img" not in page
    assert "<code>doit build board=x64-uefi &#x27;hostname=a b&#x27; " in page
    assert "chpasswd=***" in page
    assert "secret" not in page
    assert page.count(f"<code>{escape(str(artifacts.log(task)))}</code>") == 2
    artifacts.log(task).unlink()
    report_failure([build], failed(task, "no such module"), {})
    assert str(artifacts.log(task)) not in report.read_text(), "it ran no program"


def test_where_no_report_is_asked_for_or_can_be_written(folder: Path) -> None:
    build = make(folder)
    assert report_failure([build], failed("a:x", "no"), {}) == ""
    (folder / "none").write_text("in the way")
    build = replace(build, report=folder / "none/report.html")
    assert "none/report.html cannot be written: " in report_failure(
        [build], failed("a:x", "no"), {}
    )
    assert report_failure([build], failed("build", "no"), {}) == "", "it was told by then"


def test_what_nobody_signed_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build = make(folder, packages=str(folder))
    show_results([build], folder / "none", ASKED)
    assert "   NOT SIGNED by anybody: mine 1.0-1\n" in capsys.readouterr().out


def test_nothing_to_build(folder: Path) -> None:
    with pytest.raises(ConfigError, match="there is nothing to build"):
        show_results([], folder / "none", ASKED)

"""Builds with results, as if they had been made, and the diaries of their runs."""

import json
from pathlib import Path

import pytest

from aimager.commands import next_steps
from aimager.config.build import read_build
from aimager.graph import artifacts
from aimager.graph.console.history import Entry, Outcome
from aimager.image.manifest import checksums_text, measure
from aimager.model.build import Build
from aimager.model.lock import Lock, write_lock
from aimager.model.product import CHECKSUMS, MANIFEST
from tests.support.digests import Digests
from tests.support.locked import make_package

NAMED = {"distro": "archlinux", "board": "x64-uefi"}


ASKED = {"board": "x64-uefi", "hostname": "x", "out": "a b"}
"""The variables of a command line."""


def make_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a blank, on a host with QEMU, where the packages of every build are known."""
    lock = tmp_path / "lock.json"
    packages = (make_package("bash"), make_package("mine", repository="@packages"))
    lock.write_text(write_lock(Lock("x", (), packages)))
    monkeypatch.setattr(artifacts, "lock", lambda _: lock)
    monkeypatch.setattr(next_steps, "check", lambda *_: None)
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
        stream.truncate(20_000_000)
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

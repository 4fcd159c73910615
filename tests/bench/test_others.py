"""Other builders take part where their checkouts are named, with the packages that ours has."""

import os
from pathlib import Path

import pytest

from bench.lab import Lab
from bench.others import NOWHERE, Checkouts, aimager_sh_argv, mkosi_argv, others

LAB = Lab(Path("/lab"), "http://127.0.0.1:1")


def test_who_is_not_named_lacks_something(monkeypatch: pytest.MonkeyPatch) -> None:
    lacking = {name: contender.lacks for name, contender in others(LAB, NOWHERE).items()}
    assert lacking == {
        "mkosi": "--mkosi= names no checkout of it",
        "aimager-sh": "--aimager-sh= names no checkout of it",
    }
    both = Checkouts(Path("/mkosi"), Path("/sh"))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert "--user=" in others(LAB, both)["aimager-sh"].lacks
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert not any(contender.lacks for contender in others(LAB, both).values())


def test_what_they_are_told() -> None:
    argv = mkosi_argv(Path("/mkosi"), LAB, Path("/lab/mkosi"))
    assert argv[0] == "/mkosi/bin/mkosi"
    assert "--package=base,linux,linux-firmware,booster" in argv
    assert "--mirror=http://127.0.0.1:1/plain/archlinux" in argv
    own = aimager_sh_argv(Path("/sh"), LAB, "")
    assert own[0] == "env"
    assert own[1].startswith("PATH=/lab/tools/usr/bin:")
    assert own[2] == "/sh/aimager.sh"
    assert own[own.index("--repo-url-parent") + 1] == "http://127.0.0.1:1/plain"
    assert aimager_sh_argv(Path("/sh"), LAB, "somebody")[:4] == ["runuser", "-u", "somebody", "--"]

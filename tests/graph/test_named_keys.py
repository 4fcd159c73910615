"""Keys that the user names, in a run for several distributions: each may be in one of their
keyrings alone, so that a stage that makes one reads the others, too."""

import sys
from pathlib import Path
from typing import Any

import pytest

from aimager.commands.doit_loader import Loader
from aimager.graph.artifacts import fetched

KEY = "AB" * 20
X86, ARM = "archlinux-x86_64", "archlinuxarm-aarch64"


@pytest.mark.parametrize(
    ("words", "elsewhere"),
    [
        ({"board": "x64-uefi,rpi4", "trust-key": KEY}, {X86: [ARM], ARM: [X86]}),
        ({"board": "x64-uefi,rpi4"}, {X86: [], ARM: []}),
        ({"board": "x64-uefi", "trust-key": KEY}, {X86: []}),
        ({"board": "rpi4,aarch64-uefi", "trust-key": KEY}, {ARM: []}),
        (
            {"board": "x64-uefi,rpi4", "trust-key": KEY, "add-repos": "archlinuxcn"},
            {X86: [ARM], f"{X86}+archlinuxcn": [ARM], ARM: [X86], f"{ARM}+archlinuxcn": [X86]},
        ),
    ],
)
def test_other_platforms_keyrings_are_read(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: dict[str, str],
    elsewhere: dict[str, list[str]],
) -> None:
    monkeypatch.setattr(Loader, "asked", None)
    monkeypatch.setitem(sys.modules, "aimager.dodo", sys)  # what is loaded there goes again
    loader = Loader(tmp_path)
    loader.assignments = words
    loader.ask("list", [], {})
    loader.setup({})
    for name in ("fetch_packages", "keyring_init", "make_rootfs_archive"):
        list(loader.namespace[f"task_{name}"]())
    stages: dict[tuple[str, str], Any] = {
        (task.task, task.subject): task.stage for task in loader.graph.tasks
    }
    for name, others in elsewhere.items():
        stage = stages["keyring-init", name]
        assert [lock for _, lock in stage.elsewhere] == [fetched(f"{o}.keyring") for o in others]
        for keyrings, _ in stage.elsewhere:
            assert all(keyring.user_keys == (KEY,) for keyring in keyrings)
    for stage in stages.values():
        if hasattr(stage, "keyring_lock"):  # it lends programs, by the keyring of its platform
            lender = next(n for n in (X86, ARM) if stage.keyring_lock == fetched(f"{n}.keyring"))
            used = stages["keyring-init", lender]
            assert (stage.keyrings, stage.elsewhere) == (used.keyrings, used.elsewhere)

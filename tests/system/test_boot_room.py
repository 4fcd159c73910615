"""A boot partition that is nearly full is told before pacman changes anything."""

import os
import subprocess
from pathlib import Path

import pytest

from aimager.packages.hooks import Hook
from aimager.sandbox.tree import Tree
from aimager.system.boot_room import HOOK, SCRIPT, watch_boot_room

MB = 1_000_000


@pytest.fixture
def boot(tmp_path: Path) -> Path:
    """A /boot with a kernel and its initramfs."""
    folder = tmp_path / "the boot"
    folder.mkdir()
    for name, size in {"vmlinuz-linux": 10, "initramfs-linux.img": 30, "vmlinuz-lts": 9}.items():
        with (folder / name).open("wb") as stream:
            stream.truncate(size * MB)
    return folder


def look(tmp_path: Path, boot: Path, free: int | None) -> "subprocess.CompletedProcess[str]":
    """What the script says of a folder with so many bytes free; None: as many as there are."""
    watch_boot_room(Tree(tmp_path))
    programs = tmp_path / "bin"
    programs.mkdir(exist_ok=True)
    if free is not None:
        df = programs / "df"
        df.write_text(f"#!/bin/sh\nprintf '    Avail\\n%s\\n' {free}\n")
        df.chmod(0o755)
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    argv: list[str | Path] = ["sh", tmp_path / SCRIPT, boot]
    return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)


def test_there_is_room(tmp_path: Path, boot: Path) -> None:
    for free in (44 * MB, 1 << 40, None):
        done = look(tmp_path, boot, free)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("free", [0, 12_345_678, 44 * MB - 1])
def test_there_is_not(tmp_path: Path, boot: Path, free: int) -> None:
    done = look(tmp_path, boot, free)
    assert done.returncode == 1
    assert done.stderr.startswith(
        f"{boot} has {free // MB} MB free, and a new kernel with its initramfs takes up to 44 MB:"
        " nothing was changed.\n"
    )


@pytest.mark.parametrize("kept", [("Image", "initramfs-linux.img"), ("kernel8.img",), ()])
def test_names_of_other_boards(tmp_path: Path, boot: Path, kept: tuple[str, ...]) -> None:
    for path in boot.iterdir():
        path.unlink()
    for name in kept:
        with (boot / name).open("wb") as stream:
            stream.truncate(20 * MB)
    need = len(kept) * 22 * MB
    assert look(tmp_path, boot, need).returncode == 0
    if kept:
        assert look(tmp_path, boot, need - 1).returncode == 1


def test_the_hook_ends_the_transaction(tmp_path: Path) -> None:
    watch_boot_room(Tree(tmp_path))
    text = (tmp_path / HOOK).read_text()
    assert f"Exec = /usr/bin/sh /{SCRIPT}\n" in text
    assert "When = PreTransaction\n" in text
    assert Hook(HOOK, HOOK, text).aborts

"""Programs of other architectures that the machine runs by itself."""

import subprocess
from pathlib import Path

import pytest

from aimager.errors import HostError
from aimager.model.architecture import Architecture, host_architecture
from aimager.sandbox import binfmt
from aimager.sandbox import compat_probe as native
from aimager.sandbox.binfmt import elf_header, emulation, find_qemu
from aimager.sandbox.compat_probe import program, runs

NARROW = [a for a in Architecture if a.bits == 32]


@pytest.mark.parametrize("architecture", NARROW)
def test_the_probe_is_a_program_that_ends_well(architecture: Architecture, tmp_path: Path) -> None:
    path = tmp_path / "probe"
    path.write_bytes(program(native._CODE[architecture], architecture.elf_machine))
    path.chmod(0o755)
    assert path.read_bytes().startswith(elf_header(architecture))
    try:
        qemu = find_qemu(architecture)
    except HostError as error:
        pytest.skip(error.message)
    assert subprocess.run([qemu, path], check=False).returncode == 0


def test_every_architecture_that_another_may_run_has_a_probe() -> None:
    assert {other for a in Architecture for other in a.also_runs} <= native._CODE.keys()


def test_what_is_not_a_program_does_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    runs.cache_clear()
    monkeypatch.setattr(native, "program", lambda code, machine: b"\x7fELF".ljust(100, b"\xff"))
    assert not runs(Architecture.armv7h)
    runs.cache_clear()


def test_a_program_that_fails_does_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    runs.cache_clear()
    monkeypatch.setattr(native, "program", lambda code, machine: b"#!/bin/false\n")
    assert not runs(Architecture.armv7h)
    runs.cache_clear()


@pytest.mark.skipif(
    host_architecture() is not Architecture.x86_64, reason="needs a host that is x86_64"
)
def test_what_runs_by_itself_is_not_emulated(monkeypatch: pytest.MonkeyPatch) -> None:
    for narrow, found in ((True, None), (False, Architecture.i686)):
        monkeypatch.setattr(binfmt, "runs", lambda architecture, answer=narrow: answer)
        monkeypatch.setattr(binfmt, "find_qemu", lambda architecture: Path("/qemu"))
        made = emulation(Architecture.i686)
        assert (made and made.architecture) is found
    foreign = emulation(Architecture.armv7h)
    assert foreign and foreign.architecture is Architecture.armv7h

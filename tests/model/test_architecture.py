"""What each foreign vocabulary calls an architecture, as one table."""

import platform

import pytest

from aimager.errors import HostError
from aimager.model.architecture import Architecture, host_architecture

TABLE = """
x86_64   x86_64      x86_64      64 62  x64         4f68bce3-e8cd-4db1-96e7-fbcaf984b709
aarch64  aarch64     aarch64     64 183 aa64        b921b045-1df0-41c3-af44-4c6f280d3fae
i686     i686        i386        32 3   ia32        44479540-f297-41b2-9af7-d131d5f0458a
pentium4 i686        i386        32 3   ia32        44479540-f297-41b2-9af7-d131d5f0458a
i486     i686        i386        32 3   ia32        44479540-f297-41b2-9af7-d131d5f0458a
armv7h   armv7l      arm         32 40  arm         69dad710-2ce4-4e3c-b16c-21a1d49abed3
loong64  loongarch64 loongarch64 64 258 loongarch64 77055800-792c-4f94-b39a-98c91b762bb6
riscv64  riscv64     riscv64     64 243 riscv64     72ec70a6-cf74-40e6-bd49-4bda08e8f224
"""
"""pacman, uname -m, QEMU, bits, e_machine, UEFI, GPT type of the root: the types are those that
sfdisk --list-types shows."""


def test_names() -> None:
    told = [
        [a.value, a.machine, a.qemu, str(a.bits), str(a.elf_machine), a.efi, a.gpt_root]
        for a in Architecture
    ]
    assert told == [line.split() for line in TABLE.strip().splitlines()]


def test_what_pacman_takes() -> None:
    assert Architecture.pentium4.packages == (Architecture.pentium4, Architecture.i686)
    for architecture in Architecture:
        assert architecture.packages[0] is architecture


def test_what_else_a_machine_runs_is_narrower_or_older() -> None:
    for architecture in Architecture:
        assert architecture not in architecture.also_runs
        for other in architecture.also_runs:
            assert other.bits == 32


@pytest.mark.parametrize("architecture", Architecture)
def test_the_host_is_known_by_its_machine(
    architecture: Architecture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: architecture.machine)
    assert host_architecture().machine == architecture.machine


def test_a_host_of_i686_is_called_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "i686")
    assert host_architecture() is Architecture.i686


def test_a_host_without_a_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "s390x")
    with pytest.raises(HostError) as caught:
        host_architecture()
    assert caught.value.message == ("this machine's architecture, s390x, is not one that can build")
    assert caught.value.hint.count("i686") == 1

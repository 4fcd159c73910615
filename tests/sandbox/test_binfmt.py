"""Registration of qemu, and what is found out about the host."""

import shutil
import struct
import sys
from pathlib import Path

import pytest

from aimager.errors import HostError
from aimager.model.architecture import Architecture, host_architecture
from aimager.sandbox import binfmt
from aimager.sandbox.binfmt import (
    Emulation,
    Handler,
    elf_header,
    emulation,
    find_qemu,
    host_handlers,
    is_static,
    no_emulation,
    parse_handler,
    registration,
)

FOREIGN = next(a for a in Architecture if a != host_architecture())

# What Debian 12's kernel shows of its qemu-user-static, in /proc/sys/fs/binfmt_misc.
DEBIAN = """\
enabled
interpreter /usr/libexec/qemu-binfmt/aarch64-binfmt-P
flags: PF
offset 0
magic 7f454c460201010000000000000000000200b700
mask ffffffffffffff00fffffffffffffffffeffffff
"""


def test_registration_of_aarch64() -> None:
    # Magic and mask as /usr/share/binfmts/qemu-aarch64 of Debian 12 spells them.
    assert registration(Architecture.aarch64, Path("/usr/bin/qemu-aarch64-static")) == (
        ":aimager-aarch64:M::"
        r"\x7f\x45\x4c\x46\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:"
        r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:"
        "/usr/bin/qemu-aarch64-static:POCF"
    )


@pytest.mark.parametrize("architecture", Architecture)
def test_registration_of_every_architecture(architecture: Architecture) -> None:
    text = registration(architecture, Path("/q"))
    assert len(text) < 1920  # MAX_REGISTER_LENGTH of fs/binfmt_misc.c
    magic = text.split(":")[4].replace("\\x", "")
    assert bytes.fromhex(magic) == elf_header(architecture)
    assert struct.unpack_from("<H", elf_header(architecture), 18) == (architecture.elf_machine,)


@pytest.mark.parametrize("path", ["/a:b", "relative", "/" + "a" * 127])
def test_paths_that_binfmt_misc_cannot_take(path: str) -> None:
    with pytest.raises(ValueError, match="binfmt_misc cannot take"):
        registration(Architecture.aarch64, Path(path))


@pytest.mark.parametrize(
    ("change", "taken"),
    [
        (("", ""), True),
        (("flags: PF", "flags: POCF"), True),
        (("flags: PF", "flags: P"), False),  # not found after chroot
        (("enabled", "disabled"), False),
        (("0200b700", "02002800"), False),  # ARM
        (("mask ffffffffffffff00fffffffffffffffffeffffff\n", ""), True),
    ],
)
def test_which_handler_of_the_host_will_do(change: tuple[str, str], taken: bool) -> None:
    handler = parse_handler(DEBIAN.replace(*change) if change[0] else DEBIAN)
    assert handler
    assert handler.takes(elf_header(Architecture.aarch64)) is taken
    assert not handler.takes(elf_header(Architecture.x86_64))


def test_position_independent_programs_are_taken() -> None:
    handler = parse_handler(DEBIAN)
    assert handler
    assert handler.takes(elf_header(Architecture.aarch64).replace(b"\x02\0\xb7", b"\x03\0\xb7"))


def test_a_handler_by_extension_is_none_of_ours() -> None:
    assert parse_handler("enabled\ninterpreter /usr/bin/x\nflags: \nextension .x\n") is None


def test_handlers_of_a_directory(tmp_path: Path) -> None:
    assert host_handlers(tmp_path) == ()
    (tmp_path / "status").write_text("enabled\n")
    (tmp_path / "register").touch()
    (tmp_path / "qemu-aarch64").write_text(DEBIAN)
    assert [handler.flags for handler in host_handlers(tmp_path)] == ["PF"]
    (tmp_path / "status").write_text("disabled\n")
    assert host_handlers(tmp_path) == ()


def _program(*, wide: bool, interpreter: bool) -> bytes:
    """An ELF header and one program header: PT_INTERP (3) or PT_LOAD (1)."""
    offset, size = (64, 56) if wide else (52, 32)
    header = bytearray(b"\x7fELF" + bytes([2 if wide else 1, 1, 1])).ljust(offset, b"\0")
    struct.pack_into("=Q" if wide else "=I", header, 32 if wide else 28, offset)
    struct.pack_into("=HH", header, 54 if wide else 42, size, 1)
    return bytes(header) + struct.pack("=I", 3 if interpreter else 1).ljust(size, b"\0")


@pytest.mark.parametrize("wide", [True, False])
def test_what_is_static(wide: bool) -> None:
    assert is_static(_program(wide=wide, interpreter=False))
    assert not is_static(_program(wide=wide, interpreter=True))
    assert not is_static(b"#!/bin/sh\n".ljust(100))
    assert not is_static(b"\x7fELF")


def test_a_real_dynamic_program_is_not_static() -> None:
    assert not is_static(Path(sys.executable).resolve().read_bytes())


def test_find_qemu_passes_over_dynamic_ones(tmp_path: Path) -> None:
    name = f"qemu-{FOREIGN.qemu}"
    for program, interpreter in ((f"{name}-static", True), (name, False)):
        (tmp_path / program).write_bytes(_program(wide=True, interpreter=interpreter))
        (tmp_path / program).chmod(0o755)
    assert find_qemu(FOREIGN, str(tmp_path)) == tmp_path / name


def test_no_qemu(tmp_path: Path) -> None:
    with pytest.raises(HostError) as raised:
        find_qemu(Architecture.aarch64, str(tmp_path))
    assert raised.value.message == "no statically linked qemu-aarch64 is installed"
    assert "qemu-user-static" in raised.value.hint


def test_the_installed_qemu_is_found() -> None:
    if not shutil.which(f"qemu-{FOREIGN.qemu}-static"):
        pytest.skip("qemu-user-static is not installed")
    found = emulation(FOREIGN)
    assert found and found.interpreter
    assert is_static(found.interpreter.read_bytes())


def test_the_host_needs_no_emulation() -> None:
    assert emulation(host_architecture()) is None


QEMU = Path("/usr/bin/qemu")


@pytest.mark.parametrize(
    ("qemu", "handler", "later", "interpreter"),
    [
        (True, False, False, QEMU),
        (True, True, False, QEMU),
        (False, True, False, None),
        (False, False, True, None),
    ],
)
def test_how_a_foreign_architecture_is_run(
    monkeypatch: pytest.MonkeyPatch,
    qemu: bool,
    handler: bool,
    later: bool,
    interpreter: Path | None,
) -> None:
    prepare_host(monkeypatch, qemu=qemu, handler=handler)
    found = emulation(FOREIGN, later=later)
    assert found == Emulation(FOREIGN, interpreter, handler, later)


def test_a_foreign_architecture_that_cannot_be_run(monkeypatch: pytest.MonkeyPatch) -> None:
    prepare_host(monkeypatch, qemu=False, handler=False)
    with pytest.raises(HostError, match=f"^no statically linked qemu-{FOREIGN.qemu} is installed"):
        emulation(FOREIGN)


def prepare_host(monkeypatch: pytest.MonkeyPatch, *, qemu: bool, handler: bool) -> None:
    """Let the host have a qemu for ``FOREIGN``, or a handler that takes its programs."""

    def find(architecture: Architecture) -> Path:
        return QEMU if qemu else find_qemu(architecture, "")

    magic = elf_header(FOREIGN) if handler else b"#!"
    shown = Handler(True, "/q", "F", 0, magic, b"\xff" * len(magic))
    monkeypatch.setattr(binfmt, "find_qemu", find)
    monkeypatch.setattr(binfmt, "host_handlers", lambda: (shown,))


def test_what_to_do_without_emulation() -> None:
    error = no_emulation(Architecture.aarch64, "reason")
    assert error.message == "programs for aarch64 cannot be run here: reason"
    assert "Linux 6.7" in error.hint

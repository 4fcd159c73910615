"""A program whose interpreter is missing is told as that, not as a missing program."""

import os
import shutil
import struct
from contextlib import ExitStack
from pathlib import Path

import pytest

from aimager import process
from aimager.errors import HostError
from aimager.loader import missing_interpreter
from aimager.toolbox import Toolbox


def elf(interpreter: str, *, wide: bool = True, little: bool = True) -> bytes:
    """An ELF file that names its loader, as far as it is looked at (elf(5))."""
    order, name = "<" if little else ">", interpreter.encode() + b"\0"
    start = b"\x7fELF" + bytes([2 if wide else 1, 1 if little else 2, 1]) + bytes(9)
    at, size, form = (64, 56, "II6Q") if wide else (52, 32, "8I")
    end = at + 2 * size
    fields = (2, 62, 1, 0, at, 0, 0, at, size, 2, 0, 0, 0)
    start += struct.pack(f"{order}HHI{'QQQ' if wide else 'III'}I6H", *fields)
    length = len(name)
    if wide:
        headers = ((6, 4, at, 0, 0, size, size, 8), (3, 4, end, 0, 0, length, length, 1))
    else:
        headers = ((6, at, 0, 0, size, size, 4, 4), (3, end, 0, 0, length, length, 4, 1))
    return start + b"".join(struct.pack(f"{order}{form}", *header) for header in headers) + name


def program(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("little", [True, False])
def test_the_loader_of_an_elf_file_is_read(tmp_path: Path, wide: bool, little: bool) -> None:
    path = program(tmp_path / "bin/tool", elf("/lib/no-such.so.2", wide=wide, little=little))
    assert missing_interpreter(str(path), "") == "/lib/no-such.so.2"
    assert missing_interpreter("tool", f"/nowhere:{path.parent}") == "/lib/no-such.so.2"
    program(path, elf("/bin/sh", wide=wide, little=little))
    assert missing_interpreter(str(path), "") == ""


@pytest.mark.parametrize("size", [0, 3, 40, 63, 100])
def test_what_is_cut_off_names_none(tmp_path: Path, size: int) -> None:
    path = program(tmp_path / "tool", elf("/lib/no-such.so.2")[:size])
    assert missing_interpreter(str(path), "") == ""


@pytest.mark.parametrize(
    ("content", "named"),
    [(elf("/lib/no-such.so.2"), "/lib/no-such.so.2"), (b"#! /bin/none -x\n", "/bin/none")],
    ids=["ELF", "script"],
)
def test_it_is_named_on_the_host_and_in_a_root(tmp_path: Path, content: bytes, named: str) -> None:
    path = program(tmp_path / "root/usr/bin/gpg", content)
    said = f"cannot be started: {named}, by which its file is run, is missing"
    with pytest.raises(HostError) as caught:
        process.run([path])
    assert caught.value.message == f"{path} {said}"
    assert "package of this machine's distribution" in caught.value.hint
    root = process.Root(tmp_path / "root")
    for tools in (Toolbox(None, within=root), None):
        with pytest.raises(HostError) as caught, ExitStack() as stack:
            if tools:
                stack.enter_context(tools.pipe_out(["gpg"]))
            process.run(["gpg", "--version"], within=root)
        assert caught.value.message == f"gpg {said}"
        assert "repo-url-parent=" in caught.value.hint


def test_a_name_that_no_file_can_have(tmp_path: Path) -> None:
    name = "/" + "x" * 300
    path = program(tmp_path / "usr/bin/tool", f"#!{name}\n".encode())
    assert missing_interpreter(str(path), "") == name
    with pytest.raises(HostError, match=r"^tool cannot be started: "):
        process.run(["tool"], within=process.Root(tmp_path))


def test_a_pipe_in_the_place_of_a_program_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "tool"
    os.mkfifo(path)
    held = os.open(path, os.O_RDWR)
    try:
        os.write(held, b"#!/bin/none\n".ljust(1 << 13))
        assert missing_interpreter(str(path), "") == ""
    finally:
        os.close(held)


def test_a_real_program_without_its_loader(tmp_path: Path) -> None:
    true = shutil.which("true")
    assert true
    program(tmp_path / "usr/bin/true", Path(true).read_bytes())
    with pytest.raises(HostError, match=r"^true cannot be started: /lib.*ld.*, by which its file"):
        process.run(["true"], within=process.Root(tmp_path))

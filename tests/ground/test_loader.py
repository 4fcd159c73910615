"""A program whose interpreter is missing is told as that, not as a missing program."""

import os
import re
import shutil
import struct
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest

from aimager import process
from aimager.errors import HostError
from aimager.loader import missing_interpreter
from aimager.sandbox.namespace import call
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


@dataclass(frozen=True)
class InRoot:
    """A program to start in a root of its own below ``work``; its content is Latin-1."""

    work: Path
    name: str
    content: str


def start_in_root(asked: InRoot) -> list[str]:
    """What is said of it by all that start programs, for an ordinary user may not chroot(2)."""
    root = asked.work / "root"
    program(root / "usr/bin" / asked.name, asked.content.encode("latin-1"))
    within, said = process.Root(root), []
    for tools in (Toolbox(None, within=within), None):
        try:
            with tools.pipe_out([asked.name]) if tools else nullcontext():
                process.run([asked.name, "--version"], within=within)
        except HostError as error:
            said.append(str(error))
    return said


def said_in_root(tmp_path: Path, name: str, content: bytes) -> list[str]:
    work = tmp_path / "work"
    return call(start_in_root, InRoot(work, name, content.decode("latin-1")), work=work)


@pytest.mark.parametrize(
    ("content", "named"),
    [(elf("/lib/no-such.so.2"), "/lib/no-such.so.2"), (b"#! /bin/none -x\n", "/bin/none")],
    ids=["ELF", "script"],
)
def test_it_is_named_on_the_host_and_in_a_root(tmp_path: Path, content: bytes, named: str) -> None:
    path = program(tmp_path / "usr/bin/gpg", content)
    told = f"cannot be started: {named}, by which its file is run, is missing"
    with pytest.raises(HostError) as caught:
        process.run([path])
    assert caught.value.message == f"{path} {told}"
    assert "package of this machine's distribution" in caught.value.hint
    said = said_in_root(tmp_path, "gpg", content)
    assert len(said) == 2
    for text in said:
        assert text.startswith(f"gpg {told}\n")
        assert "repo-url-parent=" in text


def test_a_name_that_no_file_can_have(tmp_path: Path) -> None:
    name = "/" + "x" * 300
    path = program(tmp_path / "usr/bin/tool", f"#!{name}\n".encode())
    assert missing_interpreter(str(path), "") == name
    said = said_in_root(tmp_path, "tool", path.read_bytes())
    assert [text.startswith("tool cannot be started: ") for text in said] == [True, True]


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
    said = said_in_root(tmp_path, "true", Path(true).read_bytes())
    assert len(said) == 2
    for text in said:
        assert re.match(r"true cannot be started: /lib.*ld.*, by which its file", text)

"""What a program needs is what its own loader loads."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from aimager.sandbox.program_files import UnknownFilesError, program_files
from aimager.sandbox.tree import Tree


def loaded(program: str) -> set[str]:
    """The names of the files that the loader says it loads, but for the kernel's own."""
    said = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    return {Path(path).name for path in re.findall(r"(/\S+) \(0x", said)}


@pytest.mark.parametrize("program", ["bash", "tar", "openssl", "zstd"])
def test_it_is_what_is_loaded(program: str) -> None:
    path = shutil.which(program)
    if path is None or not shutil.which("ldd"):
        pytest.skip(f"this machine has no {program}, or no ldd")
    real = os.path.realpath(path)
    found = program_files(Tree(Path("/")), real.lstrip("/"))
    assert {Path(name).name for name in found} == {Path(real).name} | loaded(real)
    assert all(Path("/", name).is_file() for name in found)


def copied(root: Path, *names: str) -> Tree:
    """A root of this machine's bash and what it needs but for ``names``."""
    bash = os.path.realpath(shutil.which("bash") or "/bin/bash")
    for name in program_files(Tree(Path("/")), bash.lstrip("/")):
        path = root / ("usr/bin/bash" if name == bash.lstrip("/") else name)
        if not any(path.name.startswith(left_out) for left_out in names):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(Path("/", name).read_bytes())
    return Tree(root)


def test_a_library_that_may_be_loaded_later_is_there_if_it_is(tmp_path: Path) -> None:
    tree = copied(tmp_path)
    libc = next(name for name in program_files(tree, "usr/bin/bash") if "libc.so" in name)
    (tmp_path / libc).with_name("liblater.so.1").write_bytes((tmp_path / libc).read_bytes())
    asked_for = ("liblater.so.1", "libnever.so.1")
    found = program_files(tree, "usr/bin/bash", asked_for=asked_for)
    assert [name for name in found if "later" in name or "never" in name] == [
        str(Path(libc).with_name("liblater.so.1"))
    ]


def test_a_missing_library_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnknownFilesError, match=r"libc\.so\.6 .* is not found"):
        program_files(copied(tmp_path, "libc.so"), "usr/bin/bash")


def test_what_is_always_loaded_is_told(tmp_path: Path) -> None:
    tree = copied(tmp_path)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/ld.so.preload").write_text("/usr/lib/libown.so\n")
    with pytest.raises(UnknownFilesError, match=r"/etc/ld\.so\.preload"):
        program_files(tree, "usr/bin/bash")


@pytest.mark.parametrize(
    "content", [b"#!/bin/sh\n", b"", b"\x7fELF", b"\x7fELF\x02\x01" + bytes(100)]
)
def test_what_is_no_program_of_libraries_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "program").write_bytes(content)
    with pytest.raises(UnknownFilesError):
        program_files(Tree(tmp_path), "program")


def test_a_damaged_program_is_told(tmp_path: Path) -> None:
    """Wherever it is cut off, that it is unknown is all that is raised."""
    tree, path = copied(tmp_path), tmp_path / "usr/bin/bash"
    whole, told = path.read_bytes(), set[int]()
    for size in (70, 1000, 5000, len(whole) // 2, len(whole) - 4000):
        path.write_bytes(whole[:size])
        try:
            assert "usr/bin/bash" in program_files(tree, "usr/bin/bash")
        except UnknownFilesError:
            told.add(size)
    assert {70, len(whole) // 2} <= told

"""What the kernel needs beside a program's file to start it: the interpreter that the file names.

Where it is missing, execve(2) gives the same error as for a missing program.
"""

import mmap
import os
import struct
from collections.abc import Callable
from pathlib import Path

_START = 1 << 12  # bytes of a file that are looked at: headers come first
_ELF = b"\x7fELF"
_PT_INTERP = 3
_LONGEST = 255


class Start:
    """What a new process does before it becomes ``program``, and what that lacks, once it failed.

    It looks where the program would be started, after ``enter``; ``path`` is its PATH.
    """

    def __init__(self, program: str, path: str, enter: Callable[[], None] | None) -> None:
        self._program, self._path, self._enter = program, path, enter
        self._note = mmap.mmap(-1, _LONGEST + 1)  # which the new process shares

    def __call__(self) -> None:
        """Enter, and note what is missing."""
        if self._enter:
            self._enter()
        self._note.write(missing_interpreter(self._program, self._path).encode()[:_LONGEST])

    @property
    def missing(self) -> str:
        """The interpreter that was missing there; empty if none was."""
        return self._note[:].rstrip(b"\0").decode(errors="replace")


def missing_interpreter(program: str, path: str) -> str:
    """The interpreter that the file of ``program`` names, if that is not there; else nothing.

    ``path`` is that in which programs without a slash are looked for.
    """
    folders = [""] if "/" in program else path.split(":")
    for folder in folders:
        file = Path(folder, program)
        if not os.path.isfile(file):  # noqa: PTH113 - unlike pathlib's, neither ever raises
            continue
        try:
            with file.open("rb") as stream:
                found = _interpreter(stream.read(_START))
        except OSError:
            continue
        return found if found and not os.path.exists(found) else ""  # noqa: PTH110
    return ""


def _interpreter(start: bytes) -> str:
    """The interpreter that a file names in its first bytes: a script's, or an ELF file's loader."""
    if start.startswith(b"#!"):
        words = start[2:].partition(b"\n")[0].split()
        return words[0].decode(errors="replace") if words else ""
    if not start.startswith(_ELF) or len(start) < 64:
        return ""
    wide, order = start[4] == 2, "<" if start[5] == 1 else ">"
    try:
        offset, size, count = _headers(start, order, wide=wide)
        for number in range(count):
            header = start[offset + number * size :]
            (kind,) = struct.unpack_from(f"{order}I", header)
            if kind == _PT_INTERP:
                at, length = struct.unpack_from(
                    *((f"{order}8xQ16xQ", header) if wide else (f"{order}4xI8xI", header))
                )
                return start[at : at + length].rstrip(b"\0").decode(errors="replace")
    except struct.error:
        pass  # its headers are elsewhere, or not whole: nothing is known of it
    return ""


def _headers(start: bytes, order: str, *, wide: bool) -> tuple[int, int, int]:
    """Where an ELF file's program headers are, the size of one, and how many (elf(5))."""
    (offset,) = struct.unpack_from(f"{order}Q" if wide else f"{order}I", start, 32 if wide else 28)
    size, count = struct.unpack_from(f"{order}HH", start, 54 if wide else 42)
    return offset, size, count

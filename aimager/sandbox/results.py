"""Files that programs made in roots of their own, known by the content of all that they could see.

A builder keeps them; a worker reads those that are kept, and writes what was made anew to a file
that it is handed. In both, each result is::

    result KEY BYTES SHA256     a line, then so many bytes: a JSON list of names and sizes in a
                                line, and the content of these files, one after another

A worker also tells which of the kept it has used, by lines ``used KEY``.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import IO

RESULT = "result"
"""The name of the file of a kept result, in a folder by the name of its key."""

LARGEST = 256 << 20
"""Bytes of one result: what a kernel of all drivers has as its index of modules is 8 MB."""

_LINE = re.compile(rb"result ([0-9a-f]{64}) (\d{1,12}) ([0-9a-f]{64})\n")
_USED = re.compile(rb"used ([0-9a-f]{64})\n")
_LONGEST = 256

Files = Mapping[str, bytes]
"""The content of files by their names, none of which has a folder in it."""


_WRITING = Lock()
"""Held while anything is written to a file of results, which several may have."""


class DamagedError(ValueError):
    """What is read is not a result, or not the one that was written."""


def encode_result(key: str, files: Files) -> bytes:
    """A result as it is kept."""
    names = json.dumps([[name, len(content)] for name, content in files.items()])
    body = b"".join((names.encode(), b"\n", *files.values()))
    return f"result {key} {len(body)} {hashlib.sha256(body).hexdigest()}\n".encode() + body


def decode_result(key: str, data: bytes) -> dict[str, bytes]:
    """The files of the result ``key``.

    :raises DamagedError: when ``data`` is another, or damaged
    """
    head, _, body = data.partition(b"\n")
    line = _LINE.fullmatch(head + b"\n")
    if not line or line[1].decode() != key or int(line[2]) != len(body):
        raise DamagedError("it begins otherwise")
    if hashlib.sha256(body).hexdigest() != line[3].decode():
        raise DamagedError("its SHA-256 is another")
    names, _, content = body.partition(b"\n")
    files, start = {}, 0
    for name, size in json.loads(names):
        if "/" in name or name in ("", ".", ".."):
            raise DamagedError("a name in it leads elsewhere")
        files[name] = content[start : start + size]
        start += size
    return files


def read_results(made: IO[bytes]) -> Iterator[tuple[str, bytes]]:
    """The key of each result in the file that a worker wrote, as it is kept.

    Of those that it has used, the content is empty.

    :raises DamagedError: when it is not such a file
    """
    while line := made.readline(_LONGEST):
        if used := _USED.fullmatch(line):
            yield used[1].decode(), b""
            continue
        begun = _LINE.fullmatch(line)
        if not begun or int(begun[2]) > LARGEST:
            raise DamagedError("it begins otherwise")
        data = line + made.read(int(begun[2]))
        decode_result(begun[1].decode(), data)
        yield begun[1].decode(), data


@dataclass(frozen=True)
class Results:
    """A worker's side: those that are kept lie in ``kept``, and new ones are written to ``made``.

    Where either is None, there is nothing to be found, or nothing is kept.
    """

    kept: Path | None = None
    made: Path | None = None

    @property
    def has_some(self) -> bool:
        """Whether any are kept, so that it is worth the while to ask for one."""
        return self.kept is not None and self.kept.is_dir() and any(self.kept.iterdir())

    def find(self, key: str) -> Files | None:
        """The files of a result, if it is kept and undamaged."""
        if self.kept is None:
            return None
        with suppress(OSError, ValueError):
            path = self.kept / key / RESULT
            if path.stat().st_size <= LARGEST:
                files = decode_result(key, path.read_bytes())
                self._write(f"used {key}\n".encode())
                return files
        return None

    def keep(self, key: str, files: Files) -> None:
        """Have the builder keep a result."""
        self._write(encode_result(key, files))

    def _write(self, data: bytes) -> None:
        if self.made is not None:
            with _WRITING, self.made.open("ab") as stream:
                stream.write(data)

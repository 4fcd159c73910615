"""Standard input comes to a worker by a pipe, whole, and nothing else of the user's does."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from aimager.sandbox.namespace import call
from aimager.sandbox.standard_input import fed_pipe, open_fed


@dataclass(frozen=True)
class Told:
    """What came by the pipe, and what kind of file it is read from."""

    text: str
    is_pipe: bool


def read_all(pipe: Path) -> Told:
    """Read what comes by the pipe to its end."""
    descriptor = open_fed(pipe)
    is_pipe = stat.S_ISFIFO(os.fstat(descriptor).st_mode)
    with os.fdopen(descriptor) as stream:
        return Told(stream.read(), is_pipe)


@contextmanager
def standard_input(path: Path) -> Iterator[None]:
    """Have a file for ours in the block."""
    kept = os.dup(0)
    with path.open("rb") as stream:
        os.dup2(stream.fileno(), 0)
    try:
        yield
    finally:
        os.dup2(kept, 0)
        os.close(kept)


@pytest.mark.parametrize("size", [0, 10, 1 << 20])
def test_a_worker_reads_all_of_it(size: int, tmp_path: Path) -> None:
    text = "0123456789" * (size // 10)
    (tmp_path / "text").write_text(text)
    work = tmp_path / "work"
    with standard_input(tmp_path / "text"), fed_pipe(tmp_path / "pipe") as pipe:
        assert call(read_all, pipe, work=work, reads=[pipe]) == Told(text, is_pipe=True)
    assert not (tmp_path / "pipe").exists()


def test_who_reads_nothing_of_it_need_not_wait(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(bytes(1 << 20))
    with standard_input(tmp_path / "text"), fed_pipe(tmp_path / "pipe"):
        pass
    assert not (tmp_path / "pipe").exists()


def test_where_it_is_closed_nothing_comes(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from aimager.sandbox.standard_input import fed_pipe, open_fed\n"
        "with fed_pipe(Path(sys.argv[1])) as pipe, open(open_fed(pipe)) as stream:\n"
        "    print(repr(stream.read()))"
    )
    command = f'exec "{sys.executable}" -c "$1" "$2" <&-'
    argv = ["sh", "-c", command, "sh", code, str(tmp_path / "pipe")]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert done.stdout == "''\n"

"""What tasks and their children say comes to one place, with their names."""

import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from aimager.graph.console.events import CHANNEL, Record, read_line, send
from aimager.progress import MARK
from tests.support.places import ROOT


@pytest.fixture
def channel(monkeypatch: pytest.MonkeyPatch) -> Iterator[IO[bytes]]:
    """The reading end of a channel."""
    reader, writer = os.pipe()
    monkeypatch.setenv(CHANNEL, f"/proc/{os.getpid()}/fd/{writer}")
    with os.fdopen(reader, "rb", buffering=0) as said:
        yield said
        os.close(writer)


def read(channel: IO[bytes]) -> list[Record]:
    return [read_line(line) for line in channel.read(1 << 16).decode().split("\n")[:-1]]


def said_by(code: str) -> str:
    """Run a script, since pytest's own standard output is not a descriptor of the system."""
    head = "import os, subprocess, threading\nfrom aimager.graph.console.events import *\n"
    head += "from aimager.progress import *\n"
    done = subprocess.run(
        [sys.executable, "-c", head + code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_lines_and_records_come_with_the_tasks_name(channel: IO[bytes]) -> None:
    shown = said_by(
        "with heard('dig:one'):\n"
        "    print('a line', flush=True)\n"
        "    step('digging')\n"
        "    subprocess.run(['echo', 'a child says'], check=True)\n"
        "    print(MARK + 'no record')\n"
        "print('for the terminal')\n"
        "assert HEARD not in os.environ\n"
    )
    assert shown == "for the terminal\n"
    began, line, told, child, broken = read(channel)
    assert began == {"event": "began", "task": "dig:one"}
    assert line == {"event": "text", "text": "a line", "task": "dig:one"}
    assert (told["step"], told["task"]) == ("digging", "dig:one")
    assert child["text"] == "a child says"
    assert broken["text"] == f"{MARK}no record"


def test_all_is_as_before_when_a_task_fails(channel: IO[bytes]) -> None:
    shown = said_by(
        "try:\n"
        "    with heard('x'):\n"
        "        print('last words')\n"
        "        raise ZeroDivisionError\n"
        "except ZeroDivisionError:\n"
        "    print('after')\n"
    )
    assert shown == "after\n"
    assert read(channel)[-1]["text"] == "last words"


def test_without_a_channel_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CHANNEL, raising=False)
    assert said_by("with heard('x'): print('here', HEARD in os.environ)") == "here False\n"


@pytest.mark.usefixtures("channel")
def test_a_thread_beside_others_keeps_standard_output() -> None:
    code = (
        "def work():\n"
        "    with heard('x'): print('from a thread')\n"
        "thread = threading.Thread(target=work); thread.start(); thread.join()"
    )
    assert said_by(code) == "from a thread\n"


def test_long_records_of_several_writers_stay_whole(channel: IO[bytes]) -> None:
    def write(letter: str) -> None:
        with open(os.environ[CHANNEL], "wb", buffering=0) as stream:  # noqa: PTH123
            for _ in range(5):
                send(stream, {"event": "text", "text": letter * 20_000})

    writers = [threading.Thread(target=write, args=(letter,)) for letter in "abc"]
    for writer in writers:
        writer.start()
    said = b""
    while said.count(b"\n") < 15:
        said += channel.read(1 << 16)
    for writer in writers:
        writer.join()
    texts = [read_line(line)["text"] for line in said.decode().split("\n")[:-1]]
    assert sorted(texts) == sorted(letter * 20_000 for letter in "abc" for _ in range(5))


def test_who_is_interrupted_holds_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else all that others say waits for ever, and they with it."""
    path, real = tmp_path / "channel", fcntl.flock

    def interrupted(file: IO[bytes], how: int) -> None:
        real(file, how)
        if how == fcntl.LOCK_EX:
            raise KeyboardInterrupt

    monkeypatch.setattr(fcntl, "flock", interrupted)
    with path.open("wb", buffering=0) as channel:
        with pytest.raises(KeyboardInterrupt):
            send(channel, {"event": "text"})
        with path.open("rb") as other:
            real(other, fcntl.LOCK_EX | fcntl.LOCK_NB)

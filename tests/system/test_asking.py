"""Questions of a script are answered while the block runs, and nobody waits after it."""

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from aimager.system.asking import ANSWER, ASKED, answering

ASK = """\
cd "$1"
{ cat; echo; } > asked
while read -r line && [ -n "$line" ]; do echo "$line"; done < answer
"""


def ask(folder: Path, question: str) -> list[str]:
    """What a shell reads in answer to some lines."""
    argv = ["sh", "-ec", ASK, "sh", str(folder)]
    done = subprocess.run(
        argv, input=question, stdout=subprocess.PIPE, text=True, check=True, timeout=60
    )
    return done.stdout.splitlines()


def shout(lines: Sequence[str]) -> list[str]:
    return [line.upper() for line in lines]


def test_each_question_is_answered(tmp_path: Path) -> None:
    with answering(tmp_path, shout):
        assert ask(tmp_path, "a\nb c\n") == ["A", "B C"]
        assert ask(tmp_path, "d\n") == ["D"]


def test_long_ones_are(tmp_path: Path) -> None:
    """Longer than what a pipe holds."""
    lines = [f"line {number}" for number in range(40_000)]
    with answering(tmp_path, shout):
        assert ask(tmp_path, "\n".join(lines) + "\n") == shout(lines)


def test_nobody_waits_for_what_is_never_asked_or_read(tmp_path: Path) -> None:
    begun = time.monotonic()
    with answering(tmp_path, lambda lines: [*lines] * 100_000):
        (tmp_path / ASKED).write_text("a\n\n")
        time.sleep(0.1)
    assert time.monotonic() - begun < 30


def test_what_goes_wrong_is_raised_after_the_block(tmp_path: Path) -> None:
    def fail(lines: Sequence[str]) -> list[str]:
        raise OSError("no room")

    said: list[str] = []
    with pytest.raises(OSError, match="no room"), answering(tmp_path, fail):
        said += ask(tmp_path, "a\n")
    assert said == []


def test_the_pipes_are_the_callers_alone(tmp_path: Path) -> None:
    with answering(tmp_path, shout):
        modes = [(tmp_path / name).stat().st_mode & 0o777 for name in (ASKED, ANSWER)]
    assert modes == [0o600, 0o600]

"""doit's own runs, on terminals, pipes and with several processes, stay readable."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.places import ROOT
from tests.support.terminal import Terminal, doit

DODO = '''
import os, subprocess, sys
from functools import partial
from pathlib import Path

from aimager.graph import artifacts; from aimager import progress
from aimager.graph.actions import run_heard
from aimager.graph.console import display
from aimager.graph.console.reporter import Reporter
from aimager.errors import ConfigError

DOIT_CONFIG = {
    "reporter": Reporter, "backend": "sqlite3", "dep_file": ":memory:", "verbosity": 2,
    "sort": "definition", "default_tasks": ["show"],
}
artifacts.RUN.mkdir(parents=True, exist_ok=True)
SECONDS = float(os.environ.get("SECONDS", "2"))
display.PLAIN_PAUSE = 1e9  # however slow this machine is
DIG = """
import os, sys, time
from pathlib import Path
from aimager import progress
for done in range(1, 11):
    progress.step("digging", done=done, total=10, detail=f"spade {done}")
    if done == 6:
        Path(sys.argv[1]).touch()
        while not all(map(os.path.exists, os.environ.get("AWAITED", "").split())):
            time.sleep(0.02)
    time.sleep(%s)
print("   dug a hole")
"""


def dig(name, seconds):
    progress.reason(name, "it was never dug")
    digger = [sys.executable, "-c", DIG % (seconds / 10), name]
    subprocess.run(digger, check=True, start_new_session=True)
    if name == "bad":
        raise ConfigError("there is rock", hint="dig elsewhere")


def hole(name, seconds):
    return {"name": name, "actions": [(run_heard, [f"dig:{name}", partial(dig, name, seconds)])]}


def task_dig():
    yield hole("one", SECONDS)
    yield hole("two", SECONDS)
    yield {"name": "old", "actions": [(run_heard, ["dig:old", partial(dig, "old", 0)])],
           "uptodate": [True]}


def task_long():
    return {"actions": [(run_heard, ["long", partial(dig, "long", 600)])]}


def task_bad():
    return {"actions": [(run_heard, ["bad", partial(dig, "bad", SECONDS / 2)])]}


def tell():
    print("   " + artifacts.diary().read_text())


def task_show():
    return {"actions": [(run_heard, ["show", tell])], "task_dep": ["dig"], "uptodate": [False]}
'''

TOOK = r"(\d of \d) +(?:\d+\.\d s|\d+ min \d+ s)  "


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "dodo.py").write_text(DODO)
    return tmp_path


def terminal(folder: Path, *words: str, columns: int = 80, **env: str) -> Terminal:
    here = {"AIMAGER_CACHE": str(folder / "cache"), "NO_COLOR": "", **env}
    return Terminal(doit(*words), folder, here, columns)


def where(folder: Path, **env: str) -> dict[str, str]:
    """The environment of a doit whose lines are read by no person: they need no time to be seen."""
    here = {"AIMAGER_CACHE": str(folder / "cache"), "PYTHONPATH": str(ROOT)}
    return {**os.environ, **here, "SECONDS": "0.2", **env}


def piped(folder: Path, *words: str, **env: str) -> str:
    done = subprocess.run(
        doit(*words),
        cwd=folder,
        env=where(folder, **env),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


@pytest.fixture(scope="module")
def dug(tmp_path_factory: pytest.TempPathFactory) -> tuple[Terminal, list[str]]:
    """A terminal on which two holes were dug, and what it showed at a sixth spade."""
    folder = tmp_path_factory.mktemp("dug")
    (folder / "dodo.py").write_text(DODO)
    shown = terminal(folder, "dig", AWAITED="go")
    during = shown.wait_for(lambda lines: any("spade 6" in line for line in lines))
    (folder / "go").touch()
    shown.finish()
    return shown, during


def test_one_line_tells_what_is_going_on_and_then_is_gone(dug: tuple[Terminal, list[str]]) -> None:
    shown, during = dug
    assert re.fullmatch(r"one: digging  60%\|\S+\s*\| 6 of 10 \[\d\d:\d\d\], spade 6", during[-1])
    lines = shown.lines()
    assert shown.running.returncode == 0
    assert lines[1] == lines[3] == "   dug a hole", "each below the line of its task"
    ends = [re.fullmatch(TOOK + rf"{name}: it was never dug", lines[at]) for at, name in ENDS]
    assert [end and end[1] for end in ends] == ["1 of 3", "2 of 3"]
    assert len(lines) == 4


def test_a_finished_line_keeps_within_a_narrow_window(folder: Path) -> None:
    lines = terminal(folder, "dig", columns=36, SECONDS="0.2").finish()
    assert re.fullmatch(TOOK + "one: it was never", lines[0])
    assert lines[1:3] == [" " * 15 + "dug", "   dug a hole"]


def test_nothing_that_stands_is_ever_erased(dug: tuple[Terminal, list[str]]) -> None:
    shown, _ = dug
    for before, after in zip(shown.seen, shown.seen[1:], strict=False):
        done = [line for line in before if re.match(TOOK, line) or "dug a hole" in line]
        assert after[: len(done)] == done
    assert all(sum("digging" in line for line in screen) <= 1 for screen in shown.seen)


def test_the_line_keeps_within_a_window_that_becomes_narrow(folder: Path) -> None:
    shown = terminal(folder, "long", columns=100)
    shown.wait_for(lambda lines: any("digging" in line and len(line) > 90 for line in lines))
    shown.stop_at_rest()
    shown.wrap_anew(40)
    shown.go_on()
    lines = shown.wait_for(lambda lines: len(lines) == 1)
    assert lines[0].startswith("long: digging")
    assert len(lines[0]) <= 38
    shown.type("\x03")
    shown.finish()


def test_ctrl_c_leaves_a_clean_prompt(folder: Path) -> None:
    shown = terminal(folder, "long")
    shown.wait_for(lambda lines: any("digging" in line for line in lines))
    shown.type("\x03")
    lines = shown.finish()
    assert lines == ["interrupted"]
    assert shown.running.returncode != 0
    assert b"Traceback" not in shown.raw


def test_two_at_a_time_have_a_line_each(folder: Path) -> None:
    shown = terminal(folder, "-n", "2", "dig", AWAITED="go")
    during = shown.wait_for(
        lambda lines: all(any(f"{name}: digging" in line for line in lines) for name in NAMES)
    )
    (folder / "go").touch()
    assert sum("digging" in line for line in during) == 2
    lines = shown.finish()
    ends = {re.sub(TOOK, "", line) for line in lines if re.match(TOOK, line)}
    assert ends == {"one: it was never dug", "two: it was never dug"}
    assert len(lines) == 4
    assert not any("digging" in line for line in lines)


NAMES = ("one", "two")
ENDS = ((0, "one"), (2, "two"))


def test_a_failure_is_told_below_all_else(folder: Path) -> None:
    shown = terminal(folder, "bad")
    lines = shown.finish()
    assert re.fullmatch(TOOK + "bad: failed; it was never dug", lines[0])
    assert lines[1:] == [
        "   dug a hole",
        "TaskFailed - taskid:bad",
        "there is rock",
        "  hint: dig elsewhere",
    ]
    assert b"\x1b[31m" in shown.raw
    assert shown.running.returncode == 1


def test_what_more_is_to_be_said_of_a_failure_comes_last(folder: Path) -> None:
    text = (folder / "dodo.py").read_text()
    (folder / "dodo.py").write_text(text.replace("DOIT_CONFIG =", TELLING).replace(
        '"reporter": Reporter', '"reporter": Telling'
    ))  # fmt: skip
    for words in (("bad",), ("-n", "2", "bad")):
        said = piped(folder, *words).splitlines()
        assert said[-2:] == ["  hint: dig elsewhere", "bad failed: there is rock, at digging"]
    assert "failed: " not in piped(folder, "dig")


TELLING = """
class Telling(Reporter):
    def tell_of_failure(self, entries):
        (bad,) = entries
        return f"{bad.task} {bad.outcome}: {bad.fault.splitlines()[0]}, at {bad.steps[0].name}"


DOIT_CONFIG ="""


def test_no_colour_where_none_is_wanted(folder: Path) -> None:
    shown = terminal(folder, "bad", NO_COLOR="1")
    shown.finish()
    assert b"failed" in shown.raw
    assert not re.search(rb"\x1b\[[0-9;]*m", shown.raw)


def test_a_dumb_terminal_gets_plain_lines(folder: Path) -> None:
    shown = terminal(folder, "dig", TERM="dumb", SECONDS="0.2")
    lines = shown.finish()
    assert b"\x1b" not in shown.raw
    assert b"\r" not in shown.raw.replace(b"\r\n", b"")
    assert lines == PLAIN


PLAIN = [
    ".  dig:one",
    "one: it was never dug",
    "   dug a hole",
    ".  dig:two",
    "two: it was never dug",
    "   dug a hole",
    "-- dig:old",
]


def test_a_pipe_gets_plain_lines(folder: Path) -> None:
    assert piped(folder, "dig").splitlines() == PLAIN


def test_lines_of_two_processes_are_whole(folder: Path) -> None:
    said = piped(folder, "-n", "2", "dig", AWAITED="one two").splitlines()
    assert sorted(line.partition(" (")[0] for line in said) == sorted(PLAIN)
    assert any(line in said for line in ("   dug a hole (one)", "   dug a hole (two)"))


def test_the_diary_is_there_for_what_comes_after(folder: Path) -> None:
    for words in ((), ("-n", "2")):
        said = piped(folder, *words, SECONDS="2")
        entries = {entry["task"]: entry for entry in json.loads(said.splitlines()[-1])}
        assert entries["dig:old"]["outcome"] == "up to date"
        one = entries["dig:one"]
        assert (one["title"], one["outcome"], one["reason"]) == ("one", "done", "it was never dug")
        assert [step["name"] for step in one["steps"]] == ["digging"]
        assert one["end"] - one["start"] >= 1.0
        assert one["start"] <= one["steps"][0]["start"] <= one["steps"][0]["end"] <= one["end"]


def test_a_build_goes_on_when_its_reader_goes_away(folder: Path) -> None:
    running = subprocess.Popen(
        doit("dig"),
        cwd=folder,
        env=where(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout and running.stderr
    assert running.stdout.readline() == ".  dig:one\n"
    running.stdout.close()
    assert running.wait() == 0, running.stderr.read()
    running.stderr.close()

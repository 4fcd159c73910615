"""Builds that are ended in the middle leave nothing, and the next run goes on."""

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from aimager.products.run_folder import is_held
from tests.support.cells import HOST
from tests.support.runs import Doit
from tests.support.waiting import wait_until

PLATFORM = HOST.platform.id

OF_A_RUN = {"asked", "begun", "view"}
"""What a run keeps in its folder beside the work directories of its calls."""

# In the order of the build, so that each run comes a stage further.
STAGES = (
    (f"fetch-packages:{PLATFORM}.borrowed", signal.SIGKILL, 0.2),
    (f"make-rootfs-archive:{PLATFORM}.borrowed", signal.SIGKILL, 0.5),
    (f"make-rootfs-archive:{PLATFORM}", signal.SIGINT, 1.0),
    (f"make-rootfs-archive:{PLATFORM}", signal.SIGKILL, 2.0),
    (f"install-packages:{HOST.id}", signal.SIGTERM, 1.0),
    (f"pack-image:{HOST.id}", signal.SIGKILL, 1.0),
)


@pytest.fixture(scope="module")
def cold(doit: Doit, test_cache: Path) -> Doit:
    """doit on a cache that holds nothing."""
    folder = test_cache / "interrupted"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return replace(doit, folder=folder)


def processes(folder: Path) -> list[str]:
    """The command lines of all processes that work in ``folder``."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it has just ended
            continue
        if str(folder) in line:
            found.append(line)
    return found


def remains(cold: Doit) -> list[str]:
    """What still works in a build's folder, and what a call has left in its work directory.

    An empty work directory does not count: its call ended before a supervisor knew of it, and the
    next run removes it.
    """
    works = [path for path in (cold.cache / "work").glob("*/*/") if path.name not in OF_A_RUN]
    with suppress(FileNotFoundError):  # it has just been removed
        works = [path for path in works if any(path.iterdir())]
    return [*processes(cold.folder), *map(str, works)]


def has_call(cold: Doit) -> bool:
    """Whether a call is under way."""
    return any("fork_server" in line for line in processes(cold.folder))


def interrupt(cold: Doit, task: str, number: signal.Signals, delay: float) -> None:
    """Start a build, and send it a signal some time after a call of ``task`` has begun.

    Meanwhile doit itself is stopped, so that it cannot come to its end before. It runs one task at
    a time: those that run several are in tests/graph/test_runner.py.
    """
    running = subprocess.Popen(
        cold.command("-n", "1", "build", *HOST.words),
        env={**cold.environment, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert running.stdout
    said = []
    for line in running.stdout:
        said.append(line)
        if line.strip() == f".  {task}":
            break
    else:
        pytest.fail(f"{task} never began:\n{''.join(said)}")
    wait_until(lambda: has_call(cold) or running.poll() is not None)
    running.send_signal(signal.SIGSTOP)
    time.sleep(delay)
    running.send_signal(number)
    running.send_signal(signal.SIGCONT)
    running.communicate()
    assert running.returncode != 0


@pytest.mark.parametrize(("task", "number", "delay"), STAGES)
def test_nothing_is_left(cold: Doit, task: str, number: signal.Signals, delay: float) -> None:
    # What was done by the time that the one before was interrupted is there.
    for folder in (cold.cache / "product" / task.replace(":", "/"), cold.out):
        shutil.rmtree(folder, ignore_errors=True)
    interrupt(cold, task, number, delay)
    wait_until(lambda: not remains(cold))
    folders = list((cold.cache / "work").iterdir())
    if number == signal.SIGKILL:  # of that run the next removes what it saw, and that is all
        names = {path.name for folder in folders for path in folder.iterdir()}
        assert names >= OF_A_RUN
        # Of a process that is at its end its words go before its files do.
        wait_until(lambda: not any(is_held(folder) for folder in folders))
    else:
        assert folders == []
    assert str(cold.folder) not in Path("/proc/self/mountinfo").read_text()
    assert not list(cold.out.rglob("*.img"))


def test_the_next_run_finishes_and_all_can_be_removed(cold: Doit) -> None:
    cold.build(*HOST.words)
    assert HOST.disk(cold).stat().st_size > 256 << 20
    assert list((cold.cache / "work").iterdir()) == []
    assert all(path.lstat().st_uid == os.getuid() for path in cold.folder.rglob("*"))
    subprocess.run(["rm", "-rf", cold.folder], check=True)
    assert not cold.folder.exists()

"""A stage, a cache for it, and builds of it in processes of their own, for the tests."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aimager.files import publish_text
from aimager.model.workshop import environment
from aimager.products import run_folder
from aimager.products.cache import Kept
from aimager.products.task import CachedTask
from tests.support.places import ROOT
from tests.support.waiting import wait_until


@dataclass(frozen=True)
class Shout:
    """Makes the source's text and ``words`` loud, and notes in ``diary`` that it ran.

    ``pause`` are seconds that it takes, or a file that it waits for.
    """

    source: Path
    words: tuple[str, ...]
    target: Path
    diary: Path = environment()
    pause: float | Path = environment()

    def run(self) -> None:
        """Make it."""
        with self.diary.open("a") as stream:
            stream.write("ran\n")
        if isinstance(self.pause, Path):
            wait_until(self.pause.exists)
        else:
            time.sleep(self.pause)
        publish_text(self.target, " ".join((self.source.read_text(), *self.words)).upper())


def shout(
    cache: Path, run: str, source: Path, *words: str, task: str = "shout", pause: float | Path = 0.0
) -> CachedTask:
    """The task that makes ``source`` loud, in the run of this name."""
    kept = Kept(cache / "product" / task / "x", cache / "work" / run / "view" / task / "x")
    cache.mkdir(exist_ok=True)
    stage = Shout(source, words, kept.view / "loud.txt", diary=cache / task, pause=pause)
    return CachedTask(task, "x", f"{task}:x", stage, kept)


def other_subject(task: CachedTask, run: str) -> CachedTask:
    """The same task for another subject, in a run of its own."""
    cache = task.kept.folder.parents[2]
    kept = Kept(cache / "product/shout/y", cache / "work" / run / "view/shout/y")
    given: Any = task.stage
    stage = replace(given, target=kept.view / "loud.txt")
    return replace(task, subject="y", title="shout:y", stage=stage, kept=kept)


def build(task: CachedTask) -> bool:
    """Do what doit does with a task; returns whether it ran."""
    if task.is_done():
        return False
    task.run()
    return True


def runs(cache: Path, task: str = "shout") -> int:
    """How often the stage of ``task`` ran."""
    diary = cache / task
    return diary.read_text().count("ran") if diary.exists() else 0


def product(task: CachedTask) -> Path:
    """The folder of the only kept product."""
    (folder,) = task.kept.folder.glob("[!.]*")
    return folder


def write_later(path: Path, content: bytes) -> None:
    """Write it when the clock of files, which ticks some hundred times a second, has gone on."""
    before = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 10**7))


def start(function: str, *arguments: object) -> subprocess.Popen[str]:
    """Call a function of this module in a process of its own."""
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import sys; from tests.support import staged; staged.{function}(*sys.argv[1:])",
        ]
        + [str(argument) for argument in arguments],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(running: subprocess.Popen[str]) -> str:
    """Let a process go on to its end; returns all that it says."""
    said, _ = running.communicate()
    assert running.returncode == 0, said
    return said


def hear(running: subprocess.Popen[str]) -> str:
    """The next line that a process says."""
    assert running.stdout
    return running.stdout.readline().strip()


def build_there(cache: str, run: str, source: str, pause: str, *words: str) -> None:
    """Build, say so, and keep the run's folder until standard input ends."""
    run_folder.hold_run_folder(Path(cache, "work", run))
    takes = Path(pause) if "/" in pause else float(pause)
    task = shout(Path(cache), run, Path(source), *words, pause=takes)
    ran = build(task)
    print(f"ran: {ran}, {(task.kept.view / 'loud.txt').read_text()}", flush=True)
    sys.stdin.read()


def hold_there(folder: str) -> None:
    """Hold a run's folder until standard input ends."""
    run_folder.hold_run_folder(Path(folder))
    Path(folder, "view").mkdir(exist_ok=True)
    print("held", flush=True)
    sys.stdin.read()

"""doit run as a user runs it, but in a fork of a process that has read most modules already.

``python doit_nursery.py`` takes one job of JSON a line, runs each in a child of its own, and
answers with the exit status. What heeds the environment or the command line, which are the rooms
graph and commands, each child reads anew.
"""

import atexit
import importlib
import json
import os
import pkgutil
import runpy
import subprocess
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import NoReturn

import doit.doit_cmd

import aimager.stages
from tests.support.impatient import nobody_stands_by
from tests.support.places import ROOT

READ = (doit.doit_cmd.__name__, "aimager.config.build", "aimager.stand_in")
"""Modules that are read once for all children, and with them all that they import; so is each
stage."""

PROGRAMS = {
    "doit": ("doit", "-f", str(ROOT / "dodo.py")),
    "aimager": ("aimager.commands.program",),
}
"""The module of each entry point, and the words before the user's."""

ANEW = ("aimager.graph.", "aimager.commands.", "aimager.dodo.", "dodo.", "tests.")
"""Rooms whose modules are read by each child."""


class Nursery:
    """Runs ``doit`` words in a folder; what it said is in one text."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        path = os.pathsep.join([str(ROOT), *sys.path])
        self.process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )

    def __enter__(self) -> "Nursery":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()

    def run(
        self,
        words: Sequence[str],
        environment: Mapping[str, str],
        preparation: str = "",
        *,
        program: str = "doit",
    ) -> tuple[int, str]:
        """The exit status of ``doit`` with these words, and all that it said.

        ``preparation`` is Python that is executed before it. ``program`` may be ``aimager``.
        """
        assert self.process.stdin
        assert self.process.stdout
        output = self.folder / ".said"
        job = {
            "words": list(words),
            "environment": dict(environment),
            "folder": str(self.folder),
            "output": str(output),
            "preparation": preparation,
            "program": program,
        }
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline()), output.read_text(errors="replace")


@contextmanager
def nursery(folder: Path) -> Iterator[Nursery]:
    """A nursery whose runs start in ``folder``."""
    with Nursery(folder) as opened:
        yield opened


def _run(job: Mapping[str, str], words: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    output = os.open(job["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    null = os.open("/dev/null", os.O_RDONLY)
    os.dup2(null, 0)
    status = 99
    atexit._clear()
    try:
        os.environ.update(environment)
        os.chdir(job["folder"])
        for name in [name for name in sys.modules if f"{name}.".startswith(ANEW)]:
            del sys.modules[name]
        exec(job["preparation"], {})
        module, *before = PROGRAMS[job["program"]]
        sys.argv = [job["program"], *before, *words]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 1 if ended.code else 0
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def main() -> None:
    """Take jobs until there are no more."""
    stages = (module.name for module in pkgutil.iter_modules(aimager.stages.__path__))
    for name in (*READ, *(f"aimager.stages.{stage}" for stage in stages)):
        importlib.import_module(name)
    nobody_stands_by(setattr)
    for line in sys.stdin:
        job = json.loads(line)
        child = os.fork()
        if not child:
            _run(job, job["words"], job["environment"])
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()

"""Where a stage's programs come from: the borrowed root where it holds them, else the host."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import IO

from aimager import process
from aimager.errors import CommandError, HostError
from aimager.loader import Start
from aimager.program_output import TAIL_LINES, Complaints

Heed = Callable[[str], object]


class Toolbox:
    """Runs programs from ``borrowed``, an unpacked root of the host's own architecture.

    Paths mean the same to a borrowed program as to the caller: the folders that programs are given
    are bound at their own paths below ``borrowed`` when the toolbox is made. ``lender`` is
    the same tree where files can be made in it and linked. ``within`` is what programs are run in,
    in the place of all that. ``jobs`` is how many run programs at the same time.
    """

    def __init__(
        self,
        borrowed: Path | None,
        log: IO[bytes] | None = None,
        *,
        lender: Path | None = None,
        within: process.Enclosure | None = None,
        jobs: int = 1,
    ) -> None:
        self.borrowed = borrowed
        self.lender = lender or borrowed
        self.log = log
        self.jobs = jobs
        self._within = within

    @property
    def cores(self) -> int:
        """How many threads a program may work with."""
        return max(len(os.sched_getaffinity(0)) // self.jobs, 1)

    def root_of(self, program: str) -> Path | None:
        """The root in which ``program`` is found; None is the host's own.

        :raises HostError: when neither has it
        """
        if self.borrowed and any(
            os.access(self.borrowed / folder / program, os.X_OK)
            for folder in ("usr/bin", "usr/sbin")
        ):
            return self.borrowed
        if shutil.which(program, path=process.ENVIRONMENT["PATH"]):
            return None
        if self.borrowed:
            raise HostError(
                f"neither the borrowed programs nor this machine have {program}",
                hint="install the package that has it on this machine",
            )
        raise HostError(
            f"tools=host needs the program {program}, which is missing",
            hint="install the package that has it (./setup.sh knows the usual ones), or leave"
            " tools=host out",
        )

    def run(
        self,
        argv: Sequence[str | os.PathLike[str]],
        *,
        env: Mapping[str, str] | None = None,
        input: bytes | None = None,
        quiet: bool = False,
    ) -> str:
        """Run ``argv``, log all it says (unless ``quiet``) and return its standard output.

        :raises CommandError: when it fails
        :raises HostError: when it is missing
        """
        log = None if quiet else self.log
        within = self._enclosure(os.fspath(argv[0]))
        return process.run(argv, log=log, within=within, env=env, input=input)

    @contextmanager
    def pipe_out(
        self, argv: Sequence[str | os.PathLike[str]], source: IO[bytes] | None = None
    ) -> Iterator[IO[bytes]]:
        """Run ``argv`` and yield its standard output to read to the end.

        Its standard input is the open file ``source``, which must not have been read from, or
        nothing.

        :raises CommandError: after the block, when the program failed
        :raises HostError: when it is missing
        """
        stdin = source.fileno() if source else subprocess.DEVNULL
        with self._started(argv, stdin=stdin, stdout=subprocess.PIPE) as running:
            assert running.stdout
            yield running.stdout

    @contextmanager
    def pipe_in(
        self,
        argv: Sequence[str | os.PathLike[str]],
        *,
        env: Mapping[str, str] | None = None,
        heed: Heed | None = None,
    ) -> Iterator[IO[bytes]]:
        """Run ``argv`` and yield its standard input to write to; the block's end closes it.

        ``heed`` is given what it complained of, if it did well all the same.

        :raises CommandError: when the program failed, or stopped reading early
        :raises HostError: when it is missing
        """
        pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
        with self._started(argv, stdin=pipe, stdout=nowhere, env=env, heed=heed) as running:
            assert running.stdin
            try:
                yield running.stdin
                running.stdin.close()
            except BrokenPipeError:
                # The program's own words, which come with its status, say why it went away.
                if running.wait() == 0:
                    raise

    def pipe_through(
        self,
        argv: Sequence[str | os.PathLike[str]],
        source: IO[bytes] | None,
        target: IO[bytes],
        *,
        heed: Heed | None = None,
    ) -> None:
        """Run ``argv`` with open files as its standard input, if any, and output.

        ``source`` must not have been read from, nor ``target`` written to. ``heed`` is as in
        `pipe_in`.

        :raises CommandError: when the program failed
        :raises HostError: when it is missing
        """
        stdin = source.fileno() if source else subprocess.DEVNULL
        with self._started(argv, stdin=stdin, stdout=target.fileno(), heed=heed):
            pass

    def _enclosure(self, program: str) -> process.Enclosure | None:
        if self._within:
            return self._within
        root = self.root_of(program)
        return None if root is None else process.Root(root)

    @contextmanager
    def _started(
        self,
        argv: Sequence[str | os.PathLike[str]],
        *,
        stdin: int,
        stdout: int,
        env: Mapping[str, str] | None = None,
        heed: Heed | None = None,
    ) -> Iterator[subprocess.Popen[bytes]]:
        words = [os.fspath(word) for word in argv]
        within = self._enclosure(words[0])
        with within.entering() if within else nullcontext() as enter:
            start = Start(words[0], process.ENVIRONMENT["PATH"], enter) if enter else None
            try:
                running = subprocess.Popen(
                    words,
                    stdin=stdin,
                    stdout=stdout,
                    stderr=subprocess.PIPE,
                    env=process.environment(env),
                    preexec_fn=start,
                )
            except OSError as error:
                raise process.not_started(words, error, start) from error
            complaints = Complaints(running)
            try:
                yield running
                status = running.wait()
            except BaseException:
                running.kill()
                raise
            finally:
                _close(running)
                said = complaints.finish()
                if self.log:
                    self.log.write(process.logged(words) + said)
                    self.log.flush()
            complaints.refuse_excess()
            if status:
                tail = said.decode(errors="replace").splitlines()[-TAIL_LINES:]
                raise CommandError(words, status, "\n".join(tail))
            if heed:
                heed(said.decode(errors="replace"))


def _close(running: subprocess.Popen[bytes]) -> None:
    running.wait()
    for pipe in (running.stdin, running.stdout):
        if pipe and not pipe.closed:
            with suppress(BrokenPipeError):  # the program's status tells why
                pipe.close()

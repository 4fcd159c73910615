"""Run a program, keep all that it says in a log, and raise with the last of it when it fails."""

import errno
import os
import shlex
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from aimager.errors import CommandError, HostError
from aimager.loader import Start, missing_interpreter
from aimager.program_output import Said, Watch

ENVIRONMENT = {
    "LANG": "C.UTF-8",  # pacman refuses UTF-8 file names in C: "Pathname can't be converted"
    "LC_ALL": "C.UTF-8",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "TZ": "UTC",
    "HOME": "/root",
    "PYTHONHASHSEED": "0",  # the order in which Python has a set's members
}
"""The whole environment of every program that takes part in a build, so that none of the user's
reaches the result."""

_EMULATION = ("QEMU_CPU", "HOSTTYPE", "MACHTYPE", "OSTYPE")
"""QEMU's model of a CPU, and bash's of its machine (`aimager.sandbox.native_programs`)."""


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a program: the fixed one, what emulation needs, and ``more``."""
    emulation = {name: os.environ[name] for name in _EMULATION if name in os.environ}
    return {**ENVIRONMENT, **emulation, **(more or {})}


class Enclosure(Protocol):
    """Something that a program is run in."""

    def entering(self) -> AbstractContextManager[Callable[[], None]]:
        """Give what the program's new process does before it becomes the program."""


@dataclass(frozen=True)
class Root:
    """After chroot(2) into ``folder``."""

    folder: Path

    @contextmanager
    def entering(self) -> Iterator[Callable[[], None]]:
        """Give what changes the root."""

        def enter() -> None:
            os.chroot(self.folder)
            os.chdir("/")

        yield enter


def run(
    argv: Sequence[str | os.PathLike[str]],
    *,
    log: IO[bytes] | None = None,
    within: Enclosure | None = None,
    env: Mapping[str, str] | None = None,
    input: bytes | None = None,
    cwd: Path | None = None,
    watch: Watch | None = None,
    native: bool = False,
) -> str:
    """Run ``argv`` to its end and return its standard output.

    Standard output and standard error both go to ``log``, as they come. With ``watch`` they are
    one, in the order in which they were said, and each line is given to it. One that is ``native``
    is not told by its environment what is emulated beside it.

    :raises CommandError: when it ends with another status than 0
    :raises HostError: when it cannot be started
    :raises ImageError: when it says too much
    """
    words = [os.fspath(word) for word in argv]
    _log(log, logged(words))
    whole = {**ENVIRONMENT, **(env or {})} if native else environment(env)
    done = _execute(words, within, whole, input, cwd, log, watch)
    if done.status:
        raise CommandError(words, done.status, done.tail)
    return done.output


def logged(words: Sequence[str]) -> bytes:
    """The line of a log for a command; names of files in it need not be text (PEP 383)."""
    return f"$ {shlex.join(words)}\n".encode(errors="surrogateescape")


def attempt(
    argv: Sequence[str | os.PathLike[str]], *, within: Enclosure | None = None
) -> tuple[int, str]:
    """Run ``argv``, which may fail: its exit status, and all of its standard output.

    :raises HostError: when it cannot be started
    """
    words = [os.fspath(word) for word in argv]
    done = _execute(words, within, environment(), None, None, None, None)
    return done.status, done.output


@dataclass(frozen=True)
class _Done:
    status: int
    output: str
    tail: str


def _execute(
    words: Sequence[str],
    within: Enclosure | None,
    env: Mapping[str, str],
    input: bytes | None,
    cwd: Path | None,
    log: IO[bytes] | None,
    watch: Watch | None,
) -> _Done:
    with (
        within.entering() if within else nullcontext() as enter,
        _started(words, enter, env, cwd, has_input=bool(input), one=bool(watch)) as running,
    ):
        said = Said(words[0], log, watch)
        try:
            said.follow(running, input or b"")
        except BaseException:
            running.kill()
            raise
        status = running.wait()
    return _Done(status, said.output.decode(errors="surrogateescape"), said.tail())


def _started(
    words: Sequence[str],
    enter: Callable[[], None] | None,
    env: Mapping[str, str],
    cwd: Path | None,
    *,
    has_input: bool,
    one: bool,
) -> "subprocess.Popen[bytes]":
    started = Start(words[0], ENVIRONMENT["PATH"], enter)
    try:
        return subprocess.Popen(
            words,
            stdin=subprocess.PIPE if has_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if one else subprocess.PIPE,
            env=env,
            cwd=cwd,
            preexec_fn=started if enter else None,
        )
    except OSError as error:
        raise not_started(words, error, started if enter else None) from error


def not_started(words: Sequence[str], error: OSError, start: Start | None = None) -> HostError:
    """The error for a program that the kernel does not start, by what ``start`` saw where it is."""
    here = missing_interpreter(words[0], ENVIRONMENT["PATH"])
    missing = start.missing if start else here
    if error.errno != errno.ENOENT or not missing:
        return HostError(
            f"{words[0]} cannot be started: {error.strerror}",
            hint="install the package that has it, or, if tools=host names the host's, leave that"
            " out",
        )
    return HostError(
        f"{words[0]} cannot be started: {missing}, by which its file is run, is missing",
        hint="the packages that it came with lack one that they depend on: try another mirror with"
        " repo-url-parent="
        if start
        else "install the package of this machine's distribution that has it",
    )


def _log(log: IO[bytes] | None, said: bytes) -> None:
    if log:
        log.write(said)
        log.flush()


def end(child: "subprocess.Popen[bytes]", patience: float) -> None:
    """Let ``child`` clean up, if it still runs, for so many seconds; then kill it."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(patience)
        except subprocess.TimeoutExpired:
            pass
        finally:  # also where a second Ctrl-C ends the patience
            child.kill()
            child.wait()

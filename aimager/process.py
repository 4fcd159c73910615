"""Run a program, keep all that it says in a log, and raise with the last of it when it fails."""

import os
import shlex
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from aimager.errors import CommandError, HostError

TAIL_LINES = 20

Watch = Callable[[str], object]
"""Is told each line that a program says, without its end."""

ENVIRONMENT = {
    "LANG": "C.UTF-8",  # pacman refuses UTF-8 file names in C: "Pathname can't be converted"
    "LC_ALL": "C.UTF-8",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "TZ": "UTC",
    "HOME": "/root",
}
"""The whole environment of every program that takes part in a build, so that none of the user's
reaches the result."""

_EMULATION = ("QEMU_CPU", "HOSTTYPE", "MACHTYPE", "OSTYPE")
"""QEMU's model of a CPU, and bash's of its machine (`aimager.sandbox.native_programs`)."""


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a program: the fixed one, what emulation needs, and ``more``."""
    emulation = {name: os.environ[name] for name in _EMULATION if name in os.environ}
    return {**ENVIRONMENT, **emulation, **(more or {})}


def run(
    argv: Sequence[str | os.PathLike[str]],
    *,
    log: IO[bytes] | None = None,
    root: Path | None = None,
    env: Mapping[str, str] | None = None,
    input: bytes | None = None,
    cwd: Path | None = None,
    watch: Watch | None = None,
) -> str:
    """Run ``argv`` to its end and return its standard output.

    Standard output and standard error both go to ``log``. With ``watch`` they are one, in the order
    in which they were said; each line goes to the log, and to ``watch``, as it comes. With
    ``root``, the program is run after chroot(2) into it.

    :raises CommandError: when it ends with another status than 0
    :raises HostError: when it cannot be started
    """
    words = [os.fspath(word) for word in argv]
    _log(log, f"$ {shlex.join(words)}\n".encode())
    if watch:
        done = _follow(words, root, env, cwd, log, watch)
        said = done.stdout
    else:
        done = _execute(words, root, env, input, cwd)
        said = done.stdout + done.stderr
        _log(log, said)
    if done.returncode:
        tail = said.decode(errors="replace").splitlines()[-TAIL_LINES:]
        raise CommandError(words, done.returncode, "\n".join(tail))
    return done.stdout.decode(errors="surrogateescape")


def attempt(argv: Sequence[str | os.PathLike[str]], *, root: Path | None = None) -> tuple[int, str]:
    """Run ``argv``, which may fail: its exit status, and all of its standard output.

    :raises HostError: when it cannot be started
    """
    done = _execute([os.fspath(word) for word in argv], root, None, None, None)
    return done.returncode, done.stdout.decode(errors="surrogateescape")


def _execute(
    words: Sequence[str],
    root: Path | None,
    env: Mapping[str, str] | None,
    input: bytes | None,
    cwd: Path | None,
) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            words,
            input=input or b"",
            capture_output=True,
            env=environment(env),
            cwd=cwd if root is None else None,
            preexec_fn=_entering(root, cwd),
            check=False,
        )
    except OSError as error:
        raise _not_started(words, error) from error


def _follow(
    words: Sequence[str],
    root: Path | None,
    env: Mapping[str, str] | None,
    cwd: Path | None,
    log: IO[bytes] | None,
    watch: Watch,
) -> subprocess.CompletedProcess[bytes]:
    said = bytearray()
    try:
        running = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment(env),
            cwd=cwd if root is None else None,
            preexec_fn=_entering(root, cwd),
        )
    except OSError as error:
        raise _not_started(words, error) from error
    with running:
        assert running.stdout
        try:
            for line in running.stdout:
                said += line
                _log(log, line)
                watch(line.decode(errors="replace").rstrip("\n"))
        except BaseException:
            running.kill()
            raise
    return subprocess.CompletedProcess(words, running.returncode, bytes(said))


def _entering(root: Path | None, cwd: Path | None) -> Callable[[], None] | None:
    """What a program's process does before it becomes the program."""
    if root is None:
        return None

    def enter_root() -> None:
        os.chroot(root)
        os.chdir(cwd or "/")

    return enter_root


def _not_started(words: Sequence[str], error: OSError) -> HostError:
    return HostError(f"{words[0]} cannot be started: {error.strerror}")


def _log(log: IO[bytes] | None, said: bytes) -> None:
    if log:
        log.write(said)
        log.flush()

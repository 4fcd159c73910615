"""Run a program, keep all that it says in a log, and raise with the last of it when it fails."""

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from aimager.errors import CommandError, HostError

TAIL_LINES = 20

ENVIRONMENT = {
    "LANG": "C.UTF-8",  # pacman refuses UTF-8 file names in C: "Pathname can't be converted"
    "LC_ALL": "C.UTF-8",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "TZ": "UTC",
    "HOME": "/root",
}
"""The whole environment of every program that takes part in a build, so that none of the user's
reaches the result."""


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a program: the fixed one, QEMU's model of a CPU, and ``more``."""
    emulation = {name: os.environ[name] for name in ("QEMU_CPU",) if name in os.environ}
    return {**ENVIRONMENT, **emulation, **(more or {})}


def run(
    argv: Sequence[str | os.PathLike[str]],
    *,
    log: IO[bytes] | None = None,
    root: Path | None = None,
    env: Mapping[str, str] | None = None,
    input: bytes | None = None,
    cwd: Path | None = None,
    merged: bool = False,
) -> str:
    """Run ``argv`` to its end and return its standard output.

    Standard output and standard error both go to ``log``; with ``merged`` they are one, in the
    order in which they were said. With ``root``, the program is run after chroot(2) into it.

    :raises CommandError: when it ends with another status than 0
    :raises HostError: when it cannot be started
    """
    words = [os.fspath(word) for word in argv]
    if log:
        log.write(f"$ {shlex.join(words)}\n".encode())
        log.flush()
    done = _execute(words, root, env, input, cwd, merged)
    said = done.stdout + (done.stderr or b"")
    if log:
        log.write(said)
        log.flush()
    if done.returncode:
        tail = said.decode(errors="replace").splitlines()[-TAIL_LINES:]
        raise CommandError(words, done.returncode, "\n".join(tail))
    return done.stdout.decode(errors="surrogateescape")


def attempt(argv: Sequence[str | os.PathLike[str]], *, root: Path | None = None) -> tuple[int, str]:
    """Run ``argv``, which may fail: its exit status, and all of its standard output.

    :raises HostError: when it cannot be started
    """
    done = _execute([os.fspath(word) for word in argv], root, None, None, None, False)
    return done.returncode, done.stdout.decode(errors="surrogateescape")


def _execute(
    words: Sequence[str],
    root: Path | None,
    env: Mapping[str, str] | None,
    input: bytes | None,
    cwd: Path | None,
    merged: bool,
) -> subprocess.CompletedProcess[bytes]:

    def enter_root() -> None:
        if root is not None:
            os.chroot(root)
            os.chdir(cwd or "/")

    try:
        return subprocess.run(
            words,
            input=input or b"",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merged else subprocess.PIPE,
            env=environment(env),
            cwd=cwd if root is None else None,
            preexec_fn=enter_root if root is not None else None,
            check=False,
        )
    except OSError as error:
        raise HostError(f"{words[0]} cannot be started: {error.strerror}") from error

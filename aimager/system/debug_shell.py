"""A shell in the root whose making failed, on the user's terminal: ``shell=yes``.

A build's processes are in a session of their own, which has no terminal. So the shell gets a new
pseudoterminal (pty(7)), and what passes between that and the user's is carried here. Nothing that
is done in it reaches a product: the task has failed.
"""

import fcntl
import os
import pty
import select
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from aimager import progress
from aimager.errors import AimagerError, TrustError
from aimager.process import environment
from aimager.sandbox.chroot import Chroot
from aimager.sandbox.worker_root import TERMINAL

_SHELLS = ("bin/bash", "usr/bin/bash", "bin/sh", "usr/bin/sh")
_CHUNK = 1 << 12
_LOOK_AT_SIZE = 0.5  # seconds: no SIGWINCH comes from a terminal that is not this session's


@contextmanager
def shell_on_failure(image: Chroot, terminal: Path | None) -> Iterator[None]:
    """Open a shell in ``image`` when the block fails, if there is a ``terminal`` to do it on.

    Where a package is not trusted there is nothing to see: none has been installed.
    """
    try:
        yield
    except AimagerError as error:
        if terminal and not isinstance(error, TrustError):
            open_shell(image, terminal, f"{error}\n")
        raise


def open_shell(image: Chroot, terminal: Path, why: str) -> None:
    """Let the user look around in ``image`` until the shell's end."""
    shell = next((name for name in _SHELLS if image.tree.is_file(name)), None)
    try:
        screen = os.open(TERMINAL, os.O_RDWR | os.O_NOCTTY)
    except OSError as error:
        progress.say(f"   no shell is opened: {terminal}: {error.strerror}")
        return
    try:
        _write(screen, f"\r\n{why}".replace("\n", "\r\n").encode())
        if shell is None:
            _write(screen, b"no shell is opened: the root has no shell\r\n")
            return
        _write(screen, b"This is a shell in the root that failed. Nothing in it is kept; ")
        _write(screen, b"exit or ctrl-d ends it, and the build.\r\n")
        _run(image, shell, screen)
    finally:
        os.close(screen)


def _run(image: Chroot, shell: str, screen: int) -> None:
    with image.jail().entering() as enter:
        master, slave = pty.openpty()
        child = os.fork()
        if not child:
            try:
                enter()
                os.login_tty(slave)  # in its own session, which knows no other process
                words = {"TERM": os.environ.get("TERM", "dumb"), "PS1": "[failed root] \\w # "}
                os.execve(f"/{shell}", [shell, "-i"], environment(words))
            finally:
                os._exit(127)
        os.close(slave)
        kept = termios.tcgetattr(screen)
        try:
            tty.setraw(screen, termios.TCSADRAIN)  # what was typed by now is for the shell
            _carry(screen, master)
        finally:
            termios.tcsetattr(screen, termios.TCSADRAIN, kept)
            os.close(master)
            os.waitpid(child, 0)


def _carry(screen: int, master: int) -> None:
    """Carry what is typed to the shell and what it says to the screen, to the shell's end."""
    while True:
        size = fcntl.ioctl(screen, termios.TIOCGWINSZ, bytes(8))
        fcntl.ioctl(master, termios.TIOCSWINSZ, size)
        ready, _, _ = select.select([screen, master], [], [], _LOOK_AT_SIZE)
        if master in ready:
            said = b""
            with suppress(OSError):  # EIO: the shell has ended
                said = os.read(master, _CHUNK)
            if not said:
                return
            _write(screen, said)
        if screen in ready:
            typed = os.read(screen, _CHUNK)
            if not typed:  # the terminal is gone; so the shell ends too
                return
            _write(master, typed)


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]

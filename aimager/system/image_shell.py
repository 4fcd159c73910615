"""A shell in an image's root: on the user's terminal, or for commands that come by a pipe.

A worker's processes are in a session of their own, which has no terminal. So the shell gets a new
pseudoterminal (pty(7)), and what passes between that and the user's is carried here.
"""

import fcntl
import os
import pty
import select
import subprocess
import termios
import tty
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from aimager.errors import HostError, ImageError
from aimager.process import environment
from aimager.sandbox.chroot import Chroot
from aimager.sandbox.worker_root import TERMINAL

_SHELLS = ("bin/bash", "usr/bin/bash", "bin/sh", "usr/bin/sh")
_CHUNK = 1 << 12
_LOOK_AT_SIZE = 0.5  # seconds: no SIGWINCH comes from a terminal that is not this session's


def open_shell(image: Chroot, terminal: Path, told: str, prompt: str) -> int:
    """Let the user work in ``image`` until the shell's end, and return its exit status.

    ``told`` are the lines before it; ``terminal`` is what the user calls the terminal.

    :raises HostError: when that cannot be opened
    :raises ImageError: when the root has no shell
    """
    shell = _find_shell(image)
    try:
        screen = os.open(TERMINAL, os.O_RDWR | os.O_NOCTTY)
    except OSError as error:
        raise HostError(
            f"{terminal}: {error.strerror}", hint="use a terminal of your own"
        ) from error
    try:
        _write(screen, f"\r\n{told}".replace("\n", "\r\n").encode())
        return _run(image, shell, screen, prompt)
    finally:
        os.close(screen)


def run_commands(image: Chroot, commands: int, output: int) -> int:
    """Have the shell of ``image`` run what comes from ``commands``, and return its exit status.

    Both are descriptors; what the commands print goes to ``output``.

    :raises ImageError: when the root has no shell
    """
    shell = _find_shell(image)
    with image.jail().entering() as enter:
        running = subprocess.Popen(
            [shell],
            stdin=commands,
            stdout=output,
            env=environment(_words()),
            preexec_fn=enter,
        )
        status = running.wait()
    return _exit_status(status)


def _find_shell(image: Chroot) -> str:
    for name in _SHELLS:
        if image.tree.is_file(name):
            return f"/{name}"
    raise ImageError("the root has no shell", hint="install-pkgs=bash adds one")


def _words(**more: str) -> Mapping[str, str]:
    # Without a file for it, bash keeps no history, which would be left in the root.
    return {"HISTFILE": "", **more}


def _exit_status(status: int) -> int:
    """That of a shell whose program was ended by a signal, too."""
    return status if status >= 0 else 128 - status


def _run(image: Chroot, shell: str, screen: int, prompt: str) -> int:
    with image.jail().entering() as enter:
        master, slave = pty.openpty()
        child = os.fork()
        if not child:
            try:
                enter()
                os.login_tty(slave)  # in its own session, which knows no other process
                words = _words(TERM=os.environ.get("TERM", "dumb"), PS1=prompt)
                os.execve(shell, [shell, "-i"], environment(words))
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
            _, status = os.waitpid(child, 0)
    return _exit_status(os.waitstatus_to_exitcode(status))


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

"""A shell in a root that failed, on a terminal that is not the build's own."""

import fcntl
import os
import pty
import struct
import termios
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from aimager.errors import ConfigError, TrustError
from aimager.sandbox.chroot import chroot
from aimager.sandbox.namespace import call
from aimager.sandbox.tree import Tree
from aimager.system.debug_shell import shell_on_failure
from tests.support.jailed import show_host
from tests.support.trees import bare_chroot

PROMPT = b"ends it, and the build"


@dataclass(frozen=True)
class Broken:
    """A place for a root, and the terminal on which a shell is to be opened in it."""

    path: Path
    terminal: Path
    shell: bool = True


def fail_in_root(broken: Broken) -> str:
    """Open a shell in a root that shows this machine's programs, and answer the error's text."""
    root = broken.path / "root"
    if broken.shell:
        show_host(root)
        (root / "etc/marker").write_text("made by hand\n")
    else:
        root.mkdir()
    try:
        with chroot(Tree(root)) as image, shell_on_failure(image, broken.terminal):
            raise ConfigError("the hook failed")
    except ConfigError as error:
        return error.message


class Screen:
    """The other end of a terminal: keeps all that is shown, and types what comes after what.

    ``typed`` are pairs: once the first is shown, the second is typed.
    """

    def __init__(self, *typed: tuple[bytes, bytes], size: tuple[int, int] = (24, 80)) -> None:
        self.master, self.slave = pty.openpty()
        self.path = Path(os.ttyname(self.slave))
        self.shown = b""
        self.resize(*size)
        self._typed = list(typed)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def resize(self, rows: int, columns: int) -> None:
        """Be of another size, in characters."""
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _read(self) -> None:
        while True:
            try:
                chunk = os.read(self.master, 4096)
            except OSError:
                return
            if not chunk:
                return
            self.shown += chunk
            if self._typed and self._typed[0][0] in self.shown:
                os.write(self.master, self._typed.pop(0)[1])

    def wait_for(self, text: bytes, *, after: int = 0, again: bytes = b"") -> None:
        """Wait until it is shown, of what is shown ``after`` so many bytes.

        ``again`` is typed now and then, until something has come of it.
        """
        end = time.monotonic() + 600
        while text not in self.shown[after:]:
            assert time.monotonic() < end, self.shown.decode(errors="replace")
            if again:
                os.write(self.master, again)
            time.sleep(0.2 if again else 0.02)

    def close(self) -> str:
        """End it, and return what was shown."""
        os.close(self.slave)
        self._reader.join(600)
        os.close(self.master)
        return self.shown.decode(errors="replace")


def open_on(screen: Screen, tmp_path: Path, *, shell: bool = True) -> str:
    work = tmp_path / "work"
    return call(fail_in_root, Broken(work, screen.path, shell), work=work, terminal=screen.path)


def test_a_shell_is_opened_in_the_root(tmp_path: Path) -> None:
    screen = Screen(
        (
            PROMPT,
            b"cat /etc/marker\necho $((6 * 7)) is it\ntest -t 0 && tty=yes\n"
            b"echo terminal: $tty\nls /dev/pts | wc -l\nexit\n",
        )
    )
    said = open_on(screen, tmp_path)
    shown = screen.close()
    assert said == "the hook failed", "the error is the build's all the same"
    assert "the hook failed" in shown
    assert "made by hand" in shown
    assert "42 is it" in shown
    assert "terminal: yes" in shown


def test_jobs_are_controlled(tmp_path: Path) -> None:
    screen = Screen(
        (PROMPT, b"PS1='rea''dy> '; set -m; sleep 0.1 & wait; echo job $((20 + 1))\n"),
        (b"ready> ", b"sh -c 'echo begun $((20 + 2)); exec sleep 6000'\n"),
    )
    ended: list[str] = []
    building = threading.Thread(target=lambda: ended.append(open_on(screen, tmp_path)))
    building.start()
    screen.wait_for(b"begun 22")
    before = len(screen.shown)
    os.write(screen.master, b"\x03")  # Ctrl-C: for the sleep, and not for the shell or the build
    screen.wait_for(b"ready> ", after=before)
    os.write(screen.master, b"echo over $?\n")
    screen.wait_for(b"over 130")
    os.write(screen.master, b"exit\n")
    building.join()
    shown = screen.close()
    assert ended == ["the hook failed"]
    assert "job 21" in shown
    assert "no job control" not in shown
    assert "cannot set terminal process group" not in shown


def test_it_has_the_size_of_the_users_terminal(tmp_path: Path) -> None:
    screen = Screen((PROMPT, b"echo size $(stty size)\n"), size=(33, 77))
    ended: list[str] = []
    building = threading.Thread(target=lambda: ended.append(open_on(screen, tmp_path)))
    building.start()
    screen.wait_for(b"size 33 77")
    screen.resize(44, 99)
    screen.wait_for(b"size 44 99", again=b"echo size $(stty size)\n")
    os.write(screen.master, b"exit\n")
    building.join()
    screen.close()
    assert ended == ["the hook failed"]


def test_the_terminal_is_left_as_it_was(tmp_path: Path) -> None:
    screen = Screen((PROMPT, b"stty -echo raw\nexit\n"))
    before = termios.tcgetattr(screen.slave)
    open_on(screen, tmp_path)
    assert termios.tcgetattr(screen.slave) == before
    screen.close()


def test_who_works_in_it_is_confined(tmp_path: Path) -> None:
    screen = Screen((PROMPT, b"grep -E 'NoNewPrivs|Seccomp:' /proc/self/status; ls /proc\nexit\n"))
    open_on(screen, tmp_path)
    shown = screen.close()
    assert "NoNewPrivs:\t1" in shown.expandtabs(1).replace(": ", ":\t")
    assert "Seccomp:\t2" in shown.expandtabs(1).replace(": ", ":\t")


def test_without_a_terminal_nothing_is_opened(tmp_path: Path) -> None:
    image = bare_chroot(tmp_path)
    with pytest.raises(ConfigError), shell_on_failure(image, None):
        raise ConfigError("it failed")


def test_for_what_is_not_trusted_nothing_is_opened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mirror is asked again, and there is nothing in the root."""
    image = bare_chroot(tmp_path)
    for error in (TrustError("it is not trusted"), ConfigError("it failed")):
        with pytest.raises(type(error)), shell_on_failure(image, tmp_path / "gone"):
            raise error
        tried = "no shell is opened" in capsys.readouterr().out
        assert tried is isinstance(error, ConfigError)


def test_a_root_without_a_shell(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    screen = Screen()
    assert open_on(screen, tmp_path, shell=False) == "the hook failed"
    screen.close()
    assert "no shell is opened: the root has no shell" in capfd.readouterr().out

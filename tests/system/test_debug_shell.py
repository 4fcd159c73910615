"""A shell in a root that failed, on a terminal that is not the build's own."""

import os
import pty
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from aimager.errors import ConfigError
from aimager.sandbox.chroot import chroot_mounts
from aimager.sandbox.namespace import call
from aimager.sandbox.namespace_child import bind
from aimager.system.debug_shell import open_shell, shell_on_failure

PROMPT = b"ends it, and the build"


@dataclass(frozen=True)
class Broken:
    """A place for a root, and the terminal on which a shell is to be opened in it."""

    path: Path
    terminal: Path


def fail_in_root(broken: Broken) -> str:
    """Open a shell in a root that shows this machine's programs, and answer the error's text."""
    root = broken.path / "root"
    root.mkdir()
    for name in ("bin", "lib", "lib64", "usr"):
        if Path("/", name).is_symlink():
            (root / name).symlink_to(Path("/", name).readlink())
    (root / "etc").mkdir()
    (root / "etc/marker").write_text("made by hand\n")
    bind(Path("/usr"), root / "usr", read_only=True)
    try:
        with chroot_mounts(root), shell_on_failure(root, broken.terminal):
            raise ConfigError("the hook failed")
    except ConfigError as error:
        return error.message


class Screen:
    """The other end of a terminal: keeps all that is shown, and types at the first prompt."""

    def __init__(self, typed: bytes) -> None:
        self.master, self.slave = pty.openpty()
        self.path = Path(os.ttyname(self.slave))
        self.shown = b""
        self.typed = typed
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        while True:
            try:
                chunk = os.read(self.master, 4096)
            except OSError:
                return
            if not chunk:
                return
            self.shown += chunk
            if self.typed and PROMPT in self.shown:
                os.write(self.master, self.typed)
                self.typed = b""

    def close(self) -> str:
        """End it, and return what was shown."""
        os.close(self.slave)
        self.reader.join(10)
        os.close(self.master)
        return self.shown.decode(errors="replace")


def test_a_shell_is_opened_in_the_root(tmp_path: Path) -> None:
    screen = Screen(
        b"cat /etc/marker\necho $((6 * 7)) is it\ntest -t 0 && tty=yes\necho terminal: $tty\nexit\n"
    )
    said = call(fail_in_root, Broken(tmp_path / "work", screen.path), work=tmp_path / "work")
    shown = screen.close()
    assert said == "the hook failed", "the error is the build's all the same"
    assert "the hook failed" in shown
    assert "made by hand" in shown
    assert "42 is it" in shown
    assert "terminal: yes" in shown


def test_without_a_terminal_nothing_is_opened(tmp_path: Path) -> None:
    with pytest.raises(ConfigError), shell_on_failure(tmp_path, None):
        raise ConfigError("it failed")


def test_a_root_without_a_shell(tmp_path: Path) -> None:
    screen = Screen(b"")
    open_shell(tmp_path, screen.path, "it failed\n")
    assert "no shell is opened: the root has no shell" in screen.close()


def test_a_terminal_that_is_gone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    open_shell(tmp_path, tmp_path / "gone", "it failed\n")
    assert "no shell is opened" in capsys.readouterr().out

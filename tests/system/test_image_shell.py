"""A shell in a root that runs commands which come by a pipe, and one that the user works in."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from aimager.errors import HostError, ImageError
from aimager.sandbox.chroot import chroot
from aimager.sandbox.namespace import call
from aimager.sandbox.tree import Tree
from aimager.system.image_shell import open_shell, run_commands
from tests.support.jailed import show_host
from tests.support.trees import bare_chroot
from tests.system.test_debug_shell import Screen


@dataclass(frozen=True)
class Root:
    """A place for a root that shows this machine's programs, and what is done in its shell."""

    path: Path
    commands: str = ""
    terminal: Path | None = None


@dataclass(frozen=True)
class Ended:
    """How a shell ended, what it printed, and whether a marker was left in the root."""

    status: int
    said: str
    marked: bool


def run_in_root(root: Root) -> Ended:
    """Have a shell run the commands, or open it on the terminal."""
    tree = root.path / "root"
    show_host(tree)
    (tree / "root").mkdir(exist_ok=True)
    (root.path / "commands").write_text(root.commands)
    said = root.path / "said"
    with (
        chroot(Tree(tree)) as image,
        (root.path / "commands").open("rb") as commands,
        said.open("wb") as output,
    ):
        if root.terminal:
            status = open_shell(image, root.terminal, "welcome\n", "ready> ")
        else:
            status = run_commands(image, commands.fileno(), output.fileno())
    assert not (tree / "root/.bash_history").exists(), "what was typed is nobody's"
    return Ended(status, said.read_text(), (tree / "etc/marker").exists())


def run(tmp_path: Path, commands: str) -> Ended:
    work = tmp_path / "work"
    return call(run_in_root, Root(work, commands), work=work)


def test_commands_are_run(tmp_path: Path) -> None:
    ended = run(tmp_path, "touch /etc/marker\necho $((6 * 7)) is it\ntest -t 0 || echo no tty\n")
    assert ended == Ended(0, "42 is it\nno tty\n", marked=True)


@pytest.mark.parametrize(
    ("commands", "status"),
    [("", 0), ("false", 1), ("exit 7", 7), ("kill -TERM $$", 143), ("nosuchprogram", 127)],
)
def test_the_status_is_that_of_the_commands(tmp_path: Path, commands: str, status: int) -> None:
    assert run(tmp_path, commands).status == status


def test_what_commands_leave_running_ends_with_them(tmp_path: Path) -> None:
    assert run(tmp_path, "sleep 6000 & echo begun").said == "begun\n"


@pytest.mark.parametrize(("typed", "status"), [(b"exit 7\n", 7), (b"false\n\x04", 1), (b"\x04", 0)])
def test_who_works_in_it_ends_it(tmp_path: Path, typed: bytes, status: int) -> None:
    screen = Screen((b"ready> ", typed))
    work = tmp_path / "work"
    root = Root(work, terminal=screen.path)
    assert call(run_in_root, root, work=work, terminal=screen.path).status == status
    assert "welcome" in screen.close()


def test_a_root_without_a_shell_is_refused(tmp_path: Path) -> None:
    image = bare_chroot(tmp_path)
    with pytest.raises(ImageError, match="the root has no shell"):
        run_commands(image, 0, 1)


def test_a_terminal_that_is_gone_is_refused(tmp_path: Path) -> None:
    image = bare_chroot(tmp_path)
    image.tree.mkdir("bin", 0o755)
    image.tree.write("bin/sh", "", 0o755)
    with pytest.raises(HostError, match="gone: No such file"):
        open_shell(image, tmp_path / "gone", "welcome\n", "ready> ")

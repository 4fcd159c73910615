"""``doit shell`` opens the very system of the image, keeps nothing of it, and leaves nothing."""

import subprocess
from pathlib import Path

import pytest

from aimager import files
from tests.support.cells import HOST, Cell
from tests.support.image_root import read_file
from tests.support.runs import Doit
from tests.support.seed import Copies
from tests.support.terminal import Terminal

NONE = Cell(HOST.platform, "none")
WORDS = (f"distro={HOST.platform.distro.id}", "hostname=attic", "chpasswd=root:secret")


@pytest.fixture(scope="module")
def doit(copies: Copies) -> Doit:
    doit = copies("shell")
    doit.build(*WORDS)
    return doit


def run(doit: Doit, commands: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        doit.command("shell", *WORDS, *words),
        env=doit.environment,
        cwd=doit.start,
        input=commands,
        capture_output=True,
        text=True,
        check=False,
    )


def test_commands_come_from_standard_input(doit: Doit) -> None:
    done = run(doit, "cat /etc/hostname; uname -n; touch /etc/marker; exit 7\n")
    assert done.stdout == "attic\nattic\n", "that is all"
    assert done.returncode == 7
    assert run(doit, "test -e /etc/marker").returncode == 1, "nothing is kept"
    assert not list((doit.cache / "work").iterdir())


def test_a_root_that_is_kept(doit: Doit, tmp_path: Path) -> None:
    built = NONE.folder(doit) / "root.tar"
    before = files.sha256(built)
    assert not run(doit, "", f"keep={tmp_path}/same.tar").returncode
    assert files.sha256(tmp_path / "same.tar") == before, "it is the system of the image"
    kept = tmp_path / "kept.tar.zst"
    assert run(doit, "touch /etc/marker; false\n", f"keep={kept}").returncode == 1
    assert [path.name for path in tmp_path.iterdir()] == ["same.tar"], "of a failure nothing is"
    done = run(doit, "echo by hand >/etc/marker\n", f"keep={kept}")
    assert not done.returncode, done.stderr
    assert files.sha256(built) == before
    doit.build(WORDS[0], f"reuse-root-tar={kept}")
    assert read_file(built, "etc/marker") == b"by hand\n"


def test_on_a_terminal(doit: Doit) -> None:
    environment = {"AIMAGER_CACHE": str(doit.cache)}
    terminal = Terminal(doit.command("shell", *WORDS), doit.start, environment)
    terminal.wait_for(lambda lines: lines[-1:] != [] and lines[-1].endswith(("#", "$")))
    assert "Nothing in it is kept" in terminal.raw.decode()
    terminal.type("sh -c 'echo begun $((20 + 2)); exec sleep 6000'\r")
    terminal.wait_for(lambda lines: any("begun 22" in line for line in lines))
    terminal.type("\x03")  # for the sleep, and not for doit
    terminal.type("echo over $?\r")
    terminal.wait_for(lambda lines: any("over 130" in line for line in lines))
    terminal.type("echo $((6 * 7)) is it; exit 3\r")
    lines = terminal.finish()
    assert terminal.running.returncode == 3
    assert any("42 is it" in line for line in lines)
    assert not list((doit.cache / "work").iterdir())

"""Exit codes that a program keeps to itself, learned from the kernel."""

import os
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from aimager.errors import ConfigError
from aimager.process import Started
from aimager.sandbox import exit_codes, syscalls
from aimager.sandbox.exit_codes import with_exit_codes
from aimager.sandbox.namespace import call

SCRIPT = """\
sh -c 'exit 3'
sh -c 'exit 0'
sh -c 'sh -c "exit 9"; exit 0'
(exit 7)
sh -c 'kill -9 $$'
python3 -c '
import os, threading
thread = threading.Thread(target=os._exit, args=(300,))
thread.start()
thread.join()'
python3 -c 'import os; os._exit(256)'
exit 5
"""
"""Its own children end with 3, 7, and 300, of which the kernel keeps 44."""


@dataclass(frozen=True)
class Asked:
    """What to run in a namespace."""

    script: str


@dataclass(frozen=True)
class Told:
    """What came of it."""

    status: int
    codes: tuple[int, ...]


def run_script(asked: Asked) -> Told:
    """Run a script, and tell how it ended, and how what it started did."""

    def run(started: Started) -> int:
        with subprocess.Popen(["sh", "-c", asked.script], stderr=subprocess.DEVNULL) as running:
            started(running.pid)
            return running.wait()

    return Told(*with_exit_codes(run))


def fail(asked: Asked) -> int:
    """Fail, while what others start is listened to."""

    def refuse(_: Started) -> int:
        raise ConfigError(asked.script)

    return with_exit_codes(refuse)[0]


def test_the_codes_of_a_programs_own_children(tmp_path: Path) -> None:
    assert call(run_script, Asked(SCRIPT), work=tmp_path / "work") == Told(5, (3, 7, 44))


STATIC = """\
#include <sys/wait.h>
#include <unistd.h>
int main(void) {
    if (fork() == 0) {
        execl("/bin/sh", "sh", "-c", "exit 3", (char *)0);
        _exit(1);
    }
    wait(0);
    return 0;
}
"""


def test_a_static_program_keeps_nothing_to_itself_either(tmp_path: Path) -> None:
    """As pacman-static is one."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("NO C COMPILER to make a static program with")
    (tmp_path / "static.c").write_text(STATIC)
    argv = [compiler, "-static", "-o", f"{tmp_path}/static", f"{tmp_path}/static.c"]
    subprocess.run(argv, check=True)
    told = call(run_script, Asked(f"exec {tmp_path}/static"), work=tmp_path / "work")
    assert told == Told(0, (3,))


def test_many_at_the_same_time(tmp_path: Path) -> None:
    script = "for i in $(seq 60); do sh -c \"sh -c 'exit 99'; exit $i\" & done; wait"
    told = call(run_script, Asked(script), work=tmp_path / "work")
    assert told.status == 0
    assert sorted(told.codes) == list(range(1, 61))


def test_what_is_left_behind_holds_nobody_up(tmp_path: Path) -> None:
    script = "(sleep 60; exit 4) > /dev/null & exit 3"
    assert call(run_script, Asked(script), work=tmp_path / "work") == Told(3, ())


def test_an_error_comes_through(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="it is wrong"):
        call(fail, Asked("it is wrong"), work=tmp_path / "work")


@pytest.mark.parametrize("release", ["6.1.0", "5.4.0-1-generic", "4.4.0"])
def test_where_the_kernel_does_not_let_us_know(
    release: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(flags: int, program: bytes) -> int:
        asked.append(release)
        raise PermissionError

    asked: list[str] = []
    monkeypatch.setattr(syscalls, "seccomp", refuse)
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(("", "", release, "", "")))
    assert run_script(Asked("sh -c 'exit 3'; exit 5")) == Told(5, ())
    assert asked == (["6.1.0"] if release == "6.1.0" else [])


def evaluate(program: bytes, architecture: int, number: int, argument: int) -> int:
    """What the kernel would: the value that a filter returns of a system call."""
    data = struct.pack("=iIQ6Q", number, architecture, 0, argument, 0, 0, 0, 0, 0)
    lines = list(struct.iter_unpack("=HBBI", program))
    place, value = 0, 0
    while True:
        code, then, otherwise, constant = lines[place]
        place += 1
        match code:
            case 0x20:
                (value,) = struct.unpack_from("=I", data, constant)
            case 0x54:
                value &= constant
            case 0x15:
                place += then if value == constant else otherwise
            case 0x06:
                return int(constant)


@pytest.mark.parametrize(("architecture", "number"), exit_codes._EXIT_GROUP.items())
def test_the_filter_stops_exits_with_a_code_alone(architecture: int, number: int) -> None:
    program = exit_codes._program()
    notify, allow = 0x7FC00000, 0x7FFF0000
    for code, answer in ((0, allow), (1, notify), (255, notify), (256, allow), (2**32 - 1, notify)):
        assert evaluate(program, architecture, number, code) == answer
    for other in {1, 60, 94, 231, 248, 252} - {number}:
        assert evaluate(program, architecture, other, 1) == allow
    assert evaluate(program, 0x15, number, 1) == allow

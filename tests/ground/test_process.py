"""Programs are run in a fixed environment, logged, and their failures told."""

import io
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from aimager import process
from aimager.errors import CommandError, HostError
from aimager.program_output import TAIL_LINES


def environment_seen(**more: str) -> dict[str, str]:
    lines = process.run(["env"], env=more).splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_nothing_of_the_users_environment_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QEMU_CPU", raising=False)
    for name in ("LANG", "LC_ALL", "TZ", "HOME", "FOO", "SOURCE_DATE_EPOCH", "http_proxy"):
        monkeypatch.setenv(name, "mine")
    seen = environment_seen()
    assert seen == process.ENVIRONMENT
    assert (seen["LC_ALL"], seen["TZ"]) == ("C.UTF-8", "UTC")


def test_a_program_is_told_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QEMU_CPU", "cortex-a72")
    seen = environment_seen(SOURCE_DATE_EPOCH="7", TZ="CET")
    assert seen == {
        **process.ENVIRONMENT,
        "QEMU_CPU": "cortex-a72",
        "SOURCE_DATE_EPOCH": "7",
        "TZ": "CET",
    }


def test_programs_are_found_by_the_fixed_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "only-here"
    program.write_text("#!/bin/sh\necho here\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(HostError):
        process.run(["only-here"])
    assert process.run([program]) == "here\n"


def test_all_that_is_said_is_logged_and_output_returned() -> None:
    log = io.BytesIO(b"before\n")
    log.seek(0, io.SEEK_END)
    assert process.run(["sh", "-c", "echo out; echo err >&2"], log=log) == "out\n"
    assert log.getvalue() == b"before\n$ sh -c 'echo out; echo err >&2'\nout\nerr\n"


def test_input_is_what_is_given_or_empty(tmp_path: Path) -> None:
    assert process.run(["cat"]) == ""
    assert process.run(["cat"], input=b"in") == "in"
    assert process.run(["pwd"], cwd=tmp_path) == f"{tmp_path.resolve()}\n"


def test_output_that_is_not_text_is_not_lost() -> None:
    said = process.run(["printf", r"a\377"])
    assert said.encode(errors="surrogateescape") == b"a\xff"


def test_a_failure_has_the_last_lines() -> None:
    log = io.BytesIO()
    with pytest.raises(CommandError) as caught:
        process.run(["sh", "-c", "seq 30; echo oops >&2; exit 3"], log=log)
    lines = [str(number) for number in range(12, 31)] + ["oops"]
    assert len(lines) == TAIL_LINES
    assert caught.value.tail == "\n".join(lines)
    assert caught.value.status == 3
    assert str(caught.value).startswith("sh failed with status 3:\n    12\n    13\n")
    assert log.getvalue().endswith(b"30\noops\n")


def test_a_killed_program_is_told_as_such() -> None:
    with pytest.raises(CommandError) as caught:
        process.run(["sh", "-c", "kill -9 $$"])
    assert str(caught.value) == "sh was killed by signal 9"


def test_what_cannot_be_started_is_named(tmp_path: Path) -> None:
    log = io.BytesIO()
    with pytest.raises(HostError) as caught:
        process.run(["no-such-program", "-x"], log=log)
    assert caught.value.message == "no-such-program cannot be started: No such file or directory"
    assert log.getvalue() == b"$ no-such-program -x\n"
    (tmp_path / "data").touch(mode=0o644)
    with pytest.raises(HostError) as caught:
        process.run([tmp_path / "data"])
    assert caught.value.message == f"{tmp_path}/data cannot be started: Permission denied"


def test_a_program_is_watched_line_by_line_as_it_speaks() -> None:
    log = io.BytesIO()
    lines: list[str] = []
    logged: list[str] = []

    def watch(line: str) -> None:
        lines.append(line)
        logged.extend(said for said in log.getvalue().decode().splitlines()[1:] if said == line)

    said = process.run(["sh", "-c", "echo one; echo two >&2; printf three"], log=log, watch=watch)
    assert lines == logged == ["one", "two", "three"]
    assert said == "one\ntwo\nthree"
    with pytest.raises(CommandError) as caught:
        process.run(["sh", "-c", "echo why; exit 3"], watch=lines.append)
    assert (caught.value.status, caught.value.tail) == (3, "why")
    with pytest.raises(HostError, match="no-such-program cannot be started"):
        process.run(["no-such-program"], watch=lines.append)


def test_who_watches_and_fails_ends_the_program(tmp_path: Path) -> None:
    def watch(_: str) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        process.run(["sh", "-c", f"echo $$ >{tmp_path}/pid; echo x; exec sleep 1000"], watch=watch)
    assert not Path("/proc", (tmp_path / "pid").read_text().strip()).exists()


def test_who_loses_patience_ends_the_program_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(); signal.pause()"
    with subprocess.Popen([sys.executable, "-uc", deaf], stdout=subprocess.PIPE) as child:
        assert child.stdout
        child.stdout.readline()
        wait = child.wait

        def interrupted(timeout: float | None = None) -> int:
            if timeout is not None:
                raise KeyboardInterrupt
            return wait()

        monkeypatch.setattr(child, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            process.end(child, 60)
        assert child.returncode == -signal.SIGKILL

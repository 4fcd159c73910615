"""What programs say is followed as it comes, and has an end."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

from aimager import process, program_output
from aimager.errors import CommandError, ImageError
from aimager.program_output import More
from aimager.toolbox import Toolbox
from tests.support.peak import CODE

MIB = 1 << 20


@pytest.mark.parametrize("script", ["yes", "yes >&2", "cat /dev/zero", "cat /dev/zero >&2"])
@pytest.mark.parametrize("watched", [False, True])
def test_who_says_too_much_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, watched: bool
) -> None:
    monkeypatch.setattr(program_output, "LIMIT", MIB)
    log = io.BytesIO()
    argv = ["sh", "-c", f"echo $$ >{tmp_path}/pid; exec {script.partition(' ')[0]}"]
    argv[2] += f" {script.partition(' ')[2]}"
    with pytest.raises(ImageError, match="sh said more than 1 MiB, and was ended") as caught:
        process.run(argv, log=log, watch=(lambda _: None) if watched else None)
    assert caught.value.hint == "the log has what it said first"
    assert MIB - 2 * program_output._CHUNK < len(log.getvalue()) <= MIB + 300
    assert not Path("/proc", (tmp_path / "pid").read_text().strip()).exists()


def test_the_limit_holds_in_little_memory() -> None:
    """64 MiB are said, and kept once: by far not 300 MiB are taken."""
    assert program_output.LIMIT == 64 * MIB
    code = (
        "from aimager import process\nfrom aimager.errors import ImageError\n"
        "try: process.run(['yes'])\nexcept ImageError as error: print(error.message)\n"
        f"print({CODE})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    message, peak = done.stdout.splitlines()
    assert message == "yes said more than 64 MiB, and was ended"
    assert int(peak) * 1024 < 300 * MIB


def test_exactly_so_much_may_be_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program_output, "LIMIT", 1000)
    assert len(process.run(["head", "-c", "1000", "/dev/zero"])) == 1000
    with pytest.raises(ImageError):
        process.run(["head", "-c", "1001", "/dev/zero"])
    with pytest.raises(ImageError):
        process.run(["sh", "-c", "head -c 600 /dev/zero; head -c 600 /dev/zero >&2"])


def test_a_line_without_end_is_given_in_parts() -> None:
    lines: list[str] = []
    log = io.BytesIO()
    process.run(
        ["sh", "-c", "head -c 100000 /dev/zero; echo; echo end"], log=log, watch=lines.append
    )
    assert lines[-1] == "end"
    assert "".join(lines[:-1]) == "\0" * 100000
    assert max(map(len, lines)) <= program_output._LONGEST_LINE + program_output._CHUNK
    assert log.getvalue().endswith(b"\0\nend\n")
    assert [isinstance(line, More) for line in lines] == [False, *[True] * (len(lines) - 2), False]


@pytest.mark.parametrize("sizes", [(8192, 0, 3), (8193, 1), (70_000, 70_000), (9000, 0, 0, 9000)])
def test_further_parts_of_a_line_are_told_from_lines(sizes: tuple[int, ...]) -> None:
    lines: list[str] = []
    script = "".join(f"head -c {size} /dev/zero; echo; " for size in sizes)
    process.run(["sh", "-c", script], watch=lines.append)
    assert len([line for line in lines if not isinstance(line, More)]) == len(sizes)
    assert sum(map(len, lines)) == sum(sizes)


def test_what_is_no_text_is_shown_all_the_same() -> None:
    lines: list[str] = []
    said = process.run(["printf", r"a\377\nb"], watch=lines.append)
    assert lines == ["a\ufffd", "b"]
    assert said.encode(errors="surrogateescape") == b"a\xff\nb"


def test_input_that_no_pipe_holds() -> None:
    given = b"0123456789" * 500_000
    assert process.run(["cat"], input=given).encode() == given
    assert process.run(["wc", "-c"], input=given).strip() == str(len(given))
    with pytest.raises(CommandError) as caught:
        process.run(["sh", "-c", "cat >&2; exit 3"], input=given)
    assert caught.value.status == 3


@pytest.mark.parametrize("script", ["exit 0", "head -c 10", "exec <&-; echo good; sleep 0.1"])
def test_a_program_may_stop_reading(script: str) -> None:
    process.run(["sh", "-c", script], input=bytes(5 * MIB))


def test_one_that_reads_nothing_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    given = bytes(MIB)
    said = process.run(["sh", "-c", "yes | head -c 1000000; sleep 0.2; wc -c"], input=given)
    assert said.endswith(f"{len(given)}\n")


def test_the_log_has_whole_lines() -> None:
    """Two programs may write to one log at the same time."""

    class Log(io.BytesIO):
        pieces: list[bytes] = []  # noqa: RUF012 - one log is made

        def write(self, piece: object) -> int:
            self.pieces.append(bytes(piece))  # type: ignore[call-overload]
            return len(self.pieces[-1])

    log = Log()
    script = "printf a; sleep 0.1; echo b; printf c >&2; sleep 0.1; echo d >&2; printf e"
    assert process.run(["sh", "-c", script], log=log) == "ab\ne"
    assert sorted(log.pieces[1:]) == [b"ab\n", b"cd\n", b"e"]


def test_who_keeps_the_output_open_is_waited_for() -> None:
    assert process.run(["sh", "-c", "(sleep 0.3; echo late) & echo early"]) == "early\nlate\n"


def test_the_tail_is_of_both() -> None:
    with pytest.raises(CommandError) as caught:
        process.run(["sh", "-c", "echo why >&2; seq 5; exit 1"])
    assert caught.value.tail == "1\n2\n3\n4\n5\nwhy"


def test_the_tail_of_one_endless_line_is_short() -> None:
    with pytest.raises(CommandError) as caught:
        process.run(["sh", "-c", "head -c 1000000 /dev/zero; exit 1"])
    assert len(caught.value.tail) <= program_output._CHUNK


def test_what_a_program_in_a_pipe_complains_of_is_limited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is in nobody's way, whatever it says beside what is piped."""
    monkeypatch.setattr(program_output, "LIMIT", 1 << 20)
    argv = ["sh", "-c", "cat; head -c 1000000 /dev/zero >&2; echo; echo end >&2; exit 3"]
    log = io.BytesIO()
    with (
        pytest.raises(CommandError, match="sh failed with status 3"),
        Toolbox(None, log).pipe_in(argv) as stream,
    ):
        stream.write(b"x")
    assert log.getvalue().endswith(b"\0end\n")
    with (
        pytest.raises(ImageError, match=r"^sh said more than 1 MiB, and was ended"),
        Toolbox(None, log).pipe_in(["sh", "-c", "cat; yes >&2"]) as stream,
    ):
        stream.write(b"x")

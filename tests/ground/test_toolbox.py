"""Programs in pipes: their words are logged, their failures raised, and none is left running."""

import io
from pathlib import Path

import pytest

from aimager.errors import CommandError, HostError
from aimager.toolbox import Toolbox


def shell(script: str) -> list[str]:
    return ["sh", "-c", script]


def test_output_is_read() -> None:
    log = io.BytesIO()
    with Toolbox(None, log).pipe_out(shell("echo said >&2; echo out")) as stream:
        assert stream.read() == b"out\n"
    assert log.getvalue() == b"$ sh -c 'echo said >&2; echo out'\nsaid\n"


def test_a_name_that_is_no_text_is_logged(tmp_path: Path) -> None:
    path = tmp_path / "na\udcefve"
    path.write_text("content")
    log = io.BytesIO()
    tools = Toolbox(None, log)
    assert tools.run(["cat", path]) == "content"
    with tools.pipe_out(["cat", path]) as stream:
        assert stream.read() == b"content"
    assert log.getvalue().count(b"/na\xefve'\n") == 2


def test_input_is_written(tmp_path: Path) -> None:
    with Toolbox(None).pipe_in(shell(f"cat > {tmp_path}/file")) as stream:
        stream.write(b"in")
    assert (tmp_path / "file").read_bytes() == b"in"


def test_complaints_of_a_program_that_does_well_are_heeded(tmp_path: Path) -> None:
    heard: list[str] = []
    script = shell("cat > /dev/null; printf 'caf\\351\\n' >&2")
    with Toolbox(None).pipe_in(script, heed=heard.append) as stream:
        stream.write(b"in")
    (tmp_path / "in").touch()
    with (tmp_path / "in").open("rb") as source, (tmp_path / "out").open("wb") as target:
        Toolbox(None).pipe_through(script, source, target, heed=heard.append)
    assert heard == ["caf\ufffd\n"] * 2
    with (
        pytest.raises(CommandError),
        Toolbox(None).pipe_in(shell("cat; exit 1"), heed=heard.append),
    ):
        pass
    assert len(heard) == 2


def test_a_failure_is_raised_after_its_output() -> None:
    with (
        pytest.raises(CommandError, match="status 3:\n    why"),
        Toolbox(None).pipe_out(shell("echo out; echo why >&2; exit 3")) as stream,
    ):
        assert stream.read() == b"out\n"


def test_a_program_between_two_files(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"in" * (1 << 20))
    with (tmp_path / "in").open("rb") as source, (tmp_path / "out").open("wb") as target:
        Toolbox(None).pipe_through(shell("tr i I"), source, target)
    assert (tmp_path / "out").read_bytes() == b"In" * (1 << 20)


def test_of_two_programs_each_can_fail(tmp_path: Path) -> None:
    tools = Toolbox(None)
    with (
        (tmp_path / "out").open("wb") as target,
        pytest.raises(CommandError, match="sh failed with status 3:\n    first"),
        tools.pipe_out(shell("echo x; echo first >&2; exit 3")) as source,
    ):
        tools.pipe_through(["cat"], source, target)
    assert (tmp_path / "out").read_bytes() == b"x\n"
    with (
        (tmp_path / "out").open("wb") as target,
        pytest.raises(CommandError, match="sh failed with status 4:\n    second"),
        tools.pipe_out(["cat", "/dev/zero"]) as source,
    ):
        tools.pipe_through(shell("echo second >&2; exit 4"), source, target)


@pytest.mark.parametrize("size", [1, 10 << 20])
def test_a_program_that_stops_reading_tells_why(size: int) -> None:
    with (
        pytest.raises(CommandError, match="status 2:\n    full"),
        Toolbox(None).pipe_in(shell("echo full >&2; exit 2")) as stream,
    ):
        stream.write(b"x" * size)


def test_a_failing_block_ends_the_program() -> None:
    for pipe in (Toolbox(None).pipe_out, Toolbox(None).pipe_in):
        with pytest.raises(ValueError, match="ours"), pipe(["sleep", "1000"]):
            raise ValueError("ours")


def test_a_missing_program(tmp_path: Path) -> None:
    with pytest.raises(HostError) as caught:
        Toolbox(None).pipe_out(["no-such-program"]).__enter__()
    assert caught.value.message == "tools=host needs the program no-such-program, which is missing"
    assert "./setup.sh" in caught.value.hint
    with pytest.raises(HostError) as caught:
        Toolbox(tmp_path).root_of("no-such-program")
    assert caught.value.message == (
        "neither the borrowed programs nor this machine have no-such-program"
    )


def test_a_borrowed_program_comes_first(tmp_path: Path) -> None:
    (tmp_path / "usr/bin").mkdir(parents=True)
    (tmp_path / "usr/bin/tool").write_text("")
    (tmp_path / "usr/bin/tool").chmod(0o755)
    assert Toolbox(tmp_path).root_of("tool") == tmp_path
    assert Toolbox(tmp_path).root_of("sh") is None

"""Stages become tasks that run again when something changed that their products depend on."""

import dataclasses
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from doit.exceptions import InvalidDodoFile, TaskFailed

from aimager import doit_support
from aimager.codec import fingerprint
from aimager.doit_support import identity, inputs, outputs, variables_of
from aimager.errors import ConfigError
from aimager.files import sha256
from aimager.setup import Setup
from aimager.workshop import Workshop, environment


@dataclasses.dataclass(frozen=True)
class Make:
    """A stage with every kind of field."""

    source: Path
    more: tuple[Path, ...]
    named: tuple[tuple[str, Path], ...]
    level: int
    setup: Setup
    maybe: Path | None
    target: Path
    targets: tuple[Path, ...] = ()
    tools: Path | None = environment()
    workshop: Workshop = environment()

    def run(self) -> None:
        """Make nothing."""


class WholeMake(Make):
    """One that knows when its product is not whole."""

    def is_whole(self) -> bool:
        """Whether it is."""
        return False


WORKSHOP = Workshop(Path("/c"), Path("/c/w"), Path("/c/s"), Path("/c/l"))
MAKE = Make(
    source=Path("/in/source"),
    more=(Path("/in/a"), Path("/in/b")),
    named=(("core", Path("/in/core")),),
    level=3,
    setup=Setup("pi"),
    maybe=None,
    target=Path("/out/target"),
    targets=(Path("/out/x"), Path("/out/y")),
    tools=Path("/in/tools"),
    workshop=WORKSHOP,
)


def changed(**changes: Any) -> Make:
    return dataclasses.replace(MAKE, **changes)


def test_paths_are_inputs_and_targets_outputs() -> None:
    assert inputs(MAKE) == [Path(f"/in/{name}") for name in ("source", "a", "b", "core")]
    assert outputs(MAKE) == [Path(f"/out/{name}") for name in ("target", "x", "y")]
    assert Path("/in/maybe") in inputs(changed(maybe=Path("/in/maybe")))


def test_what_a_stage_works_with_does_not_count() -> None:
    elsewhere = Workshop(Path("/d"), Path("/d/w"), Path("/d/s"), Path("/d/l"))
    for other in (changed(tools=None), changed(tools=Path("/x")), changed(workshop=elsewhere)):
        assert identity(other) == identity(MAKE)
        assert inputs(other) == inputs(MAKE)


def test_the_content_of_inputs_counts_and_not_their_place() -> None:
    assert identity(changed(source=Path("/elsewhere"))) == identity(MAKE)
    assert identity(changed(target=Path("/elsewhere"))) == identity(MAKE)


@pytest.mark.parametrize(
    "changes", [{"level": 4}, {"setup": Setup("po")}, {"setup": Setup("pi", ("C.UTF-8",))}]
)
def test_a_changed_setting_counts(changes: dict[str, Any]) -> None:
    assert identity(changed(**changes)) != identity(MAKE)
    assert identity(changed()) == identity(MAKE)


def test_changed_code_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = identity(MAKE)
    code = tmp_path / "copy.py"
    code.write_bytes(Path(__file__).read_bytes())
    monkeypatch.setattr(sys.modules[__name__], "__file__", str(code))
    assert identity(MAKE) == before
    code.write_bytes(code.read_bytes() + b"\n")
    assert identity(MAKE) != before


def test_a_task() -> None:
    task = doit_support.stage("make", "x", MAKE, ["tools:x"])
    (state,) = task.pop("uptodate")
    assert state.config == identity(MAKE)
    assert task == {
        "basename": "make",
        "name": "x",
        "actions": [(doit_support.reporting, [MAKE.run])],
        "file_dep": ["/in/source", "/in/a", "/in/b", "/in/core"],
        "targets": ["/out/target", "/out/x", "/out/y"],
        "task_dep": ["tools:x"],
        "clean": True,
    }


def test_some_tasks_run_always_or_when_something_is_missing() -> None:
    assert doit_support.stage("make", "x", MAKE, always=True)["uptodate"] == [False]
    request = WholeMake(**{f.name: getattr(MAKE, f.name) for f in dataclasses.fields(MAKE)})
    state, is_whole = doit_support.stage("make", "x", request)["uptodate"]
    assert state.config == identity(request)
    assert is_whole == request.is_whole
    assert doit_support.stage("make", "x", request, always=True)["uptodate"] == [False]


def test_a_group_has_the_words_of_its_tasks() -> None:
    def task_make() -> None:
        """make it"""

    assert doit_support.group("make", task_make) == {
        "basename": "make",
        "name": None,
        "doc": "make it",
    }


def fail(error: Exception) -> None:
    raise error


def test_an_error_is_told_without_a_traceback_and_a_bug_is_not() -> None:
    failed = doit_support.reporting(fail, [ConfigError("it is wrong", hint="mend it")])
    assert isinstance(failed, TaskFailed)
    assert failed.message == "it is wrong\n  hint: mend it"
    done: list[int] = []
    assert doit_support.reporting(done.append, [1]) is None
    assert done == [1]
    with pytest.raises(ZeroDivisionError):
        doit_support.reporting(fail, [ZeroDivisionError()])


def test_variables_are_the_words_with_an_equals_sign() -> None:
    words = ["-n", "4", "build", "board=x64-uefi", "--db-file=x", "append-all=a=b c", "out="]
    assert variables_of(words) == {"board": "x64-uefi", "append-all": "a=b c", "out": ""}
    assert variables_of([]) == {}


@pytest.fixture
def sigterm() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def load(monkeypatch: pytest.MonkeyPatch, cache: Path, *words: str) -> str | None:
    monkeypatch.setattr(sys, "argv", ["doit", *words])
    build = doit_support.load_build(cache.parent, cache)
    return build.id if build else None


@pytest.mark.usefixtures("sigterm")
def test_the_build_of_the_command_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cache = tmp_path / "a/cache"
    assert load(monkeypatch, cache, "list") is None
    assert cache.is_dir()
    assert load(monkeypatch, cache, "build", "board=x64-uefi") == "archlinux-x86_64-x64-uefi"
    assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler


@pytest.mark.usefixtures("sigterm")
def test_a_wrong_command_line_ends_doit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(InvalidDodoFile) as caught:
        load(monkeypatch, tmp_path, "bord=x64-uefi")
    assert "there is no variable bord=\n  hint: did you mean board=?" in str(caught.value)
    (tmp_path / "file").touch()
    with pytest.raises(InvalidDodoFile) as caught:
        load(monkeypatch, tmp_path / "file/cache", "list")
    told = f"the folder {tmp_path}/file/cache cannot be written: {tmp_path}/file is not yours"
    assert told in str(caught.value)


def test_identity_reads_settings_only() -> None:
    settings = {"level": 3, "setup": MAKE.setup, "maybe": None}
    code = sha256(Path(__file__))
    assert identity(MAKE) == fingerprint({"code": code, **settings})

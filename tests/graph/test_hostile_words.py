"""What a task prints cannot take the place of what we say, and reaches the terminal escaped."""

import io
from pathlib import Path

import pytest

from aimager.graph.console import display, monitor
from aimager.graph.console.events import read_line
from aimager.graph.console.monitor import Audience
from aimager.progress import MARK
from tests.support.modules import MODULES, tree

END = '{"event": "end"}'


def test_a_line_that_looks_like_a_record_is_text() -> None:
    assert read_line(f"{MARK}{END}\n", "5ecret") == {"event": "text", "text": f"{MARK}{END}"}
    assert read_line(f"{MARK}5ecret{END}\n", "5ecret") == {"event": "end"}


@pytest.mark.parametrize(
    "record",
    [
        {"event": "text", "text": "a\x1b]52;c;eA==\x07\r\u202e\n--  fake"},
        {"event": "reason", "title": "x", "reason": "\x1b[2J\ry"},
        {"event": "step", "step": "\x1b[2J", "done": 0, "total": 0, "unit": "", "detail": "\x9b"},
        {"event": "failed", "fault": "\x1b[2J"},
        {"event": "began"},
    ],
)
def test_all_that_is_shown_is_escaped(
    tmp_path: Path, record: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = io.StringIO()
    monkeypatch.setattr(monitor, "choose_display", lambda _: display.Plain(said))
    monkeypatch.setattr(display, "PLAIN_PAUSE", 0.0)
    with (tmp_path / "out").open("w") as stream:
        audience = Audience(stream, tmp_path, tmp_path / "diary.json")
        audience._display = display.Plain(said)
        audience._show({"task": "pack\x1b[31m", **record})
        entries = audience.entries()
        audience.close()
    assert not set(said.getvalue()) & {"\x1b", "\x07", "\r", "\x9b", "\u202e"}
    assert said.getvalue().count("\n") <= 1
    assert "\x1b" not in repr(entries).encode().decode("unicode_escape") or entries == ()
    assert not any("\x1b" in text for e in entries for text in (e.task, e.reason, e.fault))


def test_a_password_in_an_address_is_not_shown(tmp_path: Path) -> None:
    said = io.StringIO()
    with (tmp_path / "out").open("w") as stream:
        audience = Audience(stream, tmp_path, tmp_path / "diary.json")
        audience._display = display.Plain(said)
        audience._show({"event": "text", "task": "", "text": "at http://me:hidden@host/x"})
        audience.close()
    assert said.getvalue() == "at http://***@host/x\n"


@pytest.mark.parametrize("room", ["packages", "stages", "products"])
def test_what_handles_things_from_outside_says_them_by_one_way(room: str) -> None:
    """`aimager.progress.say`, which escapes them."""
    import ast

    printing = [
        f"{name}:{node.lineno}"
        for name in MODULES
        if name.startswith(f"aimager.{room}.")
        for node in ast.walk(tree(MODULES[name]))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"
    ]
    assert printing == []

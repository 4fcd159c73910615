"""What tasks that make no product do is read only when they are run, and is there."""

import importlib
from pathlib import Path

import pytest

from aimager.commands.command_line import Asked
from aimager.commands.registry import Told, act, list_commands
from aimager.graph.doit_tasks import Graph


def test_what_each_command_does_is_there(tmp_path: Path) -> None:
    told = Told(Asked(tmp_path), (), Graph(tmp_path / "run", ()), ())
    tasks = list_commands(told)
    assert {"show", "doctor", "boot", "demo", "test"} <= {task["basename"] for task in tasks}
    for task in tasks:
        ((_, (does, *_)),) = task["actions"]
        module, _, function = _action(does).partition(":")
        assert callable(getattr(importlib.import_module(f"aimager.commands.{module}"), function))


def _action(does: object) -> str:
    """The words that name what a task does, inside of what doit is given."""
    while getattr(does, "func", None) is not act:
        does = does.args[0]  # type: ignore[attr-defined]
    name: str = does.args[0]  # type: ignore[attr-defined]
    return name


def test_it_is_given_its_arguments_and_options(monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("aimager.commands.why")
    monkeypatch.setattr(module, "tell_why", lambda graph, as_json: (graph, as_json))
    assert act("why:tell_why", "graph", as_json=True) == ("graph", True)

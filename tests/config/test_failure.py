"""What is to be done when making a root fails, as variables say it."""

import io
import os
import pty
import sys
from pathlib import Path

import pytest

from aimager.config.failure import read_failed_hooks, read_terminal
from aimager.errors import ConfigError


def test_a_shell_is_opened_on_standard_inputs_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = pty.openpty()
    with os.fdopen(slave) as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        assert read_terminal("yes") == Path(os.ttyname(slave))
        assert read_terminal("no") is None
    os.close(master)


def test_a_shell_needs_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/null").open() as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        with pytest.raises(ConfigError, match="shell=yes needs a terminal"):
            read_terminal("yes")
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(ConfigError, match="shell=yes needs a terminal"):
        read_terminal("yes")
    with pytest.raises(ConfigError, match="shell=maybe is not known"):
        read_terminal("maybe")


def test_failed_hooks() -> None:
    assert read_failed_hooks("tell")
    assert not read_failed_hooks("stop")
    with pytest.raises(ConfigError, match="failed-hooks=ignore is not known"):
        read_failed_hooks("ignore")

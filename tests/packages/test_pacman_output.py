"""How far pacman is, by its own words (of pacman 7.0 with --noprogressbar)."""

import pytest

from aimager import progress
from aimager.packages.pacman_output import Transaction

SAID = """\
loading packages...
resolving dependencies...
warning: dependency cycle detected:
Packages (2) bash-5.2-1  systemd-257-1
:: Proceed with installation? [Y/n] \n\
checking keyring...
:: Running pre-transaction hooks...
(1/1) Removing old things...
:: Processing package changes...
installing bash...
(9/9) what a scriptlet says...
installing systemd...
Creating group 'adm' with GID 999.
:: Running post-transaction hooks...
( 1/12) Creating system user accounts...
Creating group 'alpm' with GID 980.
(12/12) Reloading system manager configuration...
  Skipped: Current root is not booted.
"""


def test_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, int, int, str]] = []

    def step(name: str, *, done: int = 0, total: int = 0, detail: str = "") -> None:
        told.append((name, done, total, detail))

    monkeypatch.setattr(progress, "step", step)
    transaction = Transaction(2)
    for line in SAID.splitlines():
        transaction.read(line)
    assert told == [
        ("loading packages", 0, 0, ""),
        ("resolving dependencies", 0, 0, ""),
        ("checking keyring", 0, 0, ""),
        ("hook: Removing old things", 0, 0, "1 of 1 hooks"),
        ("installing packages", 0, 2, "bash"),
        ("installing packages", 1, 2, "systemd"),
        ("hook: Creating system user accounts", 0, 0, "1 of 12 hooks"),
        ("hook: Reloading system manager configuration", 0, 0, "12 of 12 hooks"),
    ]

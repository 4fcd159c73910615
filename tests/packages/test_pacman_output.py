"""How far pacman is, by its own words (of pacman 7.0 with --noprogressbar)."""

import pytest

from aimager import progress
from aimager.errors import AimagerError, ConfigError, DownloadError
from aimager.packages.pacman import resolve
from aimager.packages.pacman_output import Transaction, explain_file_conflict
from aimager.sandbox.chroot import IMAGE
from tests.packages.test_pacman import Saying

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
installing vmlinuz...
:: Processing package changes...
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


@pytest.mark.parametrize(
    ("said", "kind", "message"),
    [
        (
            "error: could not read db 'core' (Missing type keyword in mtree specification)\n"
            "error: target not found: a\n"
            "error: could not read db 'core' (Missing type keyword in mtree specification)\n",
            DownloadError,
            "pacman cannot read the database of the repository core: Missing type keyword in mtree"
            " specification",
        ),
        (
            "error: could not open file /run/image/var/lib/pacman/sync/mine.db: truncated gzip"
            " input\nerror: target not found: zzz\n",
            DownloadError,
            "pacman cannot read the database of the repository mine: truncated gzip input",
        ),
        (
            "error: target not found: vmi\nerror: target not found: naon>=2\n",
            ConfigError,
            "the repositories have no package vmi naon>=2",
        ),
        (
            "error: database not found: mine\n",
            ConfigError,
            "install-pkgs= names the repository mine, which the build does not have",
        ),
        (
            "error: 'lib': duplicate target\n",
            ConfigError,
            "install-pkgs= asks for lib from two repositories",
        ),
        (
            'warning: cannot resolve "b>=3", a dependency of "a"\n'
            "error: failed to prepare transaction (could not satisfy dependencies)\n"
            ":: unable to satisfy dependency 'b>=3' required by a\n",
            ConfigError,
            "the package a needs b>=3, which the repositories do not have",
        ),
        (
            "resolving dependencies...\n"
            "error: failed to prepare transaction (package architecture is not valid)\n"
            ":: package a-1-1-x86_64_v3 does not have a valid architecture\n",
            ConfigError,
            "the package a-1-1-x86_64_v3 is for another architecture than the build",
        ),
    ],
)
def test_why_pacman_cannot_resolve_is_told(
    said: str, kind: type[AimagerError], message: str
) -> None:
    with pytest.raises(kind) as caught:
        resolve(Saying(said, 1)(), ["a"])
    assert caught.value.message == message
    assert "/run" not in str(caught.value)


def test_packages_in_conflict_are_told_before_any_is_fetched() -> None:
    said = "error: failed to prepare transaction (conflicting dependencies)\n"
    with pytest.raises(ConfigError, match=r"the packages a-1-1 and b-2-1 cannot both be installed"):
        resolve(Saying(f"{said}:: a-1-1 and b-2-1 are in conflict\n", 1)(), ["a", "b"])


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (
            "/run/image/usr/bin/x exists in both 'a' and 'b'",
            "the packages a and b cannot both be installed: both bring /usr/bin/x",
        ),
        (
            "mine: /run/image/usr/sbin exists in filesystem (owned by filesystem)",
            "the package mine cannot be installed: it brings /usr/sbin, which belongs to the"
            " package filesystem",
        ),
        (
            "mine: /run/image/etc/a b exists in filesystem",
            "the package mine cannot be installed: it brings /etc/a b, which is there and belongs"
            " to no package",
        ),
    ],
)
def test_a_file_in_the_way_is_told_in_one_sentence(said: str, message: str) -> None:
    error = "error: failed to commit transaction (conflicting files)"
    explained = explain_file_conflict(f"{error}\n{said}\nErrors occurred\n", IMAGE)
    assert explained
    assert explained.message == message
    assert "install-pkgs=" in explained.hint
    assert explain_file_conflict(f"{error}\nno {said.replace('exists', 'is')}\n", IMAGE) is None

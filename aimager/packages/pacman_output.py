"""What pacman's output says: how far it is, and faults that it only mentions."""

import re
from pathlib import Path

from aimager import progress
from aimager.errors import ConfigError, HostError

_CHECKS = (
    "loading packages",
    "resolving dependencies",
    "looking for conflicting packages",
    "checking keyring",
    "checking package integrity",
    "loading package files",
    "checking for file conflicts",
)
_HOOKS = re.compile(r":: Running (pre|post)-transaction hooks\.\.\.")
_HOOK = re.compile(r"\(\s*(\d+)/(\d+)\) (\S.*)")
_PACKAGE = re.compile(r"(installing|upgrading|reinstalling|downgrading|removing) (\S+)\.\.\.")


class Transaction:
    """Reports what pacman is doing, by the lines that it prints with ``--noprogressbar``.

    Hooks are known by their descriptions (alpm-hooks(5)). A line like theirs counts only after the
    line that announces hooks, because the output of scriptlets comes between pacman's own.
    """

    def __init__(self, packages: int) -> None:
        self._packages = packages
        self._done = 0
        self._hooks = ""

    def read(self, line: str) -> None:
        """Take the next line."""
        if match := _HOOKS.fullmatch(line):
            self._hooks = match[1]
        elif line == ":: Processing package changes...":
            self._hooks = ""
        elif self._hooks and (match := _HOOK.fullmatch(line)):
            name = match[3].removesuffix("...")
            progress.step(f"hook: {name}", detail=f"{match[1]} of {match[2]} hooks")
        elif match := _PACKAGE.fullmatch(line):
            progress.step(
                "installing packages", done=self._done, total=self._packages, detail=match[2]
            )
            self._done += 1
        elif line.removesuffix("...") in _CHECKS:
            progress.step(line.removesuffix("..."))


_CONFLICTS = (
    re.compile(r"removing '?([^\s']+)'? from target list because it conflicts with '?([^\s']+)'?"),
    re.compile(r"^\s*:: (\S+) and (\S+) are in conflict(?: \(.*\))?$", re.MULTILINE),
)
"""What pacman says of two of the packages that it is to install (libalpm, sync.c)."""

_NO_OWNER = re.compile(r"\(Can't set user=(\d+)/group=(\d+) for (.+)\)$", re.MULTILINE)
"""What libarchive warns of, and pacman goes on after: the file is root's then."""


def refuse_conflict(said: str) -> None:
    """Refuse a transaction of packages that are in conflict.

    :raises ConfigError: when there are two of them
    """
    for conflict in _CONFLICTS:
        if found := conflict.search(said):
            raise ConfigError(
                f"the packages {found[1]} and {found[2]} cannot both be installed: they are in"
                " conflict",
                hint="leave one of them out of install-pkgs=, or what depends on it",
            )


def refuse_lost_owner(said: str, root: Path) -> None:
    """Refuse files of ``root`` that did not get their owner.

    :raises HostError: when there is one
    """
    if found := _NO_OWNER.search(said):
        user, group, path = found.groups()
        file = path.removeprefix(f"{root}/")
        raise HostError(
            f"{file} belongs to {user}:{group}, and your subordinate ids do not go that far",
            hint=f"the administrator can give you a range of {max(int(user), int(group))} ids or"
            " more in /etc/subuid and /etc/subgid",
        )

"""How far pacman is with a transaction, by what it says."""

import re

from aimager import progress

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
    """Tells what pacman is at, with ``--noprogressbar``, by the lines that it prints.

    Hooks are told by their descriptions (alpm-hooks(5)). Only after the line that announces them
    is a line like theirs taken for one: what scriptlets say stands between pacman's own words.
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

"""What pacman's output says: how far it is, and faults that it only mentions."""

import re
from enum import IntEnum
from pathlib import PurePath

from aimager import progress
from aimager.errors import AimagerError, ConfigError, DownloadError

_CHECKS = (
    "loading packages",
    "resolving dependencies",
    "looking for conflicting packages",
    "checking keyring",
    "checking package integrity",
    "loading package files",
    "checking for file conflicts",
)
HOOK = re.compile(r"\( *(\d+)/(\d+)\) (.+)")
"""A hook that is begun: its number, that of all, and its description or name."""

PACKAGE = re.compile(r"(installing|upgrading|reinstalling|downgrading|removing) (\S+)\.\.\.")
"""A package that is dealt with, whose scriptlets are run, too."""


class Section(IntEnum):
    """What pacman is at, in its order: before the second it runs nothing of packages."""

    CHECKS = 0
    BEFORE = 1
    PACKAGES = 2
    AFTER = 3


_SECTIONS = {
    ":: Running pre-transaction hooks...": Section.BEFORE,
    ":: Processing package changes...": Section.PACKAGES,
    ":: Running post-transaction hooks...": Section.AFTER,
}


def section(line: str) -> Section | None:
    """The section that such a line begins; None: it begins none."""
    return _SECTIONS.get(line)


class Transaction:
    """Reports what pacman is doing, by the lines that it prints with ``--noprogressbar``.

    Hooks are known by their descriptions (alpm-hooks(5)). A line like theirs counts only after the
    line that announces hooks, because the output of scriptlets comes between pacman's own.
    """

    def __init__(self, packages: int) -> None:
        self._packages = packages
        self._done = 0
        self._section = Section.CHECKS

    def read(self, line: str) -> None:
        """Take the next line."""
        hooks = self._section in (Section.BEFORE, Section.AFTER)
        if (begun := section(line)) and begun > self._section:
            self._section = begun
        elif hooks and (match := HOOK.fullmatch(line)):
            name = match[3].removesuffix("...")
            progress.step(f"hook: {name}", detail=f"{match[1]} of {match[2]} hooks")
        elif not hooks and (match := PACKAGE.fullmatch(line)):
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


_IN_BOTH = re.compile(r"^(/.+) exists in both '(\S+)' and '(\S+)'$", re.MULTILINE)
_IN_THE_WAY = re.compile(
    r"^(\S+): (/.+) exists in filesystem(?: \(owned by (\S+)\))?$", re.MULTILINE
)
"""What pacman says of files that stand in the way (its upgrade.c and util.c)."""

_LEAVE_OUT = "leave one of them out of install-pkgs=, or what depends on it"


def explain_file_conflict(said: str, top: PurePath) -> ConfigError | None:
    """Why packages' files cannot be installed; None: it has another reason.

    ``top`` is where pacman saw the root.
    """
    if both := _IN_BOTH.search(said):
        path, one, other = both.groups()
        return ConfigError(
            f"the packages {one} and {other} cannot both be installed: both bring"
            f" {path.removeprefix(str(top))}",
            hint=_LEAVE_OUT,
        )
    if found := _IN_THE_WAY.search(said):
        package, path, owner = found.groups()
        path = path.removeprefix(str(top))
        if owner:
            return ConfigError(
                f"the package {package} cannot be installed: it brings {path}, which belongs to"
                f" the package {owner}",
                hint="leave one of the two out of install-pkgs=, or what depends on it; where the"
                " image has a link, as /usr/sbin, no package may bring a folder",
            )
        return ConfigError(
            f"the package {package} cannot be installed: it brings {path}, which is there and"
            " belongs to no package",
            hint=f"leave {package} out of install-pkgs=: what another package runs has made that",
        )
    return None


def refuse_conflict(said: str) -> None:
    """Refuse a transaction of packages that are in conflict.

    :raises ConfigError: when there are two of them
    """
    for conflict in _CONFLICTS:
        if found := conflict.search(said):
            raise ConfigError(
                f"the packages {found[1]} and {found[2]} cannot both be installed: they are in"
                " conflict",
                hint=_LEAVE_OUT,
            )


_UNREAD = re.compile(
    r"^error: could not (?:read db '(?P<db>.+?)' \((?P<why>.*)\)"
    r"|open file .*/(?P<file>.+)\.db: (?P<said>.*))$",
    re.MULTILINE,
)
_NOT_FOUND = re.compile(r"^error: target not found: (\S+)$", re.MULTILINE)
_NO_REPOSITORY = re.compile(r"^error: database not found: (.+)$", re.MULTILINE)
_TWICE = re.compile(r"^error: '(.+)': duplicate target$", re.MULTILINE)
_UNSATISFIED = re.compile(r"unable to satisfy dependency '(.+)' required by (\S+)")
_FOREIGN = re.compile(r"package (\S+) does not have a valid architecture")
"""pacman's sync.c, of libalpm's ALPM_ERR_PKG_INVALID_ARCH."""


def explain_resolving(said: str) -> AimagerError | None:
    """Why pacman cannot resolve what it is asked for; None: it does not say.

    A database that it cannot read comes first: then it finds nothing in it.
    """
    if found := _UNREAD.search(said):
        name, reason = found["db"] or found["file"], found["why"] or found["said"]
        return DownloadError(
            f"pacman cannot read the database of the repository {name}: {reason}",
            hint=f"try another mirror of it with repo-url-{name}=",
        )
    if found := _NO_REPOSITORY.search(said):
        return ConfigError(
            f"install-pkgs= names the repository {found[1]}, which the build does not have",
            hint="repos-base= names the distribution's, and add-repos= adds others",
        )
    if found := _TWICE.search(said):
        return ConfigError(
            f"install-pkgs= asks for {found[1]} from two repositories", hint="name it once"
        )
    if missing := _NOT_FOUND.findall(said):
        return ConfigError(
            f"the repositories have no package {' '.join(missing)}",
            hint="check the spelling in install-pkgs=, or which mirror is used",
        )
    if found := _FOREIGN.search(said):
        return ConfigError(
            f"the package {found[1]} is for another architecture than the build",
            hint="leave it out, or take it from a repository for this architecture; arch= names"
            " a level of one whose packages are taken, too",
        )
    if found := _UNSATISFIED.search(said):
        return ConfigError(
            f"the package {found[2]} needs {found[1]}, which the repositories do not have",
            hint="build again later, if a mirror is being updated; add-repos= or repos-base= names"
            " the repository that has it",
        )
    return None

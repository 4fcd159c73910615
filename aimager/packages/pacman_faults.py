"""Faults of a transaction that are told only in pacman's words: it goes on, or says no reason."""

import re
from pathlib import Path

from aimager.errors import ConfigError, HostError

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
            f"{file} belongs to {user}:{group}, and you have no subordinate ids that are so high",
            hint=f"the administrator can give you a range of {max(int(user), int(group))} ids or"
            " more in /etc/subuid and /etc/subgid",
        )

"""Refusing variables that do not exist, and suggesting the one that was meant."""

from collections.abc import Sequence

from aimager.config.variables import VARIABLES
from aimager.errors import ConfigError
from aimager.near_names import nearest

INSTEAD = {
    "add-repo": "add-repos= takes several, separated by commas",
    "arch-host": "the host's architecture is detected",
    "arch-target": "write arch=",
    "async-child": "how the namespaces are made follows from the kernel: nothing needs to be said",
    "binfmt-check": "nothing of the host's binfmt_misc is used or changed",
    "build-id": "the id is made of distribution, architecture and board; out= is the folder",
    "clean-builds": "nothing is left behind that needs cleaning",
    "freeze-pacman-config": "offline=yes asks no mirror, and lock=FILE holds all versions",
    "freeze-pacman-static": "offline=yes asks no mirror",
    "install-pkg": "install-pkgs= takes several, separated by commas",
    "locale": "locales= takes several, separated by commas; the first is the system's language",
    "log-level": "each task's log, in the folder log of the cache, has all that programs said",
    "only-backup-keyring": "doit keyring-backup does that",
    "only-prepare-child": "doit make-rootfs-archive does that",
    "out-prefix": "out= is the folder of the results",
}
"""Options of aimager.sh that are not variables, and what to do in place of each."""


def check_names(names: Sequence[str]) -> None:
    """Refuse a variable that does not exist; doit itself would ignore it.

    :raises ConfigError: it suggests the most similar ones
    """
    known = [variable.name.replace("*", "NAME") for variable in VARIABLES]
    for name in names:
        if any(variable.matches(name) for variable in VARIABLES):
            continue
        if name in INSTEAD:
            raise ConfigError(f"there is no variable {name}=", hint=INSTEAD[name])
        raise ConfigError(
            f"there is no variable {name}=",
            hint=f"{nearest(name, known, '{}=')}doit variables explains every variable",
        )

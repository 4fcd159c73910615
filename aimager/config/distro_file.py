"""A user's own distribution: a Python file of the form of those in ``aimager/distros/``."""

from pathlib import Path

from aimager.config.definition_file import DefinitionFile
from aimager.config.distro_rules import check_distro
from aimager.distros import DISTRO_ID, DISTROS
from aimager.errors import ConfigError
from aimager.model.distro import Distro

_HINT = (
    "it imports from aimager.definitions and has DISTRO = Distro(...), as the files in"
    " aimager/distros/ do"
)


def load_distro(path: Path) -> Distro:
    """The distribution that the file at ``path`` defines, which is run: the user has named it.

    :raises ConfigError: when the file cannot be read or run, defines no distribution, or one with
        the id of one of ours, or that breaks a rule, or addresses that have a user or password
    """
    file = DefinitionFile(path, "distribution", _HINT)
    distro = file.run(file.parse(file.read_bytes())).get("DISTRO")
    if not isinstance(distro, Distro):
        raise ConfigError(f"the file {path} defines no distribution", hint=_HINT)
    distro = file.check(distro)
    if not DISTRO_ID.fullmatch(distro.id):
        raise file.error(f"has the id {distro.id!r}", hint="an id has letters and digits alone")
    check_distro(distro, f"the distribution {path}")
    for where, address in (("mirrors=", distro.mirrors.url), ("archive=", distro.archive)):
        if address:
            file.check_address(address, where, f"repo-url-{distro.id}")
    if any(known.is_called(distro.id) for known in DISTROS):
        hint = "give it another: what was made of that one would be taken for its own"
        raise file.error(f"has the id {distro.id}, which another distribution has", hint=hint)
    return distro

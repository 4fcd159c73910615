"""Which values variables take, as far as they can be listed."""

from dataclasses import dataclass

from aimager.commands.matrix import FORMS
from aimager.config.failure import STOP, TELL
from aimager.config.own_boards import BOARDS
from aimager.config.storage import ROOT_FILE_SYSTEMS
from aimager.distros import DISTROS, THIRD_PARTY_REPOSITORIES
from aimager.model.architecture import Architecture
from aimager.model.board import Initramfs
from aimager.model.build import Compression, Product, Tools
from aimager.model.named_tables import NAMED_TABLES

SHELLS = ("bash", "zsh", "fish")
"""The shells that there are completions for."""


@dataclass(frozen=True)
class Values:
    """What a variable takes: ``words``, or ``paths`` of files; ``several`` separated by commas."""

    words: tuple[str, ...] = ()
    several: bool = False
    paths: bool = False


_YES_OR_NO = Values(("yes", "no"))
_FILE = Values(paths=True)
_FILES = Values(paths=True, several=True)

VALUES = {
    "distro": Values(tuple(distro.id for distro in DISTROS)),
    "board": Values(tuple(BOARDS), several=True, paths=True),
    "boards": Values(tuple(BOARDS), several=True, paths=True),
    "arch": Values(tuple(Architecture)),
    "create": Values(tuple(Product), several=True),
    "compress": Values(("none", *Compression), several=True),
    "out": _FILE,
    "root-fs": Values(ROOT_FILE_SYSTEMS),
    "table": Values(tuple(f"={name}" for name in NAMED_TABLES)),
    "disk-from": _FILE,
    "packages": _FILE,
    "initrd-maker": Values(tuple(Initramfs)),
    "files": _FILES,
    "overlay": _FILES,
    "scripts": _FILES,
    "lock": _FILE,
    "add-repos": Values(tuple(r.id for r in THIRD_PARTY_REPOSITORIES), several=True),
    "key-file-*": _FILE,
    "tools": Values(tuple(Tools)),
    "keyring-helper": _FILE,
    "reuse-root-tar": _FILE,
    "use-pacman-static": _YES_OR_NO,
    "borrow": _YES_OR_NO,
    "tmpfs-root": _YES_OR_NO,
    "report": _FILE,
    "remote": _FILE,
    "failed-hooks": Values((STOP, TELL)),
    "shell": _YES_OR_NO,
    "offline": _YES_OR_NO,
    "for": Values((*FORMS, *SHELLS)),
}
"""By the names of variables; those that are not here take what cannot be listed."""

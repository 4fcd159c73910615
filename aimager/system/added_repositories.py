"""Added repositories in the image's own pacman.conf, and the keys that its pacman needs."""

import base64
import re
from collections.abc import Sequence
from pathlib import Path

from aimager.errors import ImageError
from aimager.model.distro import Keyring, ThirdPartyRepository
from aimager.packages.keyring_files import KEYRINGS
from aimager.system.root_files import write_file

_CONF = "etc/pacman.conf"


def add_repositories(root: Path, repositories: Sequence[ThirdPartyRepository]) -> None:
    """Let the pacman of ``root`` use ``repositories``, and trust their pinned keys.

    Their keyring packages bring the keys; keys from a file are put where such a package would put
    them, and the first boot's ``pacman-key --populate`` takes both.

    :raises ImageError: when the root has no pacman.conf
    """
    if not repositories:
        return
    path = root / _CONF
    if not path.is_file():
        raise ImageError(f"the image has no /{_CONF} to add repositories to")
    path.write_text(with_repositories(path.read_text(), repositories))
    for repository in repositories:
        if not repository.keyring.package:
            _lay_keys(root, repository.keyring)


def with_repositories(pacman_conf: str, repositories: Sequence[ThirdPartyRepository]) -> str:
    """A pacman.conf with ``repositories`` after its own; one that it has already stays as it is."""
    sections = set(re.findall(r"^[ \t]*\[([^\]\n]+)\]", pacman_conf, re.MULTILINE))
    added = [
        f"\n[{repository.id}]\nServer = {repository.mirrors.url}\n"
        for repository in repositories
        if repository.id not in sections
    ]
    return pacman_conf.rstrip("\n") + "\n" + "".join(added)


def _lay_keys(root: Path, keyring: Keyring) -> None:
    path = root / KEYRINGS / f"{keyring.name}.gpg"
    write_file(path, "")
    path.write_bytes(base64.b64decode(keyring.keys))
    trusted = "".join(f"{key}:4:\n" for key in keyring.master_keys)
    write_file(path.with_name(f"{keyring.name}-trusted"), trusted)

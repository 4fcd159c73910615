"""Added repositories in the image's own pacman.conf, and the keys that its pacman needs."""

import base64
import re
from collections.abc import Sequence

from aimager.errors import ImageError
from aimager.model.distro import Keyring, ThirdPartyRepository
from aimager.packages.keyring_files import KEYRINGS
from aimager.sandbox.tree import Tree

_CONF = "etc/pacman.conf"


def add_repositories(tree: Tree, repositories: Sequence[ThirdPartyRepository]) -> None:
    """Let the pacman of ``tree`` use ``repositories``, and trust their pinned keys.

    Their keyring packages bring the keys; keys from a file are put where such a package would put
    them, and the first boot's ``pacman-key --populate`` takes both.

    :raises ImageError: when the root has no pacman.conf
    """
    if not repositories:
        return
    if not tree.is_file(_CONF):
        raise ImageError(f"the image has no /{_CONF} to add repositories to")
    tree.write(_CONF, with_repositories(tree.read_text(_CONF), repositories))
    for repository in repositories:
        if not repository.keyring.package:
            _lay_keys(tree, repository.keyring)


def with_repositories(pacman_conf: str, repositories: Sequence[ThirdPartyRepository]) -> str:
    """A pacman.conf with ``repositories`` after its own; one that it has already stays as it is."""
    sections = set(re.findall(r"^[ \t]*\[([^\]\n]+)\]", pacman_conf, re.MULTILINE))
    added = [
        f"\n[{repository.id}]\nServer = {repository.mirrors.url}\n"
        for repository in repositories
        if repository.id not in sections
    ]
    return pacman_conf.rstrip("\n") + "\n" + "".join(added)


def _lay_keys(tree: Tree, keyring: Keyring) -> None:
    tree.write(f"{KEYRINGS}/{keyring.name}.gpg", base64.b64decode(keyring.keys), 0o644)
    trusted = "".join(f"{key}:4:\n" for key in keyring.named)
    tree.write(f"{KEYRINGS}/{keyring.name}-trusted", trusted, 0o644)

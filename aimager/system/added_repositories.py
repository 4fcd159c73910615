"""What repositories the image's own pacman.conf has, and the keys that its pacman needs."""

import base64
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from aimager.errors import ImageError
from aimager.model.distro import Keyring, ThirdPartyRepository
from aimager.packages.keyring_files import KEYRINGS
from aimager.packages.repository_sections import (
    included_repositories,
    with_added,
    with_architectures,
    with_own,
)
from aimager.sandbox.tree import Tree

_CONF = "etc/pacman.conf"


def add_repositories(
    tree: Tree,
    repositories: Sequence[ThirdPartyRepository],
    own: Mapping[str, str] = MappingProxyType({}),
    mirrorlist: str = "",
    *,
    levels: Sequence[str] = (),
) -> None:
    """Let the pacman of ``tree`` use its distribution's ``own`` repositories and ``repositories``.

    ``own`` are names, in order, each with an address if the user named one; ``mirrorlist`` is where
    the others of them have their mirrors. ``levels`` are architectures whose packages it takes,
    too. The keyring packages of ``repositories`` bring their keys; keys from a file are put where
    such a package would put them, and the first boot's ``pacman-key --populate`` takes both.

    :raises ImageError: when the root has no pacman.conf, and needs one
    """
    if not tree.is_file(_CONF):
        if repositories or levels:
            raise ImageError(
                f"the image has no /{_CONF} to add repositories to",
                hint="the package pacman brings it: add it with install-pkgs=pacman, or leave"
                " add-repos= and a level of arch= out",
            )
        return
    text = tree.read_text(_CONF)
    first, last = (
        {r.id: r.mirrors.url for r in repositories if r.comes_first is wanted}
        for wanted in (True, False)
    )
    included = included_repositories(tree, _CONF)
    wanted = with_own(text, own, mirrorlist, included)
    wanted = with_added(wanted, first, last, included)
    wanted = with_architectures(wanted, levels)
    if wanted != text:
        tree.write(_CONF, wanted)
    for repository in repositories:
        if not repository.keyring.package:
            _lay_keys(tree, repository.keyring)


def _lay_keys(tree: Tree, keyring: Keyring) -> None:
    tree.write(f"{KEYRINGS}/{keyring.name}.gpg", base64.b64decode(keyring.keys), 0o644)
    trusted = "".join(f"{key}:4:\n" for key in keyring.named)
    tree.write(f"{KEYRINGS}/{keyring.name}-trusted", trusted, 0o644)

"""Packagers' keys that the user trusts, for the image's own pacman."""

from collections.abc import Mapping, Sequence
from itertools import chain

from aimager import limits, progress
from aimager.errors import ASK_PACKAGER, ImageError
from aimager.model.distro import ThirdPartyRepository
from aimager.packages.keyring_files import KEYRINGS
from aimager.packages.openpgp.bound_subkeys import primary_keys_of
from aimager.packages.openpgp.public_keys import PublicKey, list_keys
from aimager.sandbox.drop_ins import files_at
from aimager.sandbox.tree import Tree

NAME = "trust-key"
"""The keyring of these keys: that of the variable which names them."""

_NO_OWNERTRUST = 2
"""gpg's number for a key that vouches for none. What a list names is certified all the same."""


def lay_user_keys(
    tree: Tree, keys: Sequence[str], repositories: Sequence[ThirdPartyRepository] = ()
) -> None:
    """Let the pacman of ``tree`` trust those of ``keys`` that its keyrings have and do not list.

    So it does with those that the user names for one of ``repositories``.

    They are laid as a keyring of their own beside those, which the first boot's ``pacman-key
    --populate`` takes, and named in a line each.

    :raises ImageError: when a keyring of the image cannot be read
    """
    added = (r.keyring.user_keys for r in repositories if r.keyring.package)
    keys = [*keys, *chain.from_iterable(added)]
    if not keys:
        return
    listed, found = set[str](), dict[str, PublicKey]()
    for path in files_at(tree, f"{KEYRINGS}*-trusted"):
        if path != f"{KEYRINGS}{NAME}-trusted":
            text = tree.read_text(path, limits.KEYRING)
            listed |= {line.strip().partition(":")[0].upper() for line in text.split("\n")}
    for path in files_at(tree, f"{KEYRINGS}*.gpg"):
        try:
            found |= list_keys(tree.read_bytes(path, limits.KEYRING))
        except ValueError as error:
            raise ImageError(
                f"the image's keyring /{path} cannot be read: {error}", hint=ASK_PACKAGER
            ) from error
    wanted = sorted({*_primary_keys(keys, found)} - listed)
    if not wanted:
        return
    content = b"".join(found[key].content for key in wanted)
    tree.write(f"{KEYRINGS}{NAME}.gpg", content, 0o644)
    lines = "".join(f"{key}:{_NO_OWNERTRUST}:\n" for key in wanted)
    tree.write(f"{KEYRINGS}{NAME}-trusted", lines, 0o644)
    for key in wanted:
        progress.say(f"   the image's pacman will trust what the key {key} signs")


def _primary_keys(keys: Sequence[str], found: Mapping[str, PublicKey]) -> list[str]:
    if not found:
        return []
    every = b"".join(key.content for key in found.values())
    try:
        return list(primary_keys_of(keys, found, every).values())
    except ValueError as error:
        raise ImageError(
            f"the image's keyrings cannot be read: {error}", hint=ASK_PACKAGER
        ) from error

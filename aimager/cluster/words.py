"""Which words of a command line a worker is told, so that no secret and no file of ours is needed.

Whatever is left out here that would matter is found out there: the product would have another id.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aimager.config.parse import split_list
from aimager.config.platform import is_file_name
from aimager.config.variable import Words
from aimager.config.variables import VARIABLES
from aimager.errors import AimagerError
from aimager.model.settings import Password, Settings
from aimager.packages.targets import is_file
from aimager.products.stage import Stage
from aimager.shown import without_credentials
from aimager.system.passwords import hash_passwords
from aimager.toolbox import Toolbox

_OF_THIS_MACHINE = frozenset(
    (
        *("out", "report", "sign", "readable-by", "lock", "shell", "tmpfs-root", "check-twice"),
        *("workers", "cluster-tls"),
        *("remote", "remote-key", "remote-allowed-signers", "remote-revoked-keys"),
    )
)
"""Words that shape nothing that is sent; a worker has its own, where it needs some.

A manifest leaves out others (`Variable.told`): also what a lock file has, as board=, and how to run
what is sent, as failed-hooks=, which a worker has to be told.
"""

_OF_IMAGES = frozenset(("disk-from", "files", "overlay", "scripts", "chpasswd"))
"""Words that only pack-image reads."""


class NotSentError(Exception):
    """A task must be run here; the message says why."""


def words_for(words: Mapping[str, str], remote: str, *, is_image: bool) -> dict[str, str]:
    """The words for a worker, of those that describe a build with the store ``remote``, if one is.

    Passwords are not among them.

    :raises NotSentError: when one names files of this machine, or holds credentials
    """
    sent = {}
    for name, text in words.items():
        if name in _OF_THIS_MACHINE or (name in _OF_IMAGES and not is_image):
            continue
        if name == "chpasswd":
            continue
        if name == "wifi" and text:
            raise NotSentError("wifi= holds a passphrase, which is not sent")
        if without_credentials(text) != text:
            raise NotSentError(f"{name}= holds credentials, which are not sent")
        if _names_files(name, text):
            raise NotSentError(f"{name}= names files of this machine")
        sent[name] = text
    if not remote:
        sent.pop("remote-unsigned", None)
    elif without_credentials(remote) == remote:
        sent["remote"] = remote
    return sent


def _names_files(name: str, text: str) -> bool:
    if not text or not any(v.paths and v.matches(name) for v in VARIABLES):
        return False
    if name in ("board", "distro"):
        return any(map(is_file_name, split_list(text)))
    if name == "install-pkgs":
        return any(map(is_file, split_list(text)))
    return True


def with_hashes(stage: Stage, words: Words, seed: str) -> tuple[Stage, dict[str, str]]:
    """The stage of an image with hashes for passwords, and the words that ask for these.

    They are those that the image has when it is made here: ``seed`` is what their salts follow
    from.

    :raises NotSentError: when this machine cannot hash them
    """
    given: Any = stage
    setup: Settings = given.setup
    own = len(words.read("chpasswd", ()))
    if not own:
        return stage, {}
    try:
        hashed = hash_passwords(Toolbox(None), setup.passwords, seed)
    except AimagerError as error:
        raise NotSentError(f"its passwords cannot be hashed here: {error.message}") from error
    passwords = tuple(Password(entry.user, entry.hash, is_hashed=True) for entry in hashed)
    changed: Any = replace(given, setup=replace(setup, passwords=passwords))
    return changed, {"chpasswd": ",".join(f"{p.user}:{p.password}" for p in passwords[-own:])}

"""What is remembered of keyring packages that were used: the newest, and whom they revoked.

A mirror decides which keyring package a build finds. An older one than was used before would bring
back keys that have been revoked since, so it is used only if asked for, and never without the
revocations that are known here.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aimager.codec import decode, encode
from aimager.errors import TrustError
from aimager.files import publish_text
from aimager.model.distro import Keyring
from aimager.model.lock import Lock, find_package
from aimager.packages.keyring_files import KeyringFiles

MEMORY = "keyrings.json"
"""The name of the file in the cache."""

Revoked = Mapping[str, tuple[str, ...]]
"""Fingerprints and key ids of revoked keys, by the names of keyrings."""


@dataclass(frozen=True)
class Seen:
    """The newest keyring package of a platform: its version, when it was built, in seconds, and
    whom it revoked."""

    version: str
    built: int
    revoked: tuple[str, ...] = ()


@dataclass(frozen=True)
class Memory:
    """``newest`` is by ``PLATFORM PACKAGE``, for platforms have mirrors of their own; ``revoked``
    by the keyring's name, whatever the platform."""

    newest: dict[str, Seen] = field(default_factory=dict)
    revoked: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def refuse_older(self, platform: str, keyring: Keyring, files: KeyringFiles) -> None:
        """Check that a keyring is not older than one that was used before.

        :raises TrustError: when it is
        """
        seen = self.newest.get(f"{platform} {keyring.package}")
        if keyring.package and seen and files.built < seen.built:
            raise TrustError(
                f"{keyring.package} {files.version} is older than {seen.version}, which was used"
                f" for {platform} before: keys that were revoked since would be trusted again",
                hint="try another mirror with repo-url-parent=; or, if you mean the older one, as"
                " for a lock file of an earlier date, older-keyring=yes",
            )

    def with_used(self, platform: str, keyring: Keyring, files: KeyringFiles) -> "Memory":
        """What is to be remembered after this keyring was found to be good, too."""
        newest, revoked = dict(self.newest), dict(self.revoked)
        name = f"{platform} {keyring.package}"
        if keyring.package and files.built >= (newest[name].built if name in newest else 0):
            newest[name] = Seen(files.version, files.built, files.revoked)
        known = {*revoked.get(keyring.name, ()), *files.revoked}
        if known:
            revoked[keyring.name] = tuple(sorted(known))
        return Memory(newest, revoked)

    def merged(self, other: "Memory") -> "Memory":
        """What either remembers, as two builds at the same time have used keyrings."""
        newest = dict(self.newest)
        for name, seen in other.newest.items():
            newest[name] = max(seen, newest.get(name, seen), key=lambda it: it.built)
        names = self.revoked.keys() | other.revoked.keys()
        revoked = {
            name: tuple(sorted({*self.revoked.get(name, ()), *other.revoked.get(name, ())}))
            for name in names
        }
        return Memory(newest, revoked)


def recall(path: Path) -> Memory:
    """What is remembered in a file; nothing if there is none yet.

    :raises TrustError: when it is damaged
    """
    try:
        memory: Memory = decode(Memory, json.loads(path.read_bytes()))
    except FileNotFoundError:
        return Memory()
    except ValueError as error:
        raise TrustError(
            f"what is remembered of revoked keys cannot be read: {path}",
            hint="delete the file; older keyring packages are then taken once more",
        ) from error
    return memory


def remember(path: Path, memory: Memory) -> None:
    """Keep it in a file, which is not touched if it says that already."""
    publish_text(path, json.dumps(encode(memory), indent=1, sort_keys=True) + "\n")


def circumstances(
    memory: Memory, lock: Lock, keyrings: Sequence[Keyring]
) -> dict[str, dict[str, object]]:
    """What of ``memory`` makes a difference to keyrings of the packages of ``lock``.

    Nothing does where these are as new as any that was used: so a keyring is made again if others
    are newer by now, and not for having been made.
    """
    found: dict[str, dict[str, object]] = {}
    for keyring in keyrings:
        package = find_package(lock.packages, keyring.package)
        seen = memory.newest.get(f"{lock.platform} {keyring.package}")
        is_older = bool(package and seen and package.build_date < seen.built)
        is_seen = bool(package and seen and package.version == seen.version)
        known = memory.revoked.get(keyring.name, ()) if is_older or is_seen else ()
        own = seen.revoked if is_seen and seen else ()
        more = tuple(sorted({*known} - {*own}))
        if is_older or more:
            found[keyring.name] = {"newest": seen.version if seen else "", "revoked": more}
    return found


def check_age(
    memory: Memory, lock: Lock, used: Sequence[tuple[Keyring, KeyringFiles]], *, older: bool
) -> None:
    """Check that no keyring of ``used`` is older than one that was used before.

    :param older: whether the user asked for that
    :raises TrustError: for the first that is
    """
    for keyring, files in () if older else used:
        try:
            memory.refuse_older(lock.platform, keyring, files)
        except TrustError as error:
            package = find_package(lock.packages, keyring.package)
            error.repository = package.repository if package else ""
            raise

"""What is read of a keyring package, or of the user's own keys, and whom of that we trust."""

import base64
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from aimager import progress
from aimager.archive import read_members
from aimager.errors import ASK_PACKAGER, ConfigError, TrustError
from aimager.model.distro import Keyring
from aimager.model.lock import Lock, LockedPackage, find_package

KEYRINGS = "usr/share/pacman/keyrings/"

MARGINAL = 4
"""The ownertrust, in gpg's numbers, of every pinned key: three of them have to agree.

Keyring packages have no say in it: they could name one key that decides alone. A repository of a
single key works, for what a pinned key signs itself needs no other to vouch for it.
"""

_INFO = ".PKGINFO"
_TRUSTED = re.compile(r"([0-9A-Fa-f]{40,64})(?::(\d*):?)?")
_REVOKED = re.compile(r"(?:0x)?([0-9A-F]{64}|[0-9A-F]{40}|[0-9A-F]{16}|[0-9A-F]{8})")


@dataclass(frozen=True)
class KeyringFiles:
    """What a keyring package holds: keys, the fingerprints of those to trust, and revoked ones.

    The latter are ends of fingerprints. ``version`` and ``built``, a time in seconds, are the
    package's own words, which its signature covers as it does not cover the database's.
    """

    keys: bytes
    trusted: tuple[str, ...]
    revoked: tuple[str, ...]
    version: str = ""
    built: int = 0


def read_keyring(package: LockedPackage, store: Path, keyring: Keyring) -> KeyringFiles:
    """The keyring in a package, whose files are read and not run.

    Without a list of the keys to trust, they are the pinned ones.

    :raises TrustError: when the package has none of that name, is another one than the database
        says, or has a line in its list of revoked keys that names no key
    """
    found = read_members(
        package.path(store), lambda name: name.startswith(KEYRINGS) or name == _INFO
    )
    keys, trusted, revoked = (
        found.get(f"{KEYRINGS}{keyring.name}{end}") for end in (".gpg", "-trusted", "-revoked")
    )
    if keys is None:
        raise TrustError(f"{package.file} holds no keyring {keyring.name}", hint=ASK_PACKAGER)
    version, built = _read_info(package, found.get(_INFO, b""))
    return KeyringFiles(
        keys,
        keyring.master_keys if trusted is None else tuple(_trusted(trusted)),
        tuple(_revoked(revoked or b"", package.file)),
        version,
        built,
    )


def _read_info(package: LockedPackage, info: bytes) -> tuple[str, int]:
    lines = (line.partition(" = ") for line in info.decode(errors="replace").splitlines())
    said = {key.strip(): value.strip() for key, _, value in lines}
    if (said.get("pkgname"), said.get("pkgver")) != (package.name, package.version):
        raise TrustError(
            f"the database calls {package.file} {package}, and the package itself says that it is"
            f" {said.get('pkgname', 'nothing')} {said.get('pkgver', '')}".rstrip(),
            hint="the mirror's database is of other packages than its files: try another mirror"
            " with repo-url-parent=",
            repository=package.repository,
        )
    built = said.get("builddate", "")
    return package.version, int(built) if built.isdecimal() else 0


def _trusted(text: bytes) -> Iterator[str]:
    """The keys that the lines ``FINGERPRINT:LEVEL:`` give no lower level than ours."""
    for line in text.decode(errors="replace").splitlines():
        match = _TRUSTED.fullmatch(line.strip())
        if match and int(match[2] or MARGINAL) >= MARGINAL:
            yield match[1].upper()


def _revoked(text: bytes, file: str) -> Iterator[str]:
    """What the lines name, in any of the forms in which gpg takes a key from pacman-key."""
    for line in text.decode(errors="replace").splitlines():
        name = "".join(line.partition("#")[0].split()).upper().replace("0X", "0x")
        if not name:
            continue
        match = _REVOKED.fullmatch(name)
        if not match:
            raise TrustError(
                f"{file} names a revoked key as {line.strip()!r}, which is neither a fingerprint"
                " nor a key id",
                hint=ASK_PACKAGER,
            )
        yield match[1]


def keyring_files(lock: Lock, store: Path, keyring: Keyring) -> tuple[KeyringFiles, str]:
    """The keyring, and what it comes from: a package of ``lock``, or the user's own keys.

    :raises ConfigError: when the lock does not have the package
    :raises TrustError: when that has no such keyring
    """
    if not keyring.package:
        return KeyringFiles(base64.b64decode(keyring.keys), keyring.master_keys, ()), keyring.name
    package = find_package(lock.packages, keyring.package)
    if package is None:
        raise ConfigError(
            f"the lock of {lock.platform} does not have {keyring.package}",
            hint="doit update lock=FILE makes the lock file anew",
        )
    return read_keyring(package, store, keyring), f"{package} ({package.file})"


def pinned(files: KeyringFiles, keyring: Keyring, source: str) -> tuple[str, ...]:
    """Those of a keyring's trusted keys that are pinned, which alone will be trusted.

    :raises TrustError: when none is
    """
    kept = tuple(key for key in files.trusted if key in keyring.master_keys)
    if not kept:
        raise TrustError(
            f"the package {source} trusts the keys {' '.join(files.trusted) or '(none)'}, none of"
            f" which is pinned for the keyring {keyring.name}: {' '.join(keyring.master_keys)}",
            hint="if you know that the keys are right, name them with trust-key=, or"
            f" with trust-key-{keyring.name}= if that is a repository which you add",
        )
    return kept


def pinned_keyrings(
    keyrings: Sequence[Keyring], lock: Lock, store: Path
) -> Iterator[tuple[Keyring, KeyringFiles, tuple[str, ...]]]:
    """Each keyring with those of its keys that will be trusted; the others are printed.

    :raises TrustError: as `keyring_files` and `pinned`
    """
    for keyring in keyrings:
        files, source = keyring_files(lock, store, keyring)
        trusted = pinned(files, keyring, source)
        for key in sorted(set(files.trusted) - set(trusted)):
            progress.say(f"   the key {key} of {source} is not pinned and will not be trusted")
        yield keyring, files, trusted

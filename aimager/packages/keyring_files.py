"""What is read of a keyring package, or of the user's own keys."""

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from aimager.errors import ASK_PACKAGER, ConfigError, TrustError
from aimager.model.distro import Keyring
from aimager.model.lock import Lock, LockedPackage, find_package
from aimager.package_files import read_members
from aimager.units import decimal

KEYRINGS = "usr/share/pacman/keyrings/"

MARGINAL = 4
"""The ownertrust, in gpg's numbers, of every pinned key: three of them have to agree.

Keyring packages have no say in it: they could name one key that decides alone. A repository of a
single key works, for what a pinned key signs itself needs no other to vouch for it.
"""

_INFO = ".PKGINFO"
_TRUSTED = re.compile(r"([0-9A-Fa-f]{40,64})(?::([0-9]{0,3}):?)?")
"""gpg has levels up to 6; a line that is not of this form trusts no key."""
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

    Without a list of the keys to trust, they are those that are named. If it holds a single
    keyring, its name does not matter.

    :raises TrustError: when the package has none, or several of other names, is another one than
        the database says, or has a line in its list of revoked keys that names no key
    """
    found = read_members(
        package.path(store), lambda name: name.startswith(KEYRINGS) or name == _INFO
    )
    name = _name(found, keyring, package)
    keys, trusted, revoked = (
        found.get(f"{KEYRINGS}{name}{end}") for end in (".gpg", "-trusted", "-revoked")
    )
    version, built = _read_info(package, found.get(_INFO, b""))
    return KeyringFiles(
        keys or b"",
        keyring.named if trusted is None else tuple(_trusted(trusted)),
        tuple(read_revoked(revoked or b"", package.file)),
        version,
        built,
    )


def _name(found: Mapping[str, bytes], keyring: Keyring, package: LockedPackage) -> str:
    """The name of the files of a keyring in its package."""
    paths = [PurePath(path) for path in found]
    names = sorted(path.stem for path in paths if path.suffix == ".gpg")
    if keyring.name in names or len(names) == 1:
        return keyring.name if keyring.name in names else names[0]
    raise TrustError(
        f"{package.file} holds no keyring {keyring.name}"
        + (f", but {' and '.join(names)}" if names else ""),
        hint=f"key-file-{keyring.name}=FILE takes the keys of a repository that you add from a file"
        " of yours",
    )


def _read_info(package: LockedPackage, info: bytes) -> tuple[str, int]:
    lines = (line.partition(" = ") for line in info.decode(errors="replace").split("\n"))
    said = {key.strip(): value.strip() for key, _, value in lines}
    if (said.get("pkgname"), said.get("pkgver")) != (package.name, package.version):
        raise TrustError(
            f"the database calls {package.file} {package}, and the package itself says that it is"
            f" {said.get('pkgname', 'nothing')} {said.get('pkgver', '')}".rstrip(),
            hint="the mirror's database is of other packages than its files: try another mirror"
            " with repo-url-parent=",
            repository=package.repository,
        )
    return package.version, decimal(said.get("builddate", "")) or 0


def _trusted(text: bytes) -> Iterator[str]:
    """The keys that the lines ``FINGERPRINT:LEVEL:`` give no lower level than ours."""
    return (key for key, level in read_levels(text) if level >= MARGINAL)


def read_levels(text: bytes) -> Iterator[tuple[str, int]]:
    """The keys of the lines ``FINGERPRINT:LEVEL:`` of a ``-trusted``, with their levels."""
    for line in text.decode(errors="replace").split("\n"):
        match = _TRUSTED.fullmatch(line.strip())
        if match:
            yield match[1].upper(), int(match[2] or MARGINAL)


def read_revoked(text: bytes, file: str) -> Iterator[str]:
    """What the lines of a ``-revoked`` name, in any form in which gpg takes a key of pacman-key.

    :raises TrustError: when one names no key
    """
    for line in text.decode(errors="replace").split("\n"):
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
        return KeyringFiles(base64.b64decode(keyring.keys), keyring.named, ()), keyring.name
    package = find_package(lock.packages, keyring.package)
    if package is None:
        raise ConfigError(
            f"the lock of {lock.platform} does not have {keyring.package}",
            hint="doit update lock=FILE makes the lock file anew",
        )
    return read_keyring(package, store, keyring), f"{package} ({package.file})"

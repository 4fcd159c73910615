"""pacman keyrings: making one from pinned keys, and verifying packages with it."""

import base64
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aimager import process
from aimager.archive import read_members, unpack_tree
from aimager.errors import CommandError, ConfigError, HostError, KeyTroubleError, TrustError
from aimager.model.distro import Keyring
from aimager.model.lock import Lock, LockedPackage, find_package
from aimager.packages.key_advice import Words, advise, expiry, is_of_keys
from aimager.packages.openpgp.trust import Trust
from aimager.progress import say
from aimager.toolbox import Toolbox

KEYRINGS = "usr/share/pacman/keyrings/"

_MASTER = "Pacman Keyring Master Key <pacman@localhost>"
_MARGINALLY = "4"
"""The level of trust in a pinned key that no keyring package lists (gpg's ownertrust)."""

_TRUST_ENOUGH = {"TRUST_FULLY", "TRUST_ULTIMATE"}
"""What pacman's TrustedOnly asks for (libalpm: ALPM_SIGVALIDITY_FULL)."""


@dataclass(frozen=True)
class KeyringFiles:
    """What a keyring package holds: keys, and ``FINGERPRINT:LEVEL`` of those to trust."""

    keys: bytes
    trusted: tuple[tuple[str, str], ...]
    revoked: tuple[str, ...]


def read_keyring(package: LockedPackage, store: Path, keyring: Keyring) -> KeyringFiles:
    """The keyring in a package, whose files are read and not run.

    :raises TrustError: when the package has none of that name
    """
    found = read_members(package.path(store), lambda name: name.startswith(KEYRINGS))
    names = [f"{KEYRINGS}{keyring.name}{end}" for end in (".gpg", "-trusted", "-revoked")]
    if names[0] not in found or names[1] not in found:
        raise TrustError(f"{package.file} holds no keyring {keyring.name}")
    trusted = [
        (match[1].upper(), match[2])
        for match in re.finditer(
            r"^([0-9A-Fa-f]{40,64}):(\d+):", found[names[1]].decode(), re.MULTILINE
        )
    ]
    revoked = re.findall(r"^[0-9A-Fa-f]{16,64}", found.get(names[2], b"").decode(), re.MULTILINE)
    return KeyringFiles(found[names[0]], tuple(trusted), tuple(key.upper() for key in revoked))


def keyring_files(lock: Lock, store: Path, keyring: Keyring) -> tuple[KeyringFiles, str]:
    """The keyring, and what it comes from: a package of ``lock``, or the user's own keys.

    :raises ConfigError: when the lock does not have the package
    :raises TrustError: when that has no such keyring
    """
    if not keyring.package:
        trusted = tuple((key, _MARGINALLY) for key in keyring.master_keys)
        return KeyringFiles(base64.b64decode(keyring.keys), trusted, ()), keyring.name
    package = find_package(lock.packages, keyring.package)
    if package is None:
        raise ConfigError(f"the lock of {lock.platform} does not have {keyring.package}")
    return read_keyring(package, store, keyring), f"{package} ({package.file})"


def pinned(files: KeyringFiles, keyring: Keyring, source: str) -> tuple[tuple[str, str], ...]:
    """Those of a keyring's trusted keys that are pinned, which alone will be trusted.

    :raises TrustError: when none is
    """
    kept = tuple((key, level) for key, level in files.trusted if key in keyring.master_keys)
    if not kept:
        raise TrustError(
            f"the package {source} trusts the keys"
            f" {' '.join(key for key, _ in files.trusted) or '(none)'}, none of which is pinned for"
            f" the keyring {keyring.name}: {' '.join(keyring.master_keys)}",
            hint="if you know that the keys are right, name them with trust-key=, or"
            f" with trust-key-{keyring.name}= if that is a repository which you add",
        )
    return kept


def make_keyring(
    tools: Toolbox, home: Path, keyrings: Sequence[Keyring], lock: Lock, store: Path
) -> None:
    """Make a GnuPG home that trusts the pinned keys of ``keyrings``, and verify ``lock`` with it.

    :raises TrustError: when the keyring packages' keys are not the pinned ones, or do not vouch
        for a package
    """
    make_home(tools, home)
    for files, trusted in _pinned_keyrings(keyrings, lock, store):
        populate(tools, home, files, trusted)
    verify(tools, home, lock.packages, store)


def _pinned_keyrings(
    keyrings: Sequence[Keyring], lock: Lock, store: Path
) -> Iterator[tuple[KeyringFiles, tuple[tuple[str, str], ...]]]:
    """Each keyring with those of its keys that will be trusted; the others are printed."""
    for keyring in keyrings:
        files, source = keyring_files(lock, store, keyring)
        trusted = pinned(files, keyring, source)
        known = {key for key, _ in trusted}
        for key in sorted({key for key, _ in files.trusted} - known):
            say(f"   the key {key} of {source} is not pinned and will not be trusted")
        yield files, trusted


def verify_without_gpg(
    keyrings: Sequence[Keyring], lock: Lock, packages: Sequence[LockedPackage], store: Path
) -> dict[str, str]:
    """As `verify`, by what is pinned of ``keyrings``, whose packages ``lock`` has.

    Those are verified first. Nothing of the host but its Python takes part, so this is for the
    programs that all else is verified with.

    :raises TrustError: for the first package that is not signed by a trusted key, or when a
        keyring package's keys are not the pinned ones
    """
    trust = Trust()
    for files, trusted in _pinned_keyrings(keyrings, lock, store):
        try:
            trust.add(files.keys, dict(trusted), files.revoked)
        except ValueError as error:
            masters = " ".join(key for key, _ in trusted)
            raise TrustError(f"the keyring of {masters} cannot be read: {error}") from error
    keys: dict[str, str] = {}
    for some in (lock.packages, packages):
        keys |= verify_by(trust.status, some, store)
    return {package.name: keys[package.name] for package in packages}


def key_members(
    keyrings: Sequence[Keyring], lock: Lock, store: Path
) -> Iterator[tuple[str, bytes]]:
    """What a keyring of ``keyrings`` trusts, as the files of a keyring package, by name."""
    for keyring in keyrings:
        files, source = keyring_files(lock, store, keyring)
        trusted = sorted(pinned(files, keyring, source))
        yield f"{keyring.name}.gpg", files.keys
        yield f"{keyring.name}-trusted", "".join(f"{k}:{level}:\n" for k, level in trusted).encode()
        yield f"{keyring.name}-revoked", "".join(f"{key}\n" for key in files.revoked).encode()


def open_home(tools: Toolbox, archive: Path, home: Path) -> None:
    """Unpack a GnuPG home, with the mode that gpg asks for."""
    unpack_tree(tools, archive, home)
    home.chmod(0o700)


def make_home(tools: Toolbox, home: Path) -> None:
    """Make a GnuPG home with a key of its own, which certifies what is trusted.

    :raises HostError: when gpg made no key, even if it reports no error
    """
    home.mkdir(mode=0o700)
    (home / "pubring.gpg").touch(mode=0o600)  # else gpg makes a pubring.kbx, which pacman misses
    # As `pacman-key --init` does, but Ed25519: this keyring never leaves the building machine.
    _gpg(tools, home, ["--passphrase", "", "--quick-gen-key", _MASTER, "ed25519", "sign", "never"])
    if not any((home / "private-keys-v1.d").glob("*.key")):
        raise HostError("gpg made no key", hint="the path of the cache folder may be too long")


def populate(
    tools: Toolbox, home: Path, files: KeyringFiles, trusted: Sequence[tuple[str, str]]
) -> None:
    """Import a keyring's keys, certify the ``trusted`` ones, and leave the revoked ones out.

    :raises TrustError: when a trusted key is not among the keys
    """
    # gpg fails when it cannot take one of many keys, such as one with SHA-1 signatures only.
    with suppress(CommandError):
        _gpg(tools, home, ["--import"], input=files.keys)
    known = _fingerprints(tools, home)
    for key, _ in trusted:
        if key not in known:
            raise TrustError(f"the pinned key {key} is not among the keyring's keys")
        _gpg(tools, home, ["--yes", "--quick-lsign-key", key])
    levels = "".join(f"{key}:{level}:\n" for key, level in trusted)
    _gpg(tools, home, ["--import-ownertrust"], input=levels.encode())
    # Entries may be long key ids, which are the ends of fingerprints.
    revoked = [key for key in known if key.endswith(files.revoked)] if files.revoked else []
    if revoked:
        _gpg(tools, home, ["--yes", "--delete-keys", *revoked])
    _gpg(tools, home, ["--check-trustdb"])


def _gpg(tools: Toolbox, home: Path, arguments: Sequence[str], input: bytes = b"") -> str:
    options = ["--homedir", str(home), "--batch", "--no-tty", "--quiet", "--no-permission-warning"]
    return tools.run(["gpg", *options, *arguments], input=input)


def _fingerprints(tools: Toolbox, home: Path) -> set[str]:
    """Those of the primary keys."""
    listing = _gpg(tools, home, ["--with-colons", "--list-keys"])
    return set(re.findall(r"^pub:.*\nfpr:+([0-9A-F]+):", listing, re.MULTILINE))


def verify(
    tools: Toolbox, home: Path, packages: Sequence[LockedPackage], store: Path
) -> dict[str, str]:
    """Check every package's signature; returns the fingerprint of the key by package name.

    :raises TrustError: for the first package that is not signed by a trusted key
    """
    root = tools.root_of("gpg")
    return verify_by(partial(_ask_gpg, root, home), packages, store)


def _ask_gpg(root: Path | None, home: Path, signature: Path, content: Path) -> Words:
    options = ["--homedir", str(home), "--batch", "--no-tty", "--no-auto-check-trustdb"]
    argv = ["gpg", *options, "--no-permission-warning", "--status-fd", "1", "--verify"]
    ended, said = process.attempt([*argv, signature, content], root=root)
    status = re.findall(r"^\[GNUPG:\] (\S+) ?(.*)$", said, re.MULTILINE)
    failed = {"FAILED": [str(ended)]} if ended else {}
    return {**{name: rest.split() for name, rest in status}, **failed}


def verify_by(
    ask: Callable[[Path, Path], Words], packages: Sequence[LockedPackage], store: Path
) -> dict[str, str]:
    """As `verify`, by what is said of a signature and the file that it is over.

    :raises TrustError: for the first package that is not signed by a trusted key
    """
    with ThreadPoolExecutor(max_workers=4) as pool:
        keys = pool.map(lambda package: _verify_one(ask, package, store), packages)
        return {package.name: key for package, key in zip(packages, keys, strict=True)}


def _verify_one(ask: Callable[[Path, Path], Words], package: LockedPackage, store: Path) -> str:
    path = package.path(store)
    signature = package.signature(store)
    words = ask(signature, path)
    problem = _problem(words)
    if problem:
        # So that the next run asks the mirror again.
        signature.unlink(missing_ok=True)
        if "BADSIG" in words:
            path.unlink(missing_ok=True)
        kind = KeyTroubleError if is_of_keys(words) else TrustError
        raise kind(
            f"the package {package} is not trusted: {package.file} {problem}",
            hint=advise(words, package.build_date),
        )
    return words["VALIDSIG"][0]


def _problem(words: Words) -> str:
    """What gpg's status lines say against a signature; empty if nothing."""
    if "BADSIG" in words:
        return f"was changed after the key {words['BADSIG'][0]} signed it"
    for name, state in (("EXPKEYSIG", "has expired"), ("REVKEYSIG", "is revoked")):
        if name in words:
            key, *owner = words[name]
            return f"is signed by the key {key} ({' '.join(owner)}), which {state}{expiry(words)}"
    if "EXPSIG" in words:
        return f"has a signature by the key {words['EXPSIG'][0]} that has expired"
    if "NO_PUBKEY" in words or "ERRSIG" in words:
        key = (words.get("NO_PUBKEY") or words["ERRSIG"])[0]
        return f"is signed by the key {key}, which is not in the keyring"
    if "VALIDSIG" not in words:
        return "has a signature file that does not hold a signature"
    if not _TRUST_ENOUGH & words.keys():
        key = words["VALIDSIG"][0]
        return f"is signed by the key {key}, which no pinned master key vouches for"
    return "is refused by gpg" if "FAILED" in words else ""

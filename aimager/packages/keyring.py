"""pacman keyrings: making one from pinned keys, and verifying packages with it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from aimager.archive import unpack_tree
from aimager.errors import CommandError, HostError, TrustError
from aimager.model.distro import Keyring
from aimager.model.lock import Lock, LockedPackage
from aimager.packages.key_advice import NO_KEY
from aimager.packages.keyring_files import MARGINAL, KeyringFiles, pinned_keyrings
from aimager.packages.keyring_memory import Memory, Revoked, check_age
from aimager.packages.openpgp.trust import Trust
from aimager.packages.verification import ask_gpg, verify_by
from aimager.toolbox import Toolbox

_MASTER = "Pacman Keyring Master Key <pacman@localhost>"


def make_keyring(
    tools: Toolbox,
    home: Path,
    keyrings: Sequence[Keyring],
    lock: Lock,
    store: Path,
    memory: Memory | None = None,
    older: bool = False,
) -> Memory:
    """Make a GnuPG home that trusts the pinned keys of ``keyrings``, and verify ``lock`` with it.

    :param memory: what is remembered of keyrings that were used before
    :param older: whether they may be older than those
    :returns: what is to be remembered from now on
    :raises TrustError: when the keyring packages' keys are not the pinned ones, or do not vouch
        for a package, or one of them is older than it was
    """
    memory = memory or Memory()
    used = list(pinned_keyrings(keyrings, lock, store))
    check_age(memory, lock, [(keyring, files) for keyring, files, _ in used], older=older)
    make_home(tools, home)
    for keyring, files, trusted in used:
        populate(tools, home, files, trusted, memory.revoked.get(keyring.name, ()))
    verify(tools, home, lock.packages, store)
    for keyring, files, _ in used:
        memory = memory.with_used(lock.platform, keyring, files)
    return memory


def verify_without_gpg(
    keyrings: Sequence[Keyring],
    lock: Lock,
    packages: Sequence[LockedPackage],
    store: Path,
    memory: Memory | None = None,
    older: bool = False,
) -> dict[str, str]:
    """As `verify`, by what is pinned of ``keyrings``, whose packages ``lock`` has.

    Those are verified first. Nothing of the host but its Python takes part, so this is for the
    programs that all else is verified with.

    :param memory: as `make_keyring`'s, and ``older``
    :raises TrustError: as `make_keyring`
    """
    memory = memory or Memory()
    used = list(pinned_keyrings(keyrings, lock, store))
    check_age(memory, lock, [(keyring, files) for keyring, files, _ in used], older=older)
    trust = Trust()
    for keyring, files, trusted in used:
        try:
            trust.add(files.keys, trusted, (*files.revoked, *memory.revoked.get(keyring.name, ())))
        except ValueError as error:
            raise TrustError(
                f"the keyring of {' '.join(trusted)} cannot be read: {error}",
                hint=NO_KEY,
            ) from error
    keys: dict[str, str] = {}
    for some in (lock.packages, packages):
        keys |= verify_by(trust.status, some, store)
    return {package.name: keys[package.name] for package in packages}


def key_members(
    keyrings: Sequence[Keyring], lock: Lock, store: Path, revoked: Revoked | None = None
) -> Iterator[tuple[str, bytes]]:
    """What a keyring of ``keyrings`` trusts, as the files of a keyring package, by name.

    :param revoked: keys that keyrings which were used before revoked
    """
    for keyring, files, trusted in pinned_keyrings(keyrings, lock, store):
        gone = sorted({*files.revoked, *(revoked or {}).get(keyring.name, ())})
        yield f"{keyring.name}.gpg", files.keys
        yield f"{keyring.name}-trusted", _levels(sorted(trusted)).encode()
        yield f"{keyring.name}-revoked", "".join(f"{key}\n" for key in gone).encode()


def _levels(keys: Sequence[str]) -> str:
    """The keys as `gpg --import-ownertrust` takes them."""
    return "".join(f"{key}:{MARGINAL}:\n" for key in keys)


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
    tools: Toolbox,
    home: Path,
    files: KeyringFiles,
    trusted: Sequence[str],
    revoked: Sequence[str] = (),
) -> None:
    """Import a keyring's keys, certify the ``trusted`` ones, and leave the revoked ones out.

    :param revoked: those that are revoked besides the keyring's own
    :raises TrustError: when a trusted key is not among the keys
    """
    # gpg fails when it cannot take one of many keys, such as one with SHA-1 signatures only.
    with suppress(CommandError):
        _gpg(tools, home, ["--import"], input=files.keys)
    known = read_listing(_gpg(tools, home, ["--with-colons", "--list-keys"]))
    for key in trusted:
        if key not in known:
            raise TrustError(f"the pinned key {key} is not among the keyring's keys", hint=NO_KEY)
        _gpg(tools, home, ["--yes", "--quick-lsign-key", key])
    _gpg(tools, home, ["--import-ownertrust"], input=_levels(trusted).encode())
    # Entries may be key ids, which are the ends of fingerprints, also those of subkeys.
    gone = (*files.revoked, *revoked)
    deleted = [key for key, names in known.items() if any(n.endswith(gone) for n in names)]
    if gone and deleted:
        _gpg(tools, home, ["--yes", "--delete-keys", *deleted])
    _gpg(tools, home, ["--check-trustdb"])


def _gpg(tools: Toolbox, home: Path, arguments: Sequence[str], input: bytes = b"") -> str:
    options = ["--homedir", str(home), "--batch", "--no-tty", "--quiet", "--no-permission-warning"]
    options += ["--no-auto-check-trustdb"]  # it is checked when all is there
    return tools.run(["gpg", *options, *arguments], input=input)


def read_listing(listing: str) -> Mapping[str, Sequence[str]]:
    """The fingerprints of certificates in gpg's listing with colons, by those of the primary keys.

    A fingerprint belongs to the last ``pub`` or ``sub`` before it; other records may stand between
    them, such as the ``rvk`` of a designated revoker (GnuPG's doc/DETAILS).
    """
    found: dict[str, list[str]] = {}
    names: list[str] = []
    is_primary = False
    for line in listing.splitlines():
        fields = line.split(":")
        if fields[0] in ("pub", "sub"):
            is_primary = fields[0] == "pub"
        elif fields[0] == "fpr" and len(fields) > 9:
            if is_primary:
                names = found.setdefault(fields[9], [])
            names.append(fields[9])
    return found


def verify(
    tools: Toolbox, home: Path, packages: Sequence[LockedPackage], store: Path
) -> dict[str, str]:
    """Check every package's signature; returns the fingerprint of the key by package name.

    :raises TrustError: for the first package that is not signed by a trusted key
    """
    return verify_by(partial(ask_gpg, tools.root_of("gpg"), home), packages, store)

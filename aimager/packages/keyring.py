"""pacman keyrings: making one from pinned keys, and verifying packages with it."""

import re
import tarfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aimager.archive import unpack_tree
from aimager.errors import CommandError, HostError, TrustError
from aimager.model.distro import Keyring
from aimager.model.lock import Lock, LockedPackage
from aimager.packages.key_advice import NO_KEY
from aimager.packages.keyring_files import MARGINAL
from aimager.packages.keyring_memory import Memory, check_age
from aimager.packages.keyring_trust import TrustedKeys, trusted_keys
from aimager.packages.openpgp.strangers import without_strangers
from aimager.packages.openpgp.trust import Trust
from aimager.packages.user_key_check import Elsewhere
from aimager.packages.verification import ask_gpg, verify_by
from aimager.toolbox import Toolbox

_REVOKED = re.compile(r"^pub:r:.*\n(?:(?!fpr:).*\n)*fpr:+([0-9A-F]+):", re.MULTILINE)
"""The revoked certificates in gpg's listing with colons."""

_MASTER = "Pacman Keyring Master Key <pacman@localhost>"


@dataclass(frozen=True)
class MadeKeyring:
    """What is to be remembered from now on, and whom the keyring trusts."""

    memory: Memory
    trusted: tuple[TrustedKeys, ...]


def make_keyring(
    tools: Toolbox,
    home: Path,
    keyrings: Sequence[Keyring],
    lock: Lock,
    store: Path,
    memory: Memory | None = None,
    older: bool = False,
    elsewhere: Sequence[Elsewhere] = (),
) -> MadeKeyring:
    """Make a GnuPG home that trusts the pinned keys of ``keyrings``, and verify ``lock`` with it.

    :param memory: what is remembered of keyrings that were used before
    :param older: whether they may be older than those
    :param elsewhere: as `trusted_keys`'
    :raises TrustError: when the keyring packages' keys are not the pinned ones, or do not vouch
        for a package, or one of them is older than it was
    """
    memory = memory or Memory()
    used = _used(keyrings, lock, store, memory, elsewhere, older=older)
    for trusted in used:
        trusted.say()
    make_home(tools, home)
    vouchers = {key for trusted in used for key in trusted.vouchers}
    for trusted in used:
        populate(tools, home, trusted, vouchers)
    verify(tools, home, lock.packages, store)
    for trusted in used:
        memory = memory.with_used(lock.platform, trusted.keyring, trusted.files)
    return MadeKeyring(memory, tuple(used))


def _used(
    keyrings: Sequence[Keyring],
    lock: Lock,
    store: Path,
    memory: Memory,
    elsewhere: Sequence[Elsewhere],
    *,
    older: bool,
) -> list[TrustedKeys]:
    used = trusted_keys(keyrings, lock, store, memory.revoked, elsewhere)
    check_age(memory, lock, [(trusted.keyring, trusted.files) for trusted in used], older=older)
    return used


def verify_without_gpg(
    keyrings: Sequence[Keyring],
    lock: Lock,
    packages: Sequence[LockedPackage],
    store: Path,
    memory: Memory | None = None,
    older: bool = False,
    elsewhere: Sequence[Elsewhere] = (),
    *,
    quiet: bool = False,
) -> dict[str, str]:
    """As `verify`, by what is pinned of ``keyrings``, whose packages ``lock`` has.

    Those are verified first. Nothing of the host but its Python takes part, so this is for the
    programs that all else is verified with. ``quiet``, it does not say who is trusted otherwise
    than keyrings have it.

    :param memory: as `make_keyring`'s, and ``older`` and ``elsewhere``
    :raises TrustError: as `make_keyring`
    """
    trust = Trust()
    for trusted in _used(keyrings, lock, store, memory or Memory(), elsewhere, older=older):
        if not quiet:
            trusted.say()
        trusted.add_to(trust)
    keys: dict[str, str] = {}
    for some in (lock.packages, packages):
        keys |= verify_by(trust.status, some, store)
    return {package.name: keys[package.name] for package in packages}


def key_members(used: Iterable[TrustedKeys]) -> Iterator[tuple[str, bytes]]:
    """Whom a keyring trusts, as the files of keyring packages, by name."""
    for trusted in used:
        name, masters = trusted.keyring.name, trusted.vouchers
        yield f"{name}.gpg", trusted.files.keys
        yield f"{name}-trusted", _levels(sorted(masters)).encode()
        yield f"{name}-revoked", _lines(sorted({*trusted.gone}))
        if trusted.signers:
            yield f"{name}-signers", _lines(sorted(trusted.signers))


def read_trust(archive: Path) -> Trust:
    """What decides, without gpg, by the keys in an archive of `key_members`.

    :raises ValueError: when it is damaged, or has a keyring that only gpg can read
    """
    trust = Trust()
    try:
        files = list(_files(archive))
        for number, (name, keys) in enumerate(files):
            if name.endswith(".gpg"):
                stem = name.removesuffix(".gpg")
                lists = {f"{stem}-signers": b"", **dict(files[number + 1 : number + 4])}
                trusted, revoked, signers = (
                    lists[f"{stem}-{end}"].decode().split()
                    for end in ("trusted", "revoked", "signers")
                )
                masters = [line.partition(":")[0] for line in trusted]
                trust.add(keys, (), tuple(revoked), believed=masters, signers=signers)
    except (tarfile.TarError, LookupError) as error:
        raise ValueError(f"{archive.name} is damaged: {error}") from error
    return trust


def _files(archive: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(archive) as members:
        for member in members:
            content = members.extractfile(member)
            yield member.name, content.read() if content else b""


def find_doubt(keys: Path, packages: Sequence[LockedPackage], store: Path) -> str:
    """Why ``packages`` are not all trusted by an archive of `key_members`; empty: they are.

    What is said against one may be that gpg takes more (`aimager.packages.openpgp.trust`), so that
    gpg is to be asked.
    """
    try:
        verify_by(read_trust(keys).status, packages, store)
    except (TrustError, ValueError, OSError) as error:
        return str(error)
    return ""


def _lines(keys: Sequence[str]) -> bytes:
    return "".join(f"{key}\n" for key in keys).encode()


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
    tools: Toolbox, home: Path, trusted: TrustedKeys, vouchers: Collection[str] = ()
) -> None:
    """Import a keyring's keys, certify whom we trust, and leave the revoked ones out.

    Revoked ones are not even imported, for gpg takes long for each: of 182 keys of Arch Linux, 37
    are revoked, and leaving them out takes a third off the time. What is left takes two thirds of
    it without the certifications by keys that are neither ``vouchers`` of this home nor this one's.

    :raises TrustError: when a master or a signer is not among the keys
    """
    # gpg fails when it cannot take one of many keys, such as one with SHA-1 signatures only.
    kept = without_strangers(trusted.kept, {*vouchers, *trusted.vouchers})
    with suppress(CommandError):
        _gpg(tools, home, ["--import"], input=kept)
    listing = _gpg(tools, home, ["--with-colons", "--list-keys"])
    known, dead = read_listing(listing), set(_REVOKED.findall(listing))
    for key in (*trusted.masters, *trusted.signers):
        if key not in known and key not in trusted.left_out:
            raise TrustError(f"the pinned key {key} is not among the keyring's keys", hint=NO_KEY)
    masters = [key for key in trusted.vouchers if key in known]
    for key in (*masters, *trusted.signers):
        if key in known and key not in dead:  # gpg certifies none of these
            _gpg(tools, home, ["--yes", "--quick-lsign-key", key])
    _gpg(tools, home, ["--import-ownertrust"], input=_levels(masters).encode())
    # Entries may be key ids, which are the ends of fingerprints, also those of subkeys. Here are
    # left only keys of versions whose fingerprints we do not know.
    gone = trusted.gone
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
    for line in listing.split("\n"):
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

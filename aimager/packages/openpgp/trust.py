"""Whether OpenPGP signatures are by keys that are trusted, decided as gpg decides it, without gpg.

It is for the packages of the programs that all else is done with, gpg among them. A key is valid
if it is pinned itself, or if one of its user ids is certified by enough that are: as gpg has it,
by three of marginal ownertrust (GnuPG's g10/trustdb.c).
"""

import re
import time
from collections.abc import Collection, Iterator
from pathlib import Path

from aimager.errors import TrustError
from aimager.packages.key_advice import NO_KEY
from aimager.packages.openpgp.certificate import Certificate, Part, read_ring
from aimager.packages.openpgp.key import SHA1, STRONG, Key
from aimager.packages.openpgp.signature import Kind, Signature, Sub, Verdict, read_signatures
from aimager.packages.openpgp.standing import ON_USERS, Standing, stand

MARGINALS_NEEDED = 3
"""gpg's --marginals-needed, and pacman-key's."""

_MAIL = re.compile(rb"(?:[^<>]*<)?([a-z0-9_.+-]+@[a-z0-9_.-]+)>?")
"""A user id that is, or ends with, a mail address; others have none for this room."""

_CHUNK = 1 << 20

_TRUSTED = {"GOODSIG", "TRUST_FULLY"}
"""What is said of a signature that is trusted."""


class Trust:
    """Keys, some of which are pinned and vouch for others, at a time in seconds.

    It is of one thread until all keys are there, and of as many as one likes then.
    """

    def __init__(self, now: float | None = None) -> None:
        """Begin without keys; without ``now``, it is the time of day."""
        self.now = time.time() if now is None else now
        self.primaries: dict[str, Key] = {}
        self.certificates: dict[str, Certificate] = {}
        self.pinned: set[str] = set()
        self.signers: set[str] = set()
        self._revocations: list[Signature] = []
        self._standings: dict[str, Standing] = {}
        self._valid_users: dict[str, set[bytes]] = {}
        self._signers_of: dict[tuple[str, ...], list[tuple[Certificate, Key]]] = {}

    def add(
        self,
        keyring: bytes,
        pinned: Collection[str],
        revoked: tuple[str, ...],
        *,
        believed: Collection[str] = (),
        signers: Collection[str] = (),
    ) -> None:
        """Add a keyring, binary or ASCII-armoured.

        :param pinned: fingerprints of the keys that vouch for others, each marginally
        :param believed: others that do so, too, as far as they are there
        :param signers: of those that are valid and vouch for none
        :param revoked: fingerprints or key ids of keys that are left out again, with the
            certificates that they belong to
        :raises ValueError: when the keyring is not whole
        :raises TrustError: when a pinned key is not in it
        """
        ring = read_ring(keyring)
        for name, certificate in ring.certificates.items():
            self.primaries[name] = certificate.key
            known = self.certificates.setdefault(name, certificate)
            if known is not certificate:
                known.merge(certificate)
        for name in (*pinned, *signers):
            if name not in self.primaries:
                raise TrustError(
                    f"the pinned key {name} is not among the keyring's keys", hint=NO_KEY
                )
        self.pinned |= {*pinned, *(set(believed) & self.primaries.keys())}
        self.signers |= set(signers)
        self._revocations += ring.revocations
        for name, certificate in list(self.certificates.items()):
            if revoked and any(key.endswith(revoked) for key in certificate.names):
                del self.certificates[name]
        for known_by_now in (self._standings, self._valid_users, self._signers_of):
            known_by_now.clear()

    def standing(self, certificate: Certificate) -> Standing:
        """How a certificate stands."""
        name = certificate.key.fingerprint
        if name not in self._standings:
            found = stand(certificate, self._revocations, self.primaries.get, self.now)
            self._standings[name] = found
        return self._standings[name]

    def _masters(self) -> Iterator[Key]:
        """The pinned keys that are live."""
        for name in sorted(self.pinned):
            certificate = self.certificates.get(name)
            if certificate and self.standing(certificate).is_live(self.now):
                yield certificate.key

    def valid_users(self, certificate: Certificate) -> set[bytes]:
        """The user ids for which enough pinned keys vouch that this is their owner's certificate.

        All live ones of a pinned key, and of a signer.
        """
        name = certificate.key.fingerprint
        if name not in self._valid_users:
            self._valid_users[name] = self._find_valid_users(certificate)
        return self._valid_users[name]

    def _find_valid_users(self, certificate: Certificate) -> set[bytes]:
        masters = list(self._masters())
        live = self.standing(certificate).users
        if certificate.key in masters or certificate.key.fingerprint in self.signers:
            return set(live)
        parts = {part.user: part for part in certificate.parts if part.user is not None}
        return {
            user
            for user in live
            if sum(self._vouches(key, certificate, parts[user]) for key in masters)
            >= MARGINALS_NEEDED
        }

    def _vouches(self, master: Key, certificate: Certificate, user: Part) -> bool:
        said = certificate.said_by(master, user, ON_USERS)
        # gpg passes over those that say "not checked" (its min-cert-level), and SHA-1.
        said.good = [
            s
            for s in said.good
            if s.kind == Kind.USER_REVOCATION
            or (s.kind != Kind.PERSONA and s.hash_algorithm != SHA1)
        ]
        last = said.last_word()
        return bool(last) and all(
            master.is_issuer(s)
            and not s.has_expired(self.now)
            and s.created >= max(master.created, certificate.key.created)
            for s in last
        )

    def status(self, signature: Path, content: Path) -> dict[str, list[str]]:
        """What gpg's status lines would say (GnuPG's doc/DETAILS), by their first words.

        Of several signatures, it is the first that is not trusted, as pacman has it; empty if
        there is none. ``ODD`` is a word of ours: what the file holds in place of a signature as
        packagers make them.
        """
        try:
            made = read_signatures(signature.read_bytes())
        except (ValueError, FileNotFoundError):
            return {}
        said = [self._said_of(one, content) for one in made]
        return next((words for words in said if not words.keys() >= _TRUSTED), said[0])

    def _said_of(self, made: Signature, content: Path) -> dict[str, list[str]]:
        words = _unfit(made)
        if words is not None:
            return words
        found = self._signers_of.get(made.issuers)
        if found is None:
            found = self._signers_of[made.issuers] = list(self._signers(made))
        if len(found) != 1:
            return {"NO_PUBKEY": [made.issuer[-16:]]}
        ((certificate, key),) = found
        standing = self.standing(certificate)
        named = [key.id, *standing.name.split()]
        if not key.is_strong:
            return {"ODD": ["is signed with a key of too few bits"]}
        verdict = _judge(key, made, content)
        if verdict is Verdict.ODD or made.created < key.created:
            return {"ODD": ["has a signature that its key cannot have made"]}
        if verdict is Verdict.BAD:
            return {"BADSIG": named}
        words = {"VALIDSIG": [key.fingerprint]}
        if standing.is_revoked or key in standing.revoked_subkeys:
            return {**words, "REVKEYSIG": named}
        if made.has_expired(self.now):
            return {**words, "EXPSIG": named}
        expires = min(standing.expires, standing.subkeys.get(key, standing.expires))
        if expires <= self.now:
            return {**words, "EXPKEYSIG": named, "KEYEXPIRED": [str(int(expires))]}
        trust = "TRUST_FULLY" if self._is_owners(certificate, made) else "TRUST_UNDEFINED"
        return {**words, "GOODSIG": named, trust: []}

    def _is_owners(self, certificate: Certificate, made: Signature) -> bool:
        """Whether the certificate is valid for the user id by which the signature was made.

        As gpg has it, that is the newest with the mail address that the signature names.
        """
        valid = self.valid_users(certificate)
        named = made.find(Sub.SIGNERS_USER)
        if not named:
            return bool(valid)
        mail = _mail(named)
        live = self.standing(certificate).users
        meant = {u: s for u, s in live.items() if mail and mail in u.lower()}
        last = max((s[0].created for s in meant.values()), default=0)
        chosen = [u for u, s in meant.items() if s[0].created == last]
        return bool(chosen) and all(u in valid and _mail(u) == mail for u in chosen)

    def _signers(self, made: Signature) -> Iterator[tuple[Certificate, Key]]:
        """The keys for signing data that a signature can be by, which its issuers tell alone."""
        for certificate in self.certificates.values():
            if not any(key.is_issuer(made) for key in certificate.keys):
                continue
            standing = self.standing(certificate)
            if certificate.key.is_issuer(made) and standing.may_sign:
                yield certificate, certificate.key
            for subkey in standing.subkeys:
                if subkey.is_issuer(made):
                    yield certificate, subkey


def _mail(user: bytes) -> bytes:
    match = _MAIL.fullmatch(user.lower())
    return match[1] if match and user.count(b"<") == user.count(b">") else b""


def _unfit(one: Signature) -> dict[str, list[str]] | None:
    """Why a signature is not one over binary data that can be judged here; None if it is."""
    if one.odd:
        return {"ODD": [f"has a signature that is not known here: {one.odd}"]}
    if one.kind != Kind.BINARY or not one.issuers:
        return {}
    if one.hash_algorithm not in STRONG:
        return {"ODD": ["has a signature with a hash that is weak or not known here"]}
    return None


def _judge(key: Key, made: Signature, path: Path) -> Verdict:
    with path.open("rb") as stream:
        return key.judge(made, iter(lambda: stream.read(_CHUNK), b""))

"""Whose subkey a key is, as far as both have said so."""

from collections.abc import Collection, Iterable

from aimager.packages.openpgp.certificate import read_ring
from aimager.packages.openpgp.signature import Kind
from aimager.packages.openpgp.standing import answers

_BINDINGS = frozenset({Kind.SUBKEY})


def primary_keys_of(
    names: Iterable[str], primaries: Collection[str], keyring: bytes
) -> dict[str, str]:
    """The primary keys that fingerprints stand for, by these; without those that stand for none.

    One of ``primaries``, all in the keyring, stands for itself. Another stands for the key that it
    is a subkey of. Anybody can write a key of others below his own, and even bind it, so it must
    have made the signature that answers the binding one (RFC 9580, 5.2.1.9), and for a single
    primary key. Neither needs to hold still: the question is whose key it is, not what it may do.

    :raises ValueError: when the keyring is not whole
    """
    names = tuple(names)
    found = {name: name for name in names if name in primaries}
    others = {*names} - {*found}
    if others:
        found |= _owners(keyring, others)
    return {name: found[name] for name in names if name in found}


def _owners(keyring: bytes, names: Collection[str]) -> dict[str, str]:
    claims: dict[str, set[str]] = {}
    for certificate in read_ring(keyring).certificates.values():
        for part in certificate.parts:
            if not part.key or part.key.fingerprint not in names:
                continue
            bindings = certificate.said_by(certificate.key, part, _BINDINGS).good
            if any(answers(certificate.key, part.key, binding) for binding in bindings):
                claims.setdefault(part.key.fingerprint, set()).add(certificate.key.fingerprint)
    return {name: min(owners) for name, owners in claims.items() if len(owners) == 1}

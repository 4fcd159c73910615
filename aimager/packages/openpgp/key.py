"""OpenPGP public keys of version 4 (RFC 9580, 5.5), and whether a signature is by one of them."""

import hashlib
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa, utils

from aimager.packages.openpgp.packets import multiprecision, multiprecisions, number, read
from aimager.packages.openpgp.signature import Signature, Verdict

_Verifier = Callable[[bytes, Sequence[int], bytes, hashes.HashAlgorithm], None]

HASHES: dict[int, hashes.HashAlgorithm] = {
    2: hashes.SHA1(),
    8: hashes.SHA256(),
    9: hashes.SHA384(),
    10: hashes.SHA512(),
    11: hashes.SHA224(),
}
"""Those that count in some place (9.5)."""
SHA1 = 2
STRONG = frozenset({8, 9, 10})
"""Those that count for data."""

_RSA, _DSA, _ECDSA, _EDDSA = 1, 17, 19, 22
_NUMBERS = {_RSA: (2, 1), _DSA: (4, 2), _ECDSA: (1, 2), _EDDSA: (1, 2)}
"""How many numbers a key has, and a signature by it, by the algorithm of the key (9.1)."""
_STRONG_BITS = {_RSA: 2048, _DSA: 2048}

_LONGEST = 0xFFFF
"""Bytes of a key's packet: its fingerprint is over a length of two bytes."""

_ED25519 = bytes.fromhex("2b06010401da470f01")
_ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493
_CURVES: dict[bytes, ec.EllipticCurve] = {
    bytes.fromhex("2a8648ce3d030107"): ec.SECP256R1(),
    bytes.fromhex("2b81040022"): ec.SECP384R1(),
    bytes.fromhex("2b81040023"): ec.SECP521R1(),
    bytes.fromhex("2b2403030208010107"): ec.BrainpoolP256R1(),
    bytes.fromhex("2b240303020801010b"): ec.BrainpoolP384R1(),
    bytes.fromhex("2b240303020801010d"): ec.BrainpoolP512R1(),
}
"""By their object identifiers (9.2)."""


@dataclass(frozen=True)
class Key:
    """A primary key or a subkey, ``created`` at a time in seconds.

    ``curve`` is the object identifier of an elliptic one, ``numbers`` are what else it consists of.
    """

    body: bytes
    fingerprint: str
    created: int
    algorithm: int
    curve: bytes
    numbers: tuple[int, ...]

    @property
    def id(self) -> str:
        """The key id, which signatures name it by."""
        return self.fingerprint[-16:]

    @property
    def hashed(self) -> bytes:
        """What signatures over the key hash of it."""
        return b"\x99" + len(self.body).to_bytes(2, "big") + self.body

    @property
    def is_strong(self) -> bool:
        """Whether it is large enough for data."""
        return self.numbers[0].bit_length() >= _STRONG_BITS.get(self.algorithm, 0)

    def is_issuer(self, signature: Signature) -> bool:
        """Whether a signature says that this key made it."""
        return bool(signature.issuers) and signature.may_be_by(self.fingerprint)

    def judge(self, signature: Signature, data: Iterable[bytes]) -> Verdict:
        """Whether this key made ``signature`` over ``data``."""
        algorithm = HASHES.get(signature.hash_algorithm)
        if signature.odd or not algorithm or signature.key_algorithm != self.algorithm:
            return Verdict.ODD
        digest = hashlib.new(algorithm.name)
        for chunk in data:
            digest.update(chunk)
        digest.update(signature.trailer)
        try:
            values = multiprecisions(signature.values)
            if len(values) != _NUMBERS[self.algorithm][1] or not self._may_be(values, algorithm):
                return Verdict.ODD
            verify = _VERIFIERS[self.algorithm]
            verify(self.curve, (*self.numbers, *values), digest.digest(), algorithm)
        except InvalidSignature:
            return Verdict.BAD
        except (UnsupportedAlgorithm, ValueError, OverflowError):
            return Verdict.ODD
        return Verdict.GOOD

    def _may_be(self, values: Sequence[int], algorithm: hashes.HashAlgorithm) -> bool:
        """Whether a signature of these values is one that every program reads in the same way.

        gpg takes no hash that is shorter than the key's group (g10/seskey.c: encode_md_value).
        """
        order = self._order()
        if self.algorithm == _RSA:
            return values[0] < order
        if self.algorithm == _EDDSA:  # of numbers that are read in the other order
            return algorithm.digest_size >= 32 and _turned(values[1]) < order
        bits = min((order - 1).bit_length(), 512)
        return algorithm.digest_size * 8 >= bits and all(0 < value < order for value in values)

    def _order(self) -> int:
        if self.algorithm == _ECDSA:
            return 1 << _CURVES[self.curve].key_size
        if self.algorithm == _EDDSA:
            return _ED25519_ORDER
        return self.numbers[0] if self.algorithm == _RSA else self.numbers[1]


def _turned(value: int) -> int:
    return int.from_bytes(value.to_bytes(32, "big"), "little")


def parse_key(body: bytes) -> Key:
    """The key in a packet's body.

    :raises ValueError: when it is cut off, or of another version than 4 or an algorithm or a curve
        that is not known here
    """
    stream = io.BytesIO(body)
    if number(stream, 1) != 4:
        raise ValueError("only OpenPGP keys of version 4 are known here")
    created, algorithm = number(stream, 4), number(stream, 1)
    if algorithm not in _NUMBERS:
        raise ValueError("the algorithm of an OpenPGP key is not known here")
    curve = read(stream, number(stream, 1)) if algorithm in (_ECDSA, _EDDSA) else b""
    known = {_ECDSA: _CURVES, _EDDSA: {_ED25519}}.get(algorithm, {b""})
    numbers = tuple(multiprecision(stream) for _ in range(_NUMBERS[algorithm][0]))
    if curve not in known or stream.read():
        raise ValueError("the curve of an OpenPGP key is not known here")
    return Key(body, fingerprint_of(body), created, algorithm, curve, numbers)


def fingerprint_of(body: bytes) -> str:
    """The fingerprint of the key in a packet's body, if it is of version 4 (5.5.4).

    :raises ValueError: when it is longer than what is hashed of a key can tell
    """
    if len(body) > _LONGEST:
        raise ValueError(f"it holds a key of {len(body)} bytes, which no key has")
    hashed = b"\x99" + len(body).to_bytes(2, "big") + body
    return hashlib.sha1(hashed, usedforsecurity=False).hexdigest().upper()


def _verify_rsa(
    _: bytes, numbers: Sequence[int], digest: bytes, algorithm: hashes.HashAlgorithm
) -> None:
    n, e, value = numbers
    signature = value.to_bytes((n.bit_length() + 7) // 8, "big")
    public = rsa.RSAPublicNumbers(e, n).public_key()
    public.verify(signature, digest, padding.PKCS1v15(), utils.Prehashed(algorithm))


def _verify_dsa(
    _: bytes, numbers: Sequence[int], digest: bytes, algorithm: hashes.HashAlgorithm
) -> None:
    p, q, g, y, r, s = numbers
    public = dsa.DSAPublicNumbers(y, dsa.DSAParameterNumbers(p, q, g)).public_key()
    public.verify(utils.encode_dss_signature(r, s), digest, utils.Prehashed(algorithm))


def _verify_ecdsa(
    curve: bytes, numbers: Sequence[int], digest: bytes, algorithm: hashes.HashAlgorithm
) -> None:
    point, r, s = numbers
    public = ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[curve], _bytes(point))
    public.verify(utils.encode_dss_signature(r, s), digest, ec.ECDSA(utils.Prehashed(algorithm)))


def _verify_eddsa(
    _: bytes, numbers: Sequence[int], digest: bytes, algorithm: hashes.HashAlgorithm
) -> None:
    point = _bytes(numbers[0])
    if point[:1] != b"\x40":  # the prefix of a native point (11.2)
        raise ValueError("the point of an OpenPGP key is not known here")
    signature = b"".join(value.to_bytes(32, "big") for value in numbers[1:])
    ed25519.Ed25519PublicKey.from_public_bytes(point[1:]).verify(signature, digest)


def _bytes(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


_VERIFIERS: dict[int, _Verifier] = {
    _RSA: _verify_rsa,
    _DSA: _verify_dsa,
    _ECDSA: _verify_ecdsa,
    _EDDSA: _verify_eddsa,
}

"""OpenPGP public keys of version 4 (RFC 9580, 5.5), and whether a signature is by one of them."""

import hashlib
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa, utils

from aimager.packages.openpgp.packets import multiprecision, number, read
from aimager.packages.openpgp.signature import Signature

_Verifier = Callable[[io.BytesIO, io.BytesIO, bytes, hashes.HashAlgorithm], None]

HASHES: dict[int, hashes.HashAlgorithm] = {
    2: hashes.SHA1(),  # see openpgp_certificate
    8: hashes.SHA256(),
    9: hashes.SHA384(),
    10: hashes.SHA512(),
    11: hashes.SHA224(),
}
"""Those that count (9.5)."""
SHA1 = 2

_ED25519 = bytes.fromhex("2b06010401da470f01")
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
    """A primary key or a subkey, ``created`` at a time in seconds; ``material`` are its numbers."""

    body: bytes
    fingerprint: str
    created: int
    algorithm: int
    material: bytes

    @property
    def id(self) -> str:
        """The key id, which signatures name it by."""
        return self.fingerprint[-16:]

    @property
    def hashed(self) -> bytes:
        """What signatures over the key hash of it."""
        return b"\x99" + len(self.body).to_bytes(2, "big") + self.body

    def is_issuer(self, signature: Signature) -> bool:
        """Whether a signature says that this key made it."""
        return bool(signature.issuer) and self.fingerprint.endswith(signature.issuer)

    def verifies(self, signature: Signature, data: Iterable[bytes]) -> bool:
        """Whether this key made ``signature`` over ``data``."""
        algorithm = HASHES.get(signature.hash_algorithm)
        verify = _VERIFIERS.get(self.algorithm)
        if not algorithm or not verify or signature.key_algorithm != self.algorithm:
            return False
        digest = hashlib.new(algorithm.name)
        for chunk in data:
            digest.update(chunk)
        digest.update(signature.trailer)
        result = digest.digest()
        if result[:2] != signature.beginning:
            return False
        try:
            verify(io.BytesIO(self.material), io.BytesIO(signature.values), result, algorithm)
        except (InvalidSignature, UnsupportedAlgorithm, ValueError, OverflowError):
            return False
        return True


def parse_key(body: bytes) -> Key:
    """The key in a packet's body.

    :raises ValueError: when it is cut off or of another version than 4
    """
    stream = io.BytesIO(body)
    if number(stream, 1) != 4:
        raise ValueError("only OpenPGP keys of version 4 are known here")
    created, algorithm = number(stream, 4), number(stream, 1)
    hashed = b"\x99" + len(body).to_bytes(2, "big") + body
    fingerprint = hashlib.sha1(hashed, usedforsecurity=False).hexdigest().upper()
    return Key(body, fingerprint, created, algorithm, stream.read())


def _verify_rsa(
    key: io.BytesIO, values: io.BytesIO, digest: bytes, algorithm: hashes.HashAlgorithm
) -> None:
    n, e = multiprecision(key), multiprecision(key)
    signature = multiprecision(values).to_bytes((n.bit_length() + 7) // 8, "big")
    public = rsa.RSAPublicNumbers(e, n).public_key()
    public.verify(signature, digest, padding.PKCS1v15(), utils.Prehashed(algorithm))


def _verify_dsa(
    key: io.BytesIO, values: io.BytesIO, digest: bytes, algorithm: hashes.HashAlgorithm
) -> None:
    p, q, g, y = (multiprecision(key) for _ in range(4))
    signature = utils.encode_dss_signature(multiprecision(values), multiprecision(values))
    public = dsa.DSAPublicNumbers(y, dsa.DSAParameterNumbers(p, q, g)).public_key()
    public.verify(signature, digest, utils.Prehashed(algorithm))


def _verify_ecdsa(
    key: io.BytesIO, values: io.BytesIO, digest: bytes, algorithm: hashes.HashAlgorithm
) -> None:
    curve, point = _read_point(key)
    if curve not in _CURVES:
        raise ValueError("the curve is not known here")
    signature = utils.encode_dss_signature(multiprecision(values), multiprecision(values))
    public = ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[curve], point)
    public.verify(signature, digest, ec.ECDSA(utils.Prehashed(algorithm)))


def _verify_eddsa(
    key: io.BytesIO, values: io.BytesIO, digest: bytes, algorithm: hashes.HashAlgorithm
) -> None:
    curve, point = _read_point(key)
    if curve != _ED25519 or point[:1] != b"\x40":  # the prefix of a native point (11.2)
        raise ValueError("the curve is not known here")
    signature = b"".join(multiprecision(values).to_bytes(32, "big") for _ in range(2))
    ed25519.Ed25519PublicKey.from_public_bytes(point[1:]).verify(signature, digest)


def _read_point(key: io.BytesIO) -> tuple[bytes, bytes]:
    curve = read(key, number(key, 1))
    point = multiprecision(key)
    return curve, point.to_bytes((point.bit_length() + 7) // 8, "big")


_VERIFIERS: dict[int, _Verifier] = {
    1: _verify_rsa,
    3: _verify_rsa,
    17: _verify_dsa,
    19: _verify_ecdsa,
    22: _verify_eddsa,
}
"""By the algorithm of the key (9.1)."""

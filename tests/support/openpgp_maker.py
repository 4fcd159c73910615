"""Makes OpenPGP certificates and signatures, well made ones and others, out of plain descriptions.

It can sign whatever it is told, which gpg cannot: with any time, version, hash and subpackets.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

HASHES = {1: "md5", 2: "sha1", 3: "ripemd160", 8: "sha256", 9: "sha384", 10: "sha512", 11: "sha224"}
_RSA_HASHES: dict[int, hashes.HashAlgorithm] = {
    1: hashes.MD5(),
    2: hashes.SHA1(),
    8: hashes.SHA256(),
    9: hashes.SHA384(),
    10: hashes.SHA512(),
    11: hashes.SHA224(),
}
_RIPEMD160 = bytes.fromhex("3021300906052b2403020105000414")
"""What goes before such a hash under PKCS #1 (RFC 9580, 5.2.2)."""
_CURVES: dict[str, tuple[bytes, ec.EllipticCurve]] = {
    "p256": (bytes.fromhex("2a8648ce3d030107"), ec.SECP256R1()),
    "p384": (bytes.fromhex("2b81040022"), ec.SECP384R1()),
    "secp256k1": (bytes.fromhex("2b8104000a"), ec.SECP256K1()),
}

Sub = tuple[int, bytes]


def packet(tag: int, body: bytes) -> bytes:
    """A packet with a header of the new format."""
    return bytes([0xC0 | tag, 255]) + len(body).to_bytes(4, "big") + body


def mpi(value: int) -> bytes:
    return value.bit_length().to_bytes(2, "big") + value.to_bytes((value.bit_length() + 7) // 8)


def subpacket(kind: int, content: bytes) -> bytes:
    return b"\xff" + (len(content) + 1).to_bytes(4, "big") + bytes([kind]) + content


def time4(seconds: int) -> bytes:
    return (seconds & 0xFFFFFFFF).to_bytes(4, "big")


@cache
def _rsa(bits: int, number: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


@dataclass(frozen=True)
class Secret:
    """A key with its private part; equal names make equal Ed25519 keys."""

    name: str
    created: int
    algorithm: str = "ed25519"

    @property
    def _number(self) -> int:
        return int.from_bytes(hashlib.sha256(self.name.encode()).digest()) % (1 << 250)

    @property
    def algorithm_id(self) -> int:
        return 22 if self.algorithm == "ed25519" else 1 if self.algorithm.startswith("rsa") else 19

    def _ed25519(self) -> ed25519.Ed25519PrivateKey:
        seed = hashlib.sha256(self.name.encode()).digest()
        return ed25519.Ed25519PrivateKey.from_private_bytes(seed)

    def _ecdsa(self) -> ec.EllipticCurvePrivateKey:
        return ec.derive_private_key(self._number, _CURVES[self.algorithm][1])

    def _own_rsa(self) -> rsa.RSAPrivateKey:
        return _rsa(int(self.algorithm.removeprefix("rsa")), self._number % 3)

    @property
    def body(self) -> bytes:
        """The body of its packet."""
        head = b"\4" + time4(self.created) + bytes([self.algorithm_id])
        if self.algorithm_id == 1:
            numbers = self._own_rsa().public_key().public_numbers()
            return head + mpi(numbers.n) + mpi(numbers.e)
        if self.algorithm_id == 22:
            point = b"\x40" + self._ed25519().public_key().public_bytes_raw()
            curve = bytes.fromhex("2b06010401da470f01")
        else:
            curve, _ = _CURVES[self.algorithm]
            at = self._ecdsa().public_key().public_numbers()
            size = (at.curve.key_size + 7) // 8
            point = b"\4" + at.x.to_bytes(size) + at.y.to_bytes(size)
        return head + bytes([len(curve)]) + curve + mpi(int.from_bytes(point))

    @property
    def hashed(self) -> bytes:
        """What signatures over it hash."""
        return b"\x99" + len(self.body).to_bytes(2, "big") + self.body

    @property
    def fingerprint(self) -> bytes:
        return hashlib.sha1(self.hashed).digest()

    def sign(self, algorithm: int, digest: bytes) -> list[int]:
        """The numbers of a signature over a hash."""
        if self.algorithm_id == 1:
            return [self._sign_rsa(algorithm, digest)]
        if self.algorithm_id == 22:
            made = self._ed25519().sign(digest)
            return [int.from_bytes(made[:32]), int.from_bytes(made[32:])]
        order = self._ecdsa().curve.key_size // 8
        by = next(h for h in _RSA_HASHES.values() if h.digest_size == len(digest[:order]))
        der = self._ecdsa().sign(digest[:order], ec.ECDSA(utils.Prehashed(by)))
        return list(utils.decode_dss_signature(der))

    def _sign_rsa(self, algorithm: int, digest: bytes) -> int:
        key = self._own_rsa()
        if algorithm in _RSA_HASHES:
            by = utils.Prehashed(_RSA_HASHES[algorithm])
            return int.from_bytes(key.sign(digest, padding.PKCS1v15(), by))
        # OpenSSL would not, so it is done by hand.
        numbers = key.private_numbers()
        content = _RIPEMD160 + digest
        size = (key.key_size + 7) // 8
        padded = b"\0\1" + b"\xff" * (size - len(content) - 3) + b"\0" + content
        return pow(int.from_bytes(padded), numbers.d, numbers.public_numbers.n)


@dataclass(frozen=True)
class Made:
    """A signature to be made by ``by``, at ``time``.

    ``subs`` are its hashed subpackets but for the time, ``unhashed`` the others; ``issuer`` tells
    how it names its maker, in letters: F is the fingerprint and I the key id, both hashed, i the
    key id unhashed, W another's key id. ``flip`` damages it, ``tail`` follows it.
    """

    kind: int
    by: Secret
    time: int
    subs: tuple[Sub, ...] = ()
    unhashed: tuple[Sub, ...] = ()
    hash: int = 10
    version: int = 4
    issuer: str = "Fi"
    has_time: bool = True
    flip: bool = False
    tail: bytes = b""

    def with_sub(self, kind: int, content: bytes) -> "Made":
        """The same with one more hashed subpacket."""
        return replace(self, subs=(*self.subs, (kind, content)))

    def _issuers(self) -> tuple[list[Sub], list[Sub]]:
        fingerprint = self.by.fingerprint
        every = {
            "F": (0, (33, b"\4" + fingerprint)),
            "I": (0, (16, fingerprint[-8:])),
            "i": (1, (16, fingerprint[-8:])),
            "W": (1, (16, b"\1\2\3\4\5\6\7\x08")),
        }
        chosen = [every[letter] for letter in self.issuer]
        return [s for where, s in chosen if not where], [s for where, s in chosen if where]

    def body(self, data: bytes) -> bytes:
        """The body of its packet, over ``data``."""
        algorithms = bytes([self.by.algorithm_id, self.hash])
        if self.version == 3:
            start = bytes([self.kind]) + time4(self.time)
            head = b"\3\5" + start + self.by.fingerprint[-8:] + algorithms
            return head + self._end(data + start)
        hashed, unhashed = self._issuers()
        time = [(2, time4(self.time))] if self.has_time else []
        areas = [
            b"".join(subpacket(*sub) for sub in area)
            for area in ([*hashed, *time, *self.subs], [*unhashed, *self.unhashed])
        ]
        sized = [len(area).to_bytes(2, "big") + area for area in areas]
        head = bytes([self.version, self.kind]) + algorithms + sized[0]
        wide = 8 if self.version == 5 else 4
        extra = bytes(6) if self.version == 5 and self.kind == 0 else b""
        trailer = bytes([self.version]) + b"\xff" + len(head).to_bytes(wide, "big")
        return head + sized[1] + self._end(data + head + extra + trailer)

    def _end(self, hashed: bytes) -> bytes:
        digest = hashlib.new(HASHES[self.hash], hashed).digest()
        values = self.by.sign(self.hash, digest)
        if self.flip:
            values[0] ^= 4
        return digest[:2] + b"".join(mpi(value) for value in values) + self.tail

    def packet(self, data: bytes) -> bytes:
        """The packet, over ``data``."""
        return packet(2, self.body(data))


@dataclass
class Part:
    """A user id (tag 13), a user attribute (17) or a subkey (14), and what stands after it."""

    tag: int
    user: bytes = b""
    subkey: Secret | None = None
    signatures: list[tuple[Made, "Part | None"]] = field(default_factory=list)

    def hashed(self, primary: Secret) -> bytes:
        """What signatures over it hash."""
        if self.subkey:
            return primary.hashed + self.subkey.hashed
        if not self.tag:
            return primary.hashed
        start = b"\xb4" if self.tag == 13 else b"\xd1"
        return primary.hashed + start + len(self.user).to_bytes(4, "big") + self.user

    def packet(self) -> bytes:
        """Its own packet."""
        return packet(self.tag, self.subkey.body if self.subkey else self.user)


@dataclass
class Description:
    """A certificate: its primary key, and its parts; the first one, of tag 0, is the key itself.

    A signature of a part that names another one is over that one, and stands where it does not
    belong. ``end`` follows all of it.
    """

    primary: Secret
    parts: list[Part]
    end: bytes = b""

    def packets(self) -> bytes:
        """All of it."""
        found = [packet(6, self.primary.body)]
        for part in self.parts:
            found += [part.packet()] if part.tag else []
            for made, over in part.signatures:
                found.append(made.packet((over or part).hashed(self.primary)))
        return b"".join(found) + self.end


def signature_of(content: bytes, name: str = "packager") -> bytes:
    """A signature over ``content`` by a key of that name, as a mirror has it beside a package."""
    return Made(0, Secret(name, 1_700_000_000), 1_700_000_001).packet(content)


def back_signature(primary: Secret, subkey: Secret, made: Made) -> Sub:
    """The subpacket by which a subkey vouches for its primary key."""
    return (32, made.body(primary.hashed + subkey.hashed))


def plain(primary: Secret, user: bytes, time: int, certifiers: Sequence[Made] = ()) -> Description:
    """A certificate as gpg makes one, with these certifications."""
    own = Made(0x13, primary, time, ((27, b"\3"),))
    part = Part(13, user, None, [(made, None) for made in (own, *certifiers)])
    return Description(primary, [Part(0), part])

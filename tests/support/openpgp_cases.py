"""Certificates and signatures that are odd in one to four ways, chosen at random by a seed."""

import base64
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from tests.support.openpgp_changes import DAY, FLAGS, LASTS, NOW, TIMES, alter, signers
from tests.support.openpgp_maker import (
    Description,
    Made,
    Part,
    Secret,
    Sub,
    back_signature,
    packet,
    plain,
    time4,
)

CONTENT = b"content\n"

MASTERS = tuple(
    Secret(f"master {n}", NOW - 2000 * DAY, "rsa2048" if n == 1 else "ed25519") for n in range(3)
)
REVOKER = Secret("revoker", NOW - 2000 * DAY)
STRANGER = Secret("stranger", NOW - 2000 * DAY)

_ALGORITHMS = ("ed25519",) * 8 + ("rsa2048", "rsa2048", "rsa2048", "p256", "p384", "secp256k1")


@dataclass
class Case:
    """A certificate, and a signature of the content by it or by a subkey of it.

    ``changes`` tell how they are odd.
    """

    certificate: Description
    signature: Made
    changes: list[str] = field(default_factory=list)
    others: bytes = b""
    form: str = "plain"

    def ring(self) -> bytes:
        """The keyring with it."""
        return self.certificate.packets() + self.others

    def signature_file(self) -> bytes:
        """The file beside the content."""
        made = self.signature.packet(CONTENT)
        if self.form == "twice":
            return made + made
        if self.form == "stranger's too":
            return Made(0, STRANGER, NOW - DAY).packet(CONTENT) + made
        if self.form == "armoured":
            return b"-----BEGIN PGP SIGNATURE-----\n\n%s-----END PGP SIGNATURE-----\n" % (
                base64.encodebytes(made)
            )
        if self.form == "with marker":
            return packet(10, b"PGP") + made
        if self.form == "cut off":
            return made[:-3]
        return made + (b"tail" if self.form == "with tail" else b"")


def make_cases(seed: int, count: int) -> list[Case]:
    """So many cases, equal for equal seeds."""
    return [_make_case(random.Random(f"{seed}.{n}"), f"{seed}.{n}") for n in range(count)]


def _make_case(chance: random.Random, name: str) -> Case:
    algorithm = chance.choice(_ALGORITHMS)
    # Keys of RSA are few, and differ by their time.
    primary = Secret(name, NOW - 1000 * DAY + chance.randrange(DAY), algorithm)
    certifiers = [Made(0x10, master, NOW - 800 * DAY) for master in MASTERS]
    user = f"{name} <u{name}@example.org>".encode()
    made = plain(primary, user, NOW - 900 * DAY, certifiers)
    signer = primary
    if chance.random() < 0.4:
        signer = Secret(f"{name} sub", NOW - 700 * DAY)
        made.parts.append(_bound(primary, signer, NOW - 700 * DAY))
    case = Case(made, Made(0, signer, NOW - 10 * DAY))
    for _ in range(chance.choice((0, 1, 1, 1, 2, 2, 3, 4))):
        change = chance.choice(_CHANGES)
        case.changes.append(f"{change.__name__.strip('_')} {change(case, chance)}")
    return case


def _bound(primary: Secret, subkey: Secret, time: int, flags: bytes = b"\2") -> Part:
    back = back_signature(primary, subkey, Made(0x19, subkey, time))
    made = Made(0x18, primary, time, ((27, flags),), (back,))
    return Part(14, b"", subkey, [(made, None)])


Change = Callable[[Case, random.Random], object]


def _places(case: Case) -> list[tuple[Part, int]]:
    return [(part, n) for part in case.certificate.parts for n in range(len(part.signatures))]


def _part(case: Case, chance: random.Random, *tags: int) -> Part:
    fitting = [part for part in case.certificate.parts if part.tag in tags]
    return chance.choice(fitting or case.certificate.parts)


def _alter_one(case: Case, chance: random.Random) -> object:
    part, n = chance.choice(_places(case))
    made, over = part.signatures[n]
    part.signatures[n] = (alter(made, chance), over)
    return part.signatures[n][0]


def _alter_certifications(case: Case, chance: random.Random) -> object:
    """Alter all three masters' in the same way."""
    seed = chance.random()
    for part, n in _places(case):
        made, over = part.signatures[n]
        if made.by in MASTERS:
            part.signatures[n] = (alter(made, random.Random(seed)), over)
    return seed


def _add_newer(case: Case, chance: random.Random) -> object:
    """Another of what is there, of another time and otherwise altered."""
    part, n = chance.choice(_places(case))
    made, over = part.signatures[n]
    new = replace(made, time=made.time + chance.choice((-DAY, 0, DAY, 300 * DAY)))
    for _ in range(chance.choice((0, 1, 1, 2))):
        new = alter(new, chance)
    part.signatures.insert(n + chance.choice((0, 1)), (new, over))
    return new


def _add_revocation(case: Case, chance: random.Random) -> object:
    """Of the key, a user id, a certification or a subkey, somewhere in the certificate."""
    primary = case.certificate.primary
    kind, tags = chance.choice(((0x20, (0,)), (0x30, (13, 17)), (0x28, (14,))))
    by = primary if kind != 0x30 else chance.choice((primary, *MASTERS[:1], *MASTERS[1:2]))
    over = _part(case, chance, *tags)
    made = Made(kind, by, NOW + chance.choice(TIMES), ((29, b"\0"),))
    for _ in range(chance.choice((0, 0, 1, 1, 2))):
        made = alter(made, chance)
    at = over if chance.random() < 0.6 else chance.choice(case.certificate.parts)
    at.signatures.insert(chance.randint(0, len(at.signatures)), (made, over))
    return made, at.tag


def _revoke_at_end(case: Case, chance: random.Random) -> object:
    """The key's revocation after another certificate, or alone in a keyring of its own."""
    primary = case.certificate.primary
    made = Made(0x20, primary, NOW - 100 * DAY)
    made = alter(made, chance) if chance.random() < 0.4 else made
    other = plain(Secret(f"{primary.name} other", NOW - 900 * DAY), b"other", NOW - 900 * DAY)
    case.others += other.packets() + made.packet(primary.hashed)
    return made


def _add_user(case: Case, chance: random.Random) -> object:
    """Another user id, or a user attribute, with or without certifications."""
    primary = case.certificate.primary
    own = Made(0x13, primary, NOW + chance.choice(TIMES), ((27, chance.choice(FLAGS)),))
    own = alter(own, chance) if chance.random() < 0.6 else own
    certifiers = [Made(0x10, m, NOW - 600 * DAY) for m in MASTERS if chance.random() < 0.6]
    signatures: list[tuple[Made, Part | None]] = [(made, None) for made in (own, *certifiers)]
    mails = (b"u%s@example.org" % primary.name.encode(), b"someone@else.org", b"other@example.org")
    picture = b"\xff\0\0\0\x12\1\x10\0\1\1" + bytes(12) + b"\xff"
    tag = chance.choice((13, 13, 13, 17))
    user = picture if tag == 17 else b"Other <%s>" % chance.choice(mails)
    at = chance.choice((1, 2))
    case.certificate.parts.insert(at, Part(tag, user, None, signatures))
    return tag, user, own


def _add_direct(case: Case, chance: random.Random) -> object:
    made = Made(0x1F, case.certificate.primary, NOW + chance.choice(TIMES))
    subs: tuple[Sub, ...] = (
        (9, time4(chance.choice(LASTS))),
        (27, chance.choice(FLAGS)),
        (3, time4(chance.choice(LASTS))),
    )
    made = replace(made, subs=tuple(s for s in subs if chance.random() < 0.5))
    made = alter(made, chance) if chance.random() < 0.3 else made
    case.certificate.parts[0].signatures.append((made, None))
    return made


def _name_revoker(case: Case, chance: random.Random) -> object:
    """A designated revoker, who may be there, and may have revoked."""
    primary = case.certificate.primary
    named = Made(0x1F, primary, NOW - 900 * DAY, ((12, b"\x80\x16" + REVOKER.fingerprint),))
    named = alter(named, chance) if chance.random() < 0.3 else named
    part = case.certificate.parts[0]
    part.signatures.append((named, None))
    made = None
    if chance.random() < 0.7:
        made = Made(0x20, REVOKER, NOW - 100 * DAY)
        made = alter(made, chance) if chance.random() < 0.4 else made
        part.signatures.append((made, None))
    return named, made


def _add_subkey(case: Case, chance: random.Random) -> object:
    """Another subkey, by which the content is signed."""
    primary = case.certificate.primary
    time = NOW + chance.choice(TIMES) - chance.randrange(1000)
    subkey = Secret(f"{primary.name} second", time, chance.choice(_ALGORITHMS))
    part = _bound(primary, subkey, time, chance.choice(FLAGS))
    if chance.random() < 0.4:
        made, _ = part.signatures[0]
        back = Made(0x19, subkey, time)
        back = alter(back, chance)
        sub = back_signature(primary, subkey, back)
        part.signatures[0] = (replace(made, unhashed=chance.choice(((), (sub,), (sub, sub)))), None)
    case.certificate.parts.append(part)
    case.signature = replace(case.signature, by=subkey)
    return part.signatures[0][0]


def _alter_signature(case: Case, chance: random.Random) -> object:
    case.signature = alter(case.signature, chance)
    return case.signature


def _name_signer(case: Case, chance: random.Random) -> object:
    name = case.certificate.primary.name.encode()
    mail = chance.choice((b"u%s@example.org", b"U%s@Example.org", b"%s <u%s@example.org>"))
    said = mail.replace(b"%s", name)
    said = chance.choice((said, said, signers(chance)))
    case.signature = case.signature.with_sub(28, said)
    return said


def _change_form(case: Case, chance: random.Random) -> object:
    forms = ("twice", "stranger's too", "armoured", "with marker", "with tail", "cut off")
    case.form = chance.choice(forms)
    return case.form


def _create_later(case: Case, chance: random.Random) -> object:
    """The primary key is younger than some of what it signed; everything is made by this one."""
    old = case.certificate.primary
    new = replace(old, created=NOW + chance.choice(TIMES) + chance.randrange(1000))
    case.certificate.primary = new
    for part in case.certificate.parts:
        part.signatures = [
            (replace(made, by=new) if made.by == old else made, over)
            for made, over in part.signatures
        ]
    if case.signature.by == old:
        case.signature = replace(case.signature, by=new)
    return new.created - NOW


def _move(case: Case, chance: random.Random) -> object:
    """A signature stands after another part than it is of."""
    part, n = chance.choice(_places(case))
    made, over = part.signatures.pop(n)
    at = chance.choice(case.certificate.parts)
    at.signatures.append((made, over or part))
    return made, at.tag


def _leave_out(case: Case, chance: random.Random) -> object:
    part, n = chance.choice(_places(case))
    return part.signatures.pop(n)[0]


def _add_packet(case: Case, chance: random.Random) -> object:
    """A packet that belongs to no certificate, at its end."""
    tag = chance.choice((10, 12, 21, 60, 8, 11, 19))
    case.certificate.end += packet(tag, b"\0\0")
    return tag


_CHANGES: tuple[Change, ...] = (
    *(_alter_one, _alter_one, _alter_one, _alter_certifications, _alter_certifications),
    *(_add_newer, _add_newer, _add_newer, _add_revocation, _add_revocation, _revoke_at_end),
    *(_add_user, _add_user, _add_direct, _name_revoker, _add_subkey, _add_subkey),
    *(_alter_signature, _name_signer, _change_form, _create_later, _move, _leave_out, _add_packet),
)

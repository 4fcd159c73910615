"""What gpg says of keys and signatures, of many at once: one GnuPG home for a batch.

No secret key takes part: a key of ours that gpg trusts ultimately vouches for the pinned ones, as
`pacman-key --populate` has a local key do.
"""

import hashlib
import re
import subprocess
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.support.openpgp_maker import Made, Secret, packet, plain

LOCAL = Secret("local", 946684800)


@dataclass(frozen=True)
class Gpg:
    """A gpg and a home, at a time of the clock in seconds; it asks no agent."""

    program: str
    home: Path
    now: int

    def run(self, *arguments: str | Path, input: bytes = b"") -> bytes:
        """What it prints, whether or not it succeeds."""
        options: list[str | Path] = ["--homedir", self.home, "--batch", "--no-tty", "--quiet"]
        clock = ["--faked-system-time", f"{self.now}!", "--no-auto-check-trustdb", "--no-autostart"]
        argv = [self.program, *options, *clock, *arguments]
        return subprocess.run(argv, input=input, capture_output=True, check=False).stdout

    def populate(self, masters: Collection[str], keyrings: Sequence[Path]) -> None:
        """Import keyrings, and trust ``masters``, fingerprints of keys in them."""
        self.home.mkdir(mode=0o700)
        (self.home / "pubring.gpg").touch(mode=0o600)
        self.run("--import", *keyrings)
        known = split(self.run("--export", *masters)) if masters else {}
        own = plain(LOCAL, b"local", LOCAL.created).packets()
        local = own + b"".join(_vouched(certificate, self.now) for certificate in known.values())
        self.run("--import-options", "import-local-sigs", "--import", input=local)
        levels = [f"{LOCAL.fingerprint.hex().upper()}:6:\n", *(f"{m}:4:\n" for m in masters)]
        self.run("--import-ownertrust", input="".join(levels).encode())
        self.run("--yes", "--check-trustdb")

    def verify(self, pairs: Sequence[tuple[Path, Path]]) -> list[dict[str, list[str]]]:
        """The words of its status lines on each signature and the file that it is over."""
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(self._verify, pairs))

    def _verify(self, pair: tuple[Path, Path]) -> dict[str, list[str]]:
        said = self.run("--status-fd", "1", "--verify", *pair).decode(errors="replace")
        return {
            word: rest.split()
            for word, rest in re.findall(r"^\[GNUPG:\] (\S+) ?(.*)$", said, re.MULTILINE)
        }

    def keys(self) -> dict[str, str]:
        """What it holds of every key but the local one and those of the future, by fingerprint.

        It is the validity, the time of expiry, and whether the primary key may sign, and of each
        subkey that may, which are apart by blanks.
        """
        listing = self.run("--with-colons", "--list-keys").decode(errors="replace")
        found = {}
        for block in re.split(r"^(?=pub:)", listing, flags=re.MULTILINE)[1:]:
            lines = [line.split(":") for line in block.splitlines()]
            names = [line[9] for line in lines if line[0] == "fpr"]
            keys = [line for line in lines if line[0] in ("pub", "sub")]
            if int(keys[0][5]) <= self.now:
                found[names[0]] = " ".join(self._told(keys, names))
        del found[LOCAL.fingerprint.hex().upper()]
        return found

    def _told(self, keys: Sequence[Sequence[str]], names: Sequence[str]) -> Iterator[str]:
        pub, *subs = keys
        if pub[1] in "rei":
            yield {"r": "revoked", "e": f"expired:{pub[6]}", "i": "invalid"}[pub[1]]
            return
        yield "valid" if pub[1] in "fu" else "unknown"
        yield f"until:{pub[6] or 'ever'}"
        if "s" in pub[11]:
            yield "signs"
        for sub, name in sorted(zip(subs, names[1:], strict=True), key=lambda it: it[1]):
            if "s" in sub[11] and sub[1] not in "rei" and int(sub[5]) <= self.now:
                yield f"{name[-16:]}:{sub[6] or 'ever'}"


def _vouched(certificate: bytes, now: int) -> bytes:
    """A certificate's primary key and user ids alone, the local key vouching for each."""
    primary, found = None, []
    for tag, body in walk(certificate):
        if tag == 6:
            primary = body
            found.append(packet(6, body))
        elif tag == 13 and primary:
            hashed = b"\x99" + len(primary).to_bytes(2, "big") + primary
            hashed += b"\xb4" + len(body).to_bytes(4, "big") + body
            local = Made(0x10, LOCAL, now, ((4, b"\0"),))
            found += [packet(13, body), local.packet(hashed)]
        elif tag == 2 and found:
            found.append(packet(2, body))
    return b"".join(found)


def walk(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The type and body of each packet of well made data, read without what is tested."""
    at = 0
    while at < len(data):
        head, at = data[at], at + 1
        if head & 0x40:
            first = data[at]
            if first < 192:
                size, at = first, at + 1
            elif first < 224:
                size, at = (first - 192 << 8) + data[at + 1] + 192, at + 2
            else:
                size, at = int.from_bytes(data[at + 1 : at + 5]), at + 5
            tag = head & 0x3F
        else:
            wide = 1 << (head & 3)
            size, at, tag = int.from_bytes(data[at : at + wide]), at + wide, head >> 2 & 15
        yield tag, data[at : at + size]
        at += size


def split(ring: bytes) -> dict[str, bytes]:
    """The certificates of a binary keyring by fingerprint, without their subkeys."""
    found: dict[str, list[bytes]] = {}
    packets: list[bytes] = []
    for tag, body in walk(ring):
        if tag == 6:
            hashed = b"\x99" + len(body).to_bytes(2, "big") + body
            packets = found.setdefault(hashlib.sha1(hashed).hexdigest().upper(), [])
        if tag == 14:
            packets = []
        packets.append(packet(tag, body))
    return {name: b"".join(packets) for name, packets in found.items()}

"""What gpg says of keys and signatures, of many at once: one GnuPG home for a batch.

No secret key takes part: a key of ours that gpg trusts ultimately vouches for the pinned ones, as
`pacman-key --populate` has a local key do.
"""

import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
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

    def run(self, *arguments: str | Path, input: bytes = b"") -> str:
        """What it prints, whether or not it succeeds."""
        options = ["--homedir", self.home, "--batch", "--no-tty", "--quiet", "--no-autostart"]
        clock = ["--faked-system-time", f"{self.now}!", "--no-auto-check-trustdb"]
        argv = [self.program, *options, *clock, *arguments]
        run = subprocess.run(argv, input=input, capture_output=True, check=False)
        return run.stdout.decode(errors="replace")

    def populate(self, masters: Mapping[str, bytes], keyrings: Sequence[Path]) -> None:
        """Import keyrings, and trust ``masters``, fingerprints and their own certificates."""
        self.home.mkdir(mode=0o700)
        (self.home / "pubring.gpg").touch(mode=0o600)
        self.run("--import", *keyrings)
        own = plain(LOCAL, b"local", LOCAL.created).packets()
        local = own + b"".join(_vouched(certificate, self.now) for certificate in masters.values())
        self.run("--import-options", "import-local-sigs", "--import", input=local)
        levels = [f"{LOCAL.fingerprint.hex().upper()}:6:\n", *(f"{m}:4:\n" for m in masters)]
        self.run("--import-ownertrust", input="".join(levels).encode())
        self.run("--yes", "--check-trustdb")

    def verify(self, pairs: Sequence[tuple[Path, Path]]) -> list[dict[str, list[str]]]:
        """The words of its status lines on each signature and the file that it is over."""
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(self._verify, pairs))

    def _verify(self, pair: tuple[Path, Path]) -> dict[str, list[str]]:
        said = self.run("--status-fd", "1", "--verify", *pair)
        return {
            word: rest.split()
            for word, rest in re.findall(r"^\[GNUPG:\] (\S+) ?(.*)$", said, re.MULTILINE)
        }

    def keys(self) -> dict[str, str]:
        """What it holds of every key but the local one, by fingerprint.

        It is the validity, the time of expiry, and whether the primary key may sign, and of each
        subkey that may, which are apart by blanks.
        """
        listing = self.run("--with-colons", "--fixed-list-mode", "--list-keys")
        found = {}
        for block in re.split(r"^(?=pub:)", listing, flags=re.MULTILINE)[1:]:
            lines = [line.split(":") for line in block.splitlines()]
            (name, *subkeys) = (line[9] for line in lines if line[0] == "fpr")
            keys = [line for line in lines if line[0] in ("pub", "sub")]
            found[name] = " ".join(_told(keys, subkeys))
        del found[LOCAL.fingerprint.hex().upper()]
        return found


def _told(keys: Sequence[Sequence[str]], subkeys: Sequence[str]) -> Iterator[str]:
    pub, *subs = keys
    if pub[1] in "rei":
        yield {"r": "revoked", "e": f"expired:{pub[6]}", "i": "invalid"}[pub[1]]
        return
    yield "valid" if pub[1] in "fu" else "unknown"
    yield f"until:{pub[6] or 'ever'}"
    if "s" in pub[11]:
        yield "signs"
    for sub, name in sorted(zip(subs, subkeys, strict=True), key=lambda it: it[1]):
        if "s" in sub[11] and sub[1] not in "rei":
            yield f"{name[-16:]}:{sub[6] or 'ever'}"


def _vouched(certificate: bytes, now: int) -> bytes:
    """A certificate's primary key and user ids alone, the local key vouching for each."""
    # Read here by itself, so that what is tested does not take part.
    primary, found = None, []
    for tag, body in _walk(certificate):
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


def _walk(data: bytes) -> Iterator[tuple[int, bytes]]:
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

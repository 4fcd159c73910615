"""Reading the keys by which users are to log in over ssh. Pure but for the files that they name."""

import base64
import binascii
import re
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from aimager.config.accounts import is_login_name
from aimager.config.paths import read_text
from aimager.errors import ConfigError
from aimager.model.settings import AuthorizedKeys

_NEXT_USER = re.compile(r"[,\n]\s*(?=[A-Za-z0-9_.][A-Za-z0-9_.-]*:)")
_KEY = re.compile(r"(?:^|\s)(?P<kind>[a-z][a-z0-9@.-]*)\s+(?P<blob>AAAA[A-Za-z0-9+/]+=*)(?=\s|$)")
"""A public key, which all begin so: their first four bytes are the length of their kind's name."""

_FORM = "write it as alice:@id_ed25519.pub, several separated by commas"
_SMALLEST_RSA = 1024
"""Bits: sshd refuses keys with fewer (RequiredRSASize of sshd_config(5))."""


def read_ssh_keys(text: str, folder: Path) -> tuple[AuthorizedKeys, ...]:
    """``USER:@FILE`` or ``USER:KEY``, several separated by commas; one user may have several.

    A file is one of public keys, as ssh-keygen(1) writes one and ``authorized_keys`` has several.

    :raises ConfigError: for anything else, such as a file with a private key
    """
    found: dict[str, list[str]] = {}
    for word in filter(None, (part.strip() for part in _NEXT_USER.split(text))):
        user, colon, rest = word.partition(":")
        if not (colon and rest and is_login_name(user)):
            raise ConfigError(f"ssh-keys={word} is not of the form USER:@FILE", hint=_FORM)
        keys = found.setdefault(user, [])
        if rest.startswith("@"):
            path = folder / rest[1:]
            keys += _read_lines(read_text(path, "ssh-keys"), f"ssh-keys={user}: {path}")
        else:
            keys += _read_lines(rest, f"ssh-keys={user}: what stands there")
    return tuple(AuthorizedKeys(user, tuple(dict.fromkeys(keys))) for user, keys in found.items())


def _read_lines(text: str, told: str) -> list[str]:
    """The keys in a text, each a line, whose fault is ``told`` so."""
    if "PRIVATE KEY" in text:
        raise ConfigError(
            f"{told} is a private key, which belongs in no image",
            hint="name the public one, whose file ends in .pub: ssh-keygen -y -f KEY prints it",
        )
    if "SSH2 PUBLIC KEY" in text:
        raise ConfigError(
            f"{told} is a key in the form of RFC 4716", hint="ssh-keygen -i -f KEY converts it"
        )
    lines = [line.strip() for line in text.removeprefix("\ufeff").split("\n")]
    keys = [line for line in lines if line and not line.startswith("#")]
    if not keys:
        raise ConfigError(f"{told} holds no key", hint=_FORM)
    for key in keys:
        if fault := _fault(key):
            raise ConfigError(
                f"{told} {fault}",
                hint="it takes lines of ssh-keygen's files .pub, such as ssh-ed25519 AAAA...",
            )
    return keys


def _fault(line: str) -> str:
    """What keeps a line from being one of authorized_keys (sshd(8)); empty: nothing."""
    key = _KEY.search(line)
    if not key or not line.isprintable():
        return "is not a public key of ssh"
    kind, blob = key["kind"], key["blob"]
    try:
        content = base64.b64decode(blob, validate=True)
    except binascii.Error:
        return "is a public key that is damaged"
    length = int.from_bytes(content[:4], "big")
    if content[4 : 4 + length] != kind.encode():
        return "is a public key that is damaged"
    if "-cert-v" in kind:
        return "is a certificate, not a key"
    if kind == "ssh-dss":
        return "is a DSA key, which OpenSSH no longer takes"
    return _damage(f"{kind} {blob}")


def _damage(key: str) -> str:
    try:
        public = load_ssh_public_key(key.encode())
    except UnsupportedAlgorithm:  # such as a key on a device, or one of next year's
        return ""
    except ValueError:
        return "is a public key that is damaged"
    if isinstance(public, rsa.RSAPublicKey) and public.key_size < _SMALLEST_RSA:
        return f"is an RSA key of {public.key_size} bits, which sshd refuses"
    return ""

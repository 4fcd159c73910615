"""Products of a shared store whose records somebody has signed, whom the user trusts.

The signature beside a record is of all its bytes, and so of the folder, which is that of a task and
an id, and of each file's size and SHA-256. It is verified before anything of the record is read. An
older record that was signed for the same id is as good as a newer one: an id is of content.
"""

from dataclasses import dataclass
from pathlib import Path

from aimager import progress
from aimager.model.remote import Remote
from aimager.openssh import AllowedSigners, SigningKey
from aimager.products.remote.store import (
    LARGEST,
    RECORD,
    SIGNATURE,
    Entry,
    parse_entry,
    put,
    read_file,
    tell_unsigned,
)

NAMESPACE = "aimager-product"
"""What a signature is for; one for anything else, as a commit of git, is not taken."""

_LARGEST_SIGNATURE = 64 << 10
"""Bytes; one by a key of RSA with 16384 bits, with a certificate, has about ten thousand."""


@dataclass(frozen=True)
class Found:
    """What lies in a product's folder: its record, and the signature of that where one counts."""

    record: bytes
    signature: bytes | None


def find_product(remote: Remote, folder: str) -> Found | None:
    """The record in a product's folder, of which nothing is known yet."""
    if remote.trust.unsigned:
        tell_unsigned(remote)
    content = read_file(remote, f"{folder}/{RECORD}", limit=LARGEST)
    if content is None or remote.trust.unsigned:
        return None if content is None else Found(content, None)
    if remote.trust.allowed is None:
        return None
    path = f"{folder}/{SIGNATURE}"
    return Found(content, read_file(remote, path, limit=_LARGEST_SIGNATURE))


def trusted_entry(remote: Remote, folder: str, found: Found) -> Entry | None:
    """The entry of a record, if it is to be trusted; why it is not, is printed."""
    entry, fault = _judge(remote, folder, found)
    if fault:
        progress.say(f"   the remote store's {folder} is not taken: {fault}")
    return entry


def has_product(remote: Remote, folder: str) -> bool:
    """Whether the folder has an entry to be trusted; nothing is printed."""
    found = find_product(remote, folder)
    return found is not None and _judge(remote, folder, found)[0] is not None


def _judge(remote: Remote, folder: str, found: Found) -> tuple[Entry | None, str]:
    """The entry of a record, or else what keeps it from being trusted."""
    content, signature = found.record, found.signature
    if remote.trust.unsigned or remote.trust.allowed is None:
        return (parse_entry(content) if remote.trust.unsigned else None), ""
    signers = AllowedSigners(remote.trust.allowed, remote.trust.revoked)
    fault = "it is not signed"
    if signature is not None:
        fault = signers.fault(content, signature, NAMESPACE)
    entry = None if fault else parse_entry(content)
    if not fault and entry is None:
        fault = "its record is damaged"
    if entry and entry.folder != folder:
        fault = f"its record is that of {ascii(entry.folder)[1:-1]}"
    return (None if fault else entry), fault


def put_product(remote: Remote, folder: str, entry: Entry, source: Path) -> None:
    """Put a product's files, which lie in ``source``, into its folder of the store, signed."""
    key = remote.trust.key
    if not remote.trust.gives:
        return
    if key is None:
        tell_unsigned(remote)
        put(remote, folder, entry, source)
        return
    put(remote, folder, entry, source, sign=lambda it: SigningKey(key).sign(it, NAMESPACE))

"""Products of a shared store whose records somebody has signed, whom the user trusts.

The signature beside a record is of all its bytes, and so of the folder, which is that of a task and
an id, and of each file's size and SHA-256. It is verified before anything of the record is read. An
older record that was signed for the same id is as good as a newer one: an id is of content.
"""

from pathlib import Path

from aimager import progress
from aimager.model.remote import Remote
from aimager.openssh import AllowedSigners, SigningKey
from aimager.products.remote.store import (
    LARGEST,
    RECORD,
    SIGNATURE,
    Entry,
    find,
    parse_entry,
    put,
    read_file,
    tell_unsigned,
)

NAMESPACE = "aimager-product"
"""What a signature is for; one for anything else, as a commit of git, is not taken."""

_LARGEST_SIGNATURE = 64 << 10
"""Bytes; one by a key of RSA with 16384 bits, with a certificate, has about ten thousand."""


def find_product(remote: Remote, folder: str) -> Entry | None:
    """The entry in a product's folder, if it is to be trusted; why it is not, is printed."""
    if remote.trust.unsigned:
        tell_unsigned(remote)
    entry, fault = _look(remote, folder)
    if fault:
        progress.say(f"   the remote store's {folder} is not taken: {fault}")
    return entry


def has_product(remote: Remote, folder: str) -> bool:
    """Whether `find_product` would find one; nothing is printed."""
    return _look(remote, folder)[0] is not None


def _look(remote: Remote, folder: str) -> tuple[Entry | None, str]:
    """The entry in a product's folder, or else what keeps the one there from being trusted."""
    if remote.trust.unsigned:
        return find(remote, folder), ""
    content = read_file(remote, f"{folder}/{RECORD}", limit=LARGEST)
    if content is None or remote.trust.allowed is None:
        return None, ""
    signature = read_file(remote, f"{folder}/{SIGNATURE}", limit=_LARGEST_SIGNATURE)
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

"""The store of products and packages that several machines share: where it is, and whose."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True)
class RecordTrust:
    """Whose products are taken from the store: of those that are ``allowed`` to sign their records.

    ``allowed`` and ``revoked`` are files as `aimager.openssh.AllowedSigners` has them, and ``key``
    is that of a key to sign what is put there. ``unsigned``: what is there is taken as it is.
    """

    key: Path | None = None
    allowed: Path | None = None
    revoked: Path | None = None
    unsigned: bool = False

    @property
    def takes(self) -> bool:
        """Whether any product is taken."""
        return self.unsigned or self.allowed is not None

    @property
    def gives(self) -> bool:
        """Whether products are put there: without a signature only where nobody asks for one."""
        return self.unsigned or self.key is not None


@dataclass(frozen=True)
class Remote:
    """The store at ``url``; in the folder ``notes`` lies what a run has found out about it."""

    url: str
    notes: Path
    trust: RecordTrust = RecordTrust()

    @property
    def place(self) -> str:
        """The address, without the password that it may hold."""
        return self.without_secrets(self.url)

    @property
    def is_writable(self) -> bool:
        """Whether its kind can be written to at all."""
        return urlsplit(self.url).scheme not in ("http", "https")

    @property
    def is_exposed(self) -> bool:
        """Whether somebody between it and us could change what it gives, were it not signed."""
        parts = urlsplit(self.url)
        return parts.scheme == "http" and not _is_this_machine(parts.hostname or "")

    def without_secrets(self, text: str) -> str:
        """``text`` without the user and the password that the address may hold."""
        parts = urlsplit(self.url)
        told = (
            text.replace(f"{parts.netloc.rpartition('@')[0]}@", "") if "@" in parts.netloc else text
        )
        return told.replace(parts.password, "***") if parts.password else told


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

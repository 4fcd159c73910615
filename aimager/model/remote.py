"""The store of products and packages that several machines share: where it is."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Remote:
    """The store at ``url``; in the folder ``notes`` lies what a run has found out about it."""

    url: str
    notes: Path

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
        """Whether somebody between it and us could change what it gives."""
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

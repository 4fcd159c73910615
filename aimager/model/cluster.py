"""The cluster that the heavy tasks of builds are sent to: where it is, and how one speaks to it."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Cluster:
    """The scheduler at ``address``, as dask.distributed writes it: ``tls://HOST:PORT``, or tcp.

    ``tls`` is the folder with the certificates; None: that of the cache.
    """

    address: str
    tls: Path | None = None

    @property
    def is_plain(self) -> bool:
        """Whether everybody on the way could read and change what is said."""
        return self.address.startswith("tcp://")

    @property
    def is_here(self) -> bool:
        """Whether only this machine can reach it."""
        host = urlsplit(self.address).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

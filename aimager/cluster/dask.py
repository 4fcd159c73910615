"""dask.distributed as it is used here; whoever imports this module has asked for a cluster."""

import logging
import socket
import warnings
from typing import Any
from urllib.parse import urlsplit

import dask
from distributed import Client
from distributed.security import Security
from distributed.versions import VersionMismatchWarning

from aimager.cluster.tls import AUTHORITY, CERTIFICATE, KEY, check_certificates, tls_folder
from aimager.errors import ConfigError
from aimager.graph import artifacts
from aimager.model.cluster import Cluster

CONNECTING = 10.0
"""Seconds for a scheduler to answer."""

DEATH = "30s"
"""After which a worker ends that finds no scheduler."""

_LOGGERS = ("distributed", "tornado", "asyncio")

_NOT_SHOWN = "127.0.0.1:0"
"""Where dask's pages are, which are not protected by anything: on this machine, and empty."""

UNSEEN: dict[str, Any] = {"dashboard": False, "dashboard_address": _NOT_SHOWN}
"""What schedulers and workers are told of them."""

_SETTINGS = {
    "distributed.comm.timeouts.connect": f"{CONNECTING:.0f}s",
    "distributed.scheduler.worker-ttl": "60s",
    "distributed.admin.event-loop": "asyncio",
    "distributed.worker.profile.enabled": False,
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}


def settle() -> None:
    """Set what is the same for scheduler, workers and clients; they say nothing by themselves."""
    # A scheduler's folder, where it has one; a worker's is named by itself.
    dask.config.set({**_SETTINGS, "temporary-directory": str(artifacts.CACHE / "cluster")})
    for name in [name for name in logging.root.manager.loggerDict if name.startswith(_LOGGERS)]:
        logging.getLogger(name).handlers[:] = [logging.NullHandler()]
    # Of Python's third number, too; what crosses is text, and a worker compares the code itself.
    warnings.simplefilter("ignore", VersionMismatchWarning)


def security(cluster: Cluster) -> Security:
    """How one speaks to a cluster.

    :raises ConfigError: when certificates are missing
    """
    check_certificates(cluster)
    if cluster.is_plain:
        return Security()
    folder = tls_folder(cluster)
    files = {
        f"tls_{role}_{kind}": str(folder / name)
        for role in ("client", "worker", "scheduler")
        for kind, name in (("cert", CERTIFICATE), ("key", KEY))
    }
    return Security(tls_ca_file=str(folder / AUTHORITY), require_encryption=True, **files)


def connect(cluster: Cluster) -> Any:
    """A client of the cluster, which has threads.

    :raises ConfigError: when it does not answer, or certificates are missing
    """
    settle()
    find(cluster)
    how = {"security": security(cluster), "timeout": CONNECTING, "set_as_default": False}
    try:
        return Client(cluster.address, **how)
    except (OSError, TimeoutError, RuntimeError, ValueError) as error:
        raise unreachable(cluster, error) from error


def find(cluster: Cluster) -> None:
    """See that somebody listens there: dask would go on trying.

    :raises ConfigError: when nobody does
    """
    parts = urlsplit(cluster.address)
    assert parts.hostname
    assert parts.port
    try:
        socket.create_connection((parts.hostname, parts.port), CONNECTING).close()
    except OSError as error:
        raise unreachable(cluster, error) from error


def unreachable(cluster: Cluster, error: Exception) -> ConfigError:
    """What to say where a scheduler does not answer as it should."""
    told = _chain(error)
    if "certificate" in told.lower() or "ssl" in told.lower() or "tls" in type(error).__name__:
        return ConfigError(
            f"the cluster at {cluster.address} has other certificates than this machine",
            hint="cluster-tls= names the folder that its doit cluster has made, or a copy of it",
        )
    return ConfigError(
        f"there is no cluster at {cluster.address}, or it does not answer",
        hint="doit cluster starts one on this machine, and prints its address",
    )


def _chain(error: BaseException | None) -> str:
    """All that is said of an error and of those behind it."""
    told = []
    while error is not None:
        told.append(f"{type(error).__name__}: {error}")
        error = error.__cause__ or error.__context__
    return "; ".join(told)

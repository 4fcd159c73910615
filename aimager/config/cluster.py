"""Reading ``workers=`` and ``cluster-tls=``: the cluster that heavy tasks are sent to."""

import importlib.util
from pathlib import Path
from urllib.parse import urlsplit

from aimager.config.variable import Words
from aimager.errors import ConfigError
from aimager.model.cluster import Cluster
from aimager.model.remote import RecordTrust

_EXAMPLE = "write it as workers=tls://HOST:8786"


def read_workers(text: str) -> str:
    """The address of a scheduler, ``tls://HOST:PORT`` or ``tcp://HOST:PORT``.

    Without either it is returned as it is: whether it is plain is for others to say.

    :raises ConfigError: for anything else, or where the package that speaks to it is missing
    """
    address = text if "://" in text else f"tls://{text}"
    try:
        parts = urlsplit(address)
        is_whole = bool(parts.hostname) and parts.port is not None
    except ValueError:
        is_whole = False
    if not is_whole or parts.scheme not in ("tls", "tcp") or parts.path or "@" in parts.netloc:
        raise ConfigError(
            f"workers={text} is not the address of a cluster's scheduler", hint=_EXAMPLE
        )
    if importlib.util.find_spec("distributed") is None:
        raise ConfigError(
            "workers= needs the Python package distributed",
            hint="install it where doit is: pip install distributed",
        )
    return text


def read_tls(text: str, folder: Path) -> Path | None:
    """The folder of the certificates, or None where none are wanted (``no``).

    :raises ConfigError: when it is empty
    """
    if not text:
        raise ConfigError(
            "cluster-tls= is empty", hint="it is a folder with certificates, or no: cluster-tls=tls"
        )
    return None if text == "no" else folder / text


def read_cluster(words: Words) -> Cluster | None:
    """The cluster of a build or a worker; None where none is named.

    :raises ConfigError: when the words do not go together, or others could listen unasked
    """
    if "workers" not in words:
        if "cluster-tls" in words:
            raise ConfigError(
                "cluster-tls= has no effect without workers=", hint="workers= names a cluster"
            )
        return None
    given: str = words.read("workers")
    tls: Path | None = words.read("cluster-tls")
    wants_plain = "cluster-tls" in words and tls is None
    address = given if "://" in given else f"{'tcp' if wants_plain else 'tls'}://{given}"
    cluster = Cluster(address, tls)
    if wants_plain and not cluster.is_plain:
        raise ConfigError(
            f"workers={given} and cluster-tls=no do not go together",
            hint="leave cluster-tls= out, or write tcp:// in workers=",
        )
    if cluster.is_plain and not (wants_plain or cluster.is_here):
        raise ConfigError(
            f"workers={given} is spoken to without encryption: whoever can reach it runs programs"
            " on all workers",
            hint="write tls:// in workers=; where the network is yours alone, cluster-tls=no"
            " allows it",
        )
    return cluster


def read_build_cluster(words: Words, trust: RecordTrust) -> Cluster | None:
    """The cluster of a build, which needs a store that it takes products from.

    :raises ConfigError: as `read_cluster`, or where there is no such store
    """
    cluster = read_cluster(words)
    if cluster and "remote" not in words:
        raise ConfigError(
            "workers= has no effect without remote=, by which products come from them",
            hint="remote= names a store that all workers share",
        )
    if cluster and not trust.takes:
        raise ConfigError(
            "workers= needs a store whose products are taken",
            hint="remote-allowed-signers=FILE names who may sign them; or remote-unsigned=yes",
        )
    return cluster

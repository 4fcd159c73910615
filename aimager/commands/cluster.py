"""The tasks ``cluster`` and ``worker``: machines that do tasks for others."""

import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

from aimager.commands.doctor.diagnosis import SMALL, require
from aimager.commands.doctor.emulation import check_emulation
from aimager.commands.doctor.kernel import Tried, try_namespaces
from aimager.config.cluster import read_cluster
from aimager.config.remote import read_remote_trust
from aimager.config.variables import make_words
from aimager.errors import ConfigError, HostError
from aimager.graph import artifacts
from aimager.model.architecture import Architecture, host_architecture
from aimager.model.cluster import Cluster
from aimager.packages.store import check_space
from aimager.units import count

_OWN = (
    "remote",
    "remote-key",
    "remote-allowed-signers",
    "remote-revoked-keys",
    "remote-unsigned",
    "tmpfs-root",
)
"""Words that a worker has of its own, whoever sends a task."""

_PATHS = ("remote-key", "remote-allowed-signers", "remote-revoked-keys")

_DEFAULT = "127.0.0.1:8786"


def work(variables: Mapping[str, str], folder: Path) -> None:
    """Be a worker of the cluster workers=.

    :raises ConfigError: when none is named, or it cannot be reached
    :raises HostError: when this machine cannot build, or the cluster's scheduler goes
    """
    words = make_words(variables, folder)
    cluster = read_cluster(words)
    if cluster is None:
        raise ConfigError(
            "there is no cluster to work for", hint="name its scheduler: workers=tls://HOST:8786"
        )
    own = _own_words(variables, folder)
    require(())
    check_space(artifacts.CACHE, SMALL, "a small build")
    from aimager.cluster.places import resources
    from aimager.cluster.worker import serve

    tried = try_namespaces()
    runs = [it for it in Architecture if _runs(it, tried)]
    room = shutil.disk_usage(artifacts.CACHE).free
    serve(cluster, own, resources(runs, room))


def serve_cluster(variables: Mapping[str, str], folder: Path, workers: int) -> None:
    """Be a scheduler, with so many ``workers`` on this machine.

    :raises ConfigError: when the words do not go together
    :raises HostError: when its address cannot be listened to
    """
    given = {"workers": _DEFAULT, **variables}
    cluster = read_cluster(make_words(given, folder))
    assert cluster, "an address is given"
    from aimager.cluster.server import serve
    from aimager.cluster.tls import tls_folder

    own = _own_words(variables, folder)

    def tell(here: Cluster) -> None:
        remote = own.get("remote", "STORE")
        words = ["doit", "build", "...", f"workers={here.address}", f"remote={remote}"]
        print(f"   a cluster with {count(workers, 'worker')} listens at {here.address}")
        print(f"   to have tasks done by it: {shlex.join(words)}")
        if not here.is_plain:
            tls = tls_folder(here)
            print(f"   who has a copy of {tls} can run programs on all workers; on another machine")
            print(
                f"   that has one: doit worker workers=tls://THIS-MACHINE:{_port(here)}"
                f" cluster-tls=COPY remote={remote}"
            )
        print("   Ctrl-C ends it", flush=True)

    serve(cluster, workers, [f"{name}={text}" for name, text in own.items()], tell)


def _port(cluster: Cluster) -> str:
    return cluster.address.rpartition(":")[2]


def _own_words(variables: Mapping[str, str], folder: Path) -> dict[str, str]:
    """A worker's own words, with absolute paths.

    :raises ConfigError: when they do not go together
    """
    words = make_words(variables, folder)
    own = {name: variables[name] for name in _OWN if name in variables}
    if "remote" in own:
        own["remote"] = words.read("remote")
        read_remote_trust(words)
    return own | {name: str(words.read(name)) for name in _PATHS if name in own}


def _runs(architecture: Architecture, tried: Tried) -> bool:
    if architecture is host_architecture():
        return True
    try:
        check_emulation(architecture, tried, borrows=True)
    except HostError:
        return False
    return True

"""The stand-in mirror, made in the cache."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from aimager import stand_in
from aimager.config.parse import split_list
from aimager.graph import artifacts
from aimager.model.architecture import host_architecture
from aimager.stand_in.ports import PORTS
from aimager.units import count, size

_OF_PORT, _OF_DEBIAN = 150_000_000, 400_000_000
"""Bytes that a port's mirror takes, and what is kept of a Debian architecture to make it from.

Means, measured of a whole mirror: its seven ports took 1.04 GB, and six of Debian's architectures,
of which ports share one, 2.40 GB.
"""


def make_asked_mirror(variables: Mapping[str, str]) -> None:
    """Make the stand-in mirror for the architectures of ``arch=``, or for the host's.

    :raises AimagerError: when there is no such architecture, or Debian's packages cannot be
        downloaded
    """
    names = split_list(variables.get("arch", "")) or (host_architecture().value,)
    print(
        f"   the mirror of {count(len(names), 'architecture')} ({', '.join(names)}) takes about"
        f" {size(_room(names))}; arch= names others",
        flush=True,
    )
    make_mirror(artifacts.mirror(), artifacts.mirror_work(), names)


def _room(names: Sequence[str]) -> int:
    """About how many bytes the mirror of so many architectures takes, with what it is made of."""
    ports = [PORTS[name] for name in dict.fromkeys(names) if name in PORTS]
    return _OF_PORT * len(ports) + _OF_DEBIAN * len({port.debian for port in ports})


def make_mirror(mirror: Path, work: Path, architectures: Sequence[str]) -> None:
    """Make the stand-in mirror for ``architectures``, on a host that can.

    :raises AimagerError: when Debian's packages cannot be downloaded
    """
    if shutil.which("apt-get"):
        stand_in.make_mirror(mirror, architectures, work)
    else:
        print("   this host has no apt-get to make it with: the real mirrors are used")

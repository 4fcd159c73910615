"""What a machine of QEMU's is to be like, as the words of ``doit boot`` have it."""

import errno
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aimager.config.variable import Words
from aimager.errors import ConfigError, HostError
from aimager.model.partition import MiB
from aimager.units import exact_size

_LEAST_MEMORY = 128 * MiB
"""Less does not hold a firmware, a kernel and its initramfs, unpacked."""

_SCREENS = ("DISPLAY", "WAYLAND_DISPLAY")
_PRIVILEGED_PORTS = 1024

OF_A_PC = ("memory", "cpus", "ssh-port", "internet", "graphics")
"""The words that a Raspberry Pi of QEMU's takes nothing of."""


@dataclass(frozen=True)
class Guest:
    """The machine; sizes are in bytes. Without a ``disk_size`` its disk is as large as the image.

    By the port ``ssh_port`` of this machine its port for ssh is reached. With ``internet`` it
    reaches the host's network, with ``graphics`` it has a screen in a window, and with ``keep``
    what is written to its disk is there at the next boot.
    """

    memory: int = 2048 * MiB
    cpus: int = 2
    disk_size: int | None = None
    ssh_port: int | None = None
    internet: bool = False
    graphics: bool = False
    keep: bool = False


def read_guest(words: Words) -> Guest:
    """The machine that ``words`` ask for.

    :raises ConfigError: for a value that cannot be
    """
    keep = words.read("keep", False)
    if isinstance(keep, Path):
        raise ConfigError(
            f"keep={words.texts['keep']} is for doit shell, and doit boot takes yes or no",
            hint="keep=yes keeps what is written beside the image",
        )
    memory: int = words.read("memory", Guest.memory)
    if memory < _LEAST_MEMORY:
        raise ConfigError(
            f"memory={words.texts['memory']} is too little to boot with",
            hint=f"the least is {exact_size(_LEAST_MEMORY)}, and 512M is little",
        )
    return Guest(
        memory=memory,
        cpus=words.read("cpus", Guest.cpus),
        disk_size=words.read("disk-size"),
        ssh_port=words.read("ssh-port"),
        internet=words.read("internet", False),
        graphics=words.read("graphics", False),
        keep=keep,
    )


def check_host(guest: Guest, environment: Mapping[str, str] = os.environ) -> None:
    """See that this machine has what ``guest`` takes of it.

    :raises HostError: when it has not
    """
    there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if guest.memory > there:
        raise HostError(
            f"memory={exact_size(guest.memory)} is more than this machine has",
            hint=f"it has {there // MiB} MiB",
        )
    if guest.ssh_port is not None:
        _check_port(guest.ssh_port)
    if guest.graphics and not any(environment.get(name) for name in _SCREENS):
        raise HostError(
            "graphics=yes needs a screen, and neither DISPLAY nor WAYLAND_DISPLAY names one",
            hint="leave it out: the machine's serial port is on this terminal",
        )


def _check_port(port: int) -> None:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as QEMU has it
        try:
            tried.bind(("127.0.0.1", port))
            tried.listen()
        except OSError as error:
            if error.errno == errno.EACCES and port < _PRIVILEGED_PORTS:
                raise HostError(
                    f"ssh-port={port} is below {_PRIVILEGED_PORTS}, and for root alone",
                    hint="name a larger one: ssh-port=2222",
                ) from error
            raise HostError(
                f"ssh-port={port} cannot be used: {error.strerror}",
                hint="name another port: a boot that goes on may have this one",
            ) from error

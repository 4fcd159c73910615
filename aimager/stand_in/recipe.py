"""A recipe: which Debian packages make up one pacman package, and what is changed on the way."""

from dataclasses import dataclass
from typing import Literal

Maker = Literal[
    "files",
    "kernel",
    "alarm-kernel",
    "rpi-kernel",
    "ucode",
    "firmware",
    "keyring",
    "static-pacman",
]


@dataclass(frozen=True)
class Recipe:
    """``debs`` are merged in this order; the first gives version and description.

    Then come the files below ``content/packages/NAME`` and ``content/ARCH/NAME``, and ``links``.
    ``drop`` holds paths, with all below them, that are left out, ``keep`` those that alone are
    taken, ``move`` where some go. A scriptlet is the file ``content/install/NAME.install``.
    """

    name: str
    debs: tuple[str, ...] = ()
    repository: str = "core"
    maker: Maker = "files"
    description: str = ""
    version: str = ""
    arch: str = ""
    depends: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    backup: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    move: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    directories: tuple[tuple[str, int, int], ...] = ()
    modes: tuple[tuple[str, int], ...] = ()
    replace: tuple[tuple[str, str, str], ...] = ()
    capabilities: tuple[tuple[str, bytes], ...] = ()
    option: str = ""
    gzipped: bool = False
    """Whether a kernel's image is compressed by gzip, and so no PE file."""
    gpus: bool = False
    """Whether a kernel has the drivers of graphics cards, which others lack."""
    older: bool = False
    """Whether, of a kernel's versions, the oldest is meant and not the newest."""

"""One build: a board on a platform, with what the user asked for."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from aimager.board import Board
from aimager.distro import Platform
from aimager.partition import FileSystem, Role
from aimager.setup import Setup

_FILE_SYSTEM_PACKAGES = {FileSystem.ext4: "e2fsprogs", FileSystem.vfat: "dosfstools"}


class Product(StrEnum):
    """A file that pack-image can make, by its name in ``create=``."""

    root_tar = "root.tar"
    disk = "disk.img"
    part_boot = "part-boot.img"
    part_root = "part-root.img"

    @property
    def role(self) -> Role | None:
        """The partition that it is the image of, if it is one's."""
        return {Product.part_boot: Role.boot, Product.part_root: Role.root}.get(self)


class Tools(StrEnum):
    """Whose programs do the work."""

    borrowed = "borrowed"
    """Those of the host platform's own repositories, unpacked into a root of their own."""
    host = "host"


@dataclass(frozen=True)
class MirrorChoice:
    """Which mirrors the user wants instead of the global ones, and whose keys to trust there.

    ``parent`` carries all distributions, each below its own path; ``repositories`` are complete
    URLs by repository name, for the platform that is built. ``trusted_keys`` replace the pinned
    master keys.
    """

    parent: str = ""
    repositories: tuple[tuple[str, str], ...] = ()
    trusted_keys: tuple[str, ...] = ()
    offline: bool = False


@dataclass(frozen=True)
class Build:
    """What one ``doit build`` makes."""

    board: Board
    platform: Platform
    products: tuple[Product, ...]
    out: Path
    setup: Setup
    mirrors: MirrorChoice = MirrorChoice()
    packages: tuple[str, ...] = ()
    root_size: int | None = None
    tools: Tools = Tools.borrowed

    @property
    def id(self) -> str:
        """``DISTRO-ARCH-BOARD``, as it stands in task names and paths."""
        return f"{self.platform.id}-{self.board.id}"

    @property
    def installs(self) -> tuple[str, ...]:
        """All packages that are asked for by name, beside those of the root file system."""
        sudo = ("sudo",) if self.setup.sudo_groups else ()
        return tuple(dict.fromkeys(self.board.installs + sudo + self.packages))

    @property
    def welcome(self) -> tuple[str, ...]:
        """Packages that are installed where the repositories have them: file systems' tools."""
        table = self.board.partition_table
        partitions = table.partitions if table else ()
        return tuple(dict.fromkeys(_FILE_SYSTEM_PACKAGES[p.file_system] for p in partitions))

"""Boards: what to install so that a machine boots, and how its disk is laid out."""

from dataclasses import dataclass
from enum import StrEnum

from aimager.architecture import Architecture
from aimager.partition import PartitionTable


class Bootloader(StrEnum):
    """What starts the kernel."""

    systemd_boot = "systemd-boot"


class Initramfs(StrEnum):
    """What makes the initramfs: the name of its package."""

    booster = "booster"
    mkinitcpio = "mkinitcpio"


@dataclass(frozen=True)
class Board:
    """A machine, or a family of machines that boot alike.

    ``architecture`` and ``distros`` are None and empty for what suits any. ``packages`` come
    beside the kernels, the initramfs maker and what the file systems need.
    """

    id: str
    name: str
    architecture: Architecture | None = None
    distros: tuple[str, ...] = ()
    kernels: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    initramfs: Initramfs | None = None
    bootloader: Bootloader | None = None
    command_line: tuple[str, ...] = ()
    partition_table: PartitionTable | None = None

    @property
    def installs(self) -> tuple[str, ...]:
        """All packages that the board adds to a root."""
        maker = (self.initramfs.value,) if self.initramfs else ()
        return self.kernels + maker + self.packages

"""A kernel that QEMU itself loads, in the place of a machine's firmware."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Kernel:
    """A kernel and what it is started with."""

    image: Path
    initramfs: Path
    command_line: str

    @property
    def options(self) -> tuple[str, ...]:
        """QEMU's options that bring it in."""
        loaded = ("-kernel", str(self.image), "-initrd", str(self.initramfs))
        return (*loaded, "-append", self.command_line)

"""What starts a system, by which it is set up."""

from enum import StrEnum


class Form(StrEnum):
    """What starts a system."""

    machine = "machine"
    """A kernel and systemd, from the board's disk if it has one."""
    nspawn = "nspawn"
    """systemd, in a container of systemd-nspawn(1)."""
    container = "container"
    """Any program, in a container whose engine gives it a network."""
    wsl = "wsl"
    """systemd, below the init of WSL, which gives it a network."""

    @property
    def has_first_boot(self) -> bool:
        """Whether systemd sets the system up when it is first started, and its network always."""
        return self in (Form.machine, Form.nspawn)

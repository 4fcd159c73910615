"""The table of file systems that the image's system mounts, fstab(5)."""

from collections.abc import Sequence
from dataclasses import dataclass

from aimager.partition import FileSystem

_OPTIONS = {
    FileSystem.ext4: "rw,relatime",
    # FAT has no modes, and what lies in /boot is not for all to read.
    FileSystem.vfat: "rw,relatime,fmask=0177,dmask=0077",
}


@dataclass(frozen=True)
class Entry:
    """One file system: ``uuid`` as blkid(8) prints it, and where it is mounted."""

    uuid: str
    mount_point: str
    file_system: FileSystem


def fstab_text(entries: Sequence[Entry]) -> str:
    """The text of /etc/fstab; the root is checked first at boot, the others after it."""
    lines = ["# file system\tmount point\ttype\toptions\tdump\tpass"]
    for entry in entries:
        check = 1 if entry.mount_point == "/" else 2
        fields = (
            f"UUID={entry.uuid}",
            entry.mount_point,
            entry.file_system,
            _OPTIONS[entry.file_system],
            "0",
            str(check),
        )
        lines.append("\t".join(fields))
    return "\n".join(lines) + "\n"

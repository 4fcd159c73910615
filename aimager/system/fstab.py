"""The table of file systems that the image's system mounts, fstab(5)."""

from collections.abc import Sequence
from dataclasses import dataclass

from aimager.model.partition import FileSystem


@dataclass(frozen=True)
class Entry:
    """One file system: ``source`` such as ``UUID=...``, and where it is mounted, if it is.

    ``options`` come after those that the file system always has.
    """

    source: str
    mount_point: str
    file_system: FileSystem
    options: tuple[str, ...] = ()


def fstab_text(entries: Sequence[Entry]) -> str:
    """The text of /etc/fstab; the root is checked first at boot, the others after it."""
    lines = ["# file system\tmount point\ttype\toptions\tdump\tpass"]
    for entry in entries:
        check = 1 if entry.mount_point == "/" else 2
        if not entry.file_system.is_checked:
            check = 0
        options = (entry.file_system.mount_options, *entry.options)
        fields = (
            entry.source,
            entry.mount_point,
            entry.file_system,
            ",".join(options),
            "0",
            str(check),
        )
        lines.append("\t".join(fields))
    return "\n".join(lines) + "\n"

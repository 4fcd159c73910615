"""How an image's system finds its file systems: fstab(5) and the kernel's words for the root."""

from collections.abc import Sequence
from dataclasses import dataclass

from aimager.model.image_ids import ImageIds
from aimager.model.partition import FileSystem, Partition, Role


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


def list_mounts(ids: ImageIds) -> tuple[Entry, ...]:
    """The partitions and subvolumes that the system mounts, each after the one it lies in."""
    entries: list[Entry] = []
    for partition in ids.table.filled:
        source = _source(ids, partition)
        kind = partition.file_system
        if partition.role is Role.swap:
            entries.append(Entry(source, "none", kind))
        elif partition.subvolumes:
            entries += [
                Entry(source, v.mount_point, kind, (f"subvol=/{v.name}", *_compression(partition)))
                for v in partition.subvolumes
            ]
        elif mount_point := partition.role.mount_point:
            entries.append(Entry(source, mount_point, kind, _compression(partition)))
    return tuple(
        sorted(entries, key=lambda entry: (entry.mount_point == "none", entry.mount_point))
    )


def root_words(ids: ImageIds) -> tuple[str, ...]:
    """The words of the kernel's command line that name the root and say how to mount it."""
    root = ids.table.with_role(Role.root)
    assert root, "a table has a root"
    words = [f"root={_source(ids, root)}", "ro" if root.file_system.read_only else "rw"]
    if root.file_system is not FileSystem.ext4:
        words.append(f"rootfstype={root.file_system}")
    if root.file_system.read_only:
        # /var in memory: without it half of the system's services fail.
        words.append("systemd.volatile=state")
    if root.subvolumes:
        words.append(f"rootflags=subvol={root.subvolumes[0].name}")
    return tuple(words)


def _source(ids: ImageIds, partition: Partition) -> str:
    if not partition.file_system.has_uuid:
        return f"PARTUUID={ids.partuuid(partition.role)}"
    return f"UUID={ids.file_system(partition.role)}"


def _compression(partition: Partition) -> tuple[str, ...]:
    """The mount option that compresses what the system writes as the image is compressed."""
    if partition.file_system.has_subvolumes and partition.compression:
        return (f"compress={partition.compression}",)
    return ()

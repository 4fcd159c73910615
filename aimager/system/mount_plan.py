"""How an image's system finds its file systems: fstab's entries, words of the command line."""

from aimager.model.image_ids import ImageIds
from aimager.model.partition import FileSystem, Partition, PartitionTable, Role
from aimager.system.fstab import Entry


def list_mounts(ids: ImageIds) -> tuple[Entry, ...]:
    """What of the partitions the system mounts, what lies deeper after what it lies in."""
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
    """What the kernel and the initramfs are told of the root."""
    root = ids.table.with_role(Role.root)
    assert root, "a table has a root"
    words = [f"root={_source(ids, root)}", "ro" if root.file_system.read_only else "rw"]
    if root.file_system is not FileSystem.ext4:
        words.append(f"rootfstype={root.file_system}")
    if root.file_system.read_only:
        # A /var in memory, without which half of the system's services fail.
        words.append("systemd.volatile=state")
    if root.subvolumes:
        words.append(f"rootflags=subvol={root.subvolumes[0].name}")
    return tuple(words)


def grows(table: PartitionTable) -> bool:
    """Whether the root can grow to its disk: it can change, and nothing comes after it."""
    last = table.partitions[-1]
    return last.role is Role.root and not last.file_system.read_only


def _source(ids: ImageIds, partition: Partition) -> str:
    if not partition.file_system.has_uuid:
        return f"PARTUUID={ids.partuuid(partition.role)}"
    return f"UUID={ids.file_system(partition.role)}"


def _compression(partition: Partition) -> tuple[str, ...]:
    """What of the mount options has the system compress as the image is compressed."""
    if partition.file_system.has_subvolumes and partition.compression:
        return (f"compress={partition.compression}",)
    return ()

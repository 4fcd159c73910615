"""All ids of an image, derived from one seed."""

from collections.abc import Sequence
from dataclasses import dataclass

from aimager.model.partition import FileSystem, Label, Partition, PartitionTable, Role
from aimager.uuids import derive_uuid, derive_volume_id, fat_uuid


@dataclass(frozen=True)
class ImageIds:
    """The ids of an image with ``table``: equal seeds give equal ones, others share none."""

    seed: str
    table: PartitionTable

    def file_system(self, role: Role) -> str:
        """The UUID of a partition's file system, as blkid(8) prints it."""
        partition = self.table.with_role(role)
        if partition and partition.file_system_id:
            return partition.file_system_id
        if partition and partition.file_system is FileSystem.vfat:
            return fat_uuid(self.volume(role))
        return derive_uuid(self.seed, f"{role} file system")

    def volume(self, role: Role) -> str:
        """The serial number of a FAT partition, eight hexadecimal digits."""
        partition = self.table.with_role(role)
        if partition and partition.file_system_id:
            return partition.file_system_id.replace("-", "").lower()
        return derive_volume_id(self.seed, f"{role} file system")

    @property
    def disk(self) -> str:
        """The id of the partition table."""
        if self.table.id:
            return self.table.id
        if self.table.label is Label.gpt:
            return derive_uuid(self.seed, "disk")
        return derive_volume_id(self.seed, "disk")

    @property
    def partitions(self) -> tuple[str, ...]:
        """The UUIDs of a GPT's partitions, in its order."""
        return tuple(
            partition.uuid or derive_uuid(self.seed, f"{_place(number, partition)} partition")
            for number, partition in enumerate(self.table.partitions, 1)
        )

    def partuuid(self, role: Role) -> str:
        """What the kernel calls the PARTUUID of the partition for ``role``."""
        roles = [partition.role for partition in self.table.partitions]
        return partuuid(self.table, self.disk, self.partitions, roles.index(role))


def _place(number: int, partition: Partition) -> str:
    """What tells a partition from the others: there may be several for nothing."""
    return f"raw {number}" if partition.role is Role.raw else partition.role


def partuuid(
    table: PartitionTable, disk_id: str, partition_uuids: Sequence[str], index: int
) -> str:
    """What the kernel calls the PARTUUID of partition ``index``, counted from 0."""
    if table.label is Label.gpt:
        return partition_uuids[index]
    return f"{disk_id}-{index + 1:02x}"

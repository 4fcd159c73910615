"""An image's ids follow from its seed, and are of the form that each place asks for."""

import re
from dataclasses import replace

from aimager.model.image_ids import ImageIds, partuuid
from aimager.model.partition import (
    FileSystem,
    GiB,
    Label,
    Partition,
    PartitionTable,
    Role,
    boot_fat,
    root_ext4,
)
from aimager.uuids import derive_uuid, derive_volume_id

PARTITIONS = (boot_fat(GiB), root_ext4())
GPT = PartitionTable(Label.gpt, PARTITIONS)
DOS = PartitionTable(Label.dos, PARTITIONS)

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def everything(ids: ImageIds) -> list[str]:
    file_systems = [ids.file_system(role) for role in Role]
    return [*file_systems, ids.volume(Role.boot), ids.disk, *ids.partitions]


def test_forms() -> None:
    ids = ImageIds("seed", GPT)
    assert ids.file_system(Role.boot) == "-".join(re.findall("....", ids.volume(Role.boot))).upper()
    for uuid in (ids.file_system(Role.root), ids.disk, *ids.partitions):
        assert UUID.fullmatch(uuid)
    assert re.fullmatch("[0-9a-f]{8}", ImageIds("seed", DOS).disk)


def test_seeds_share_none() -> None:
    for table in (GPT, DOS):
        one, other = everything(ImageIds("a", table)), everything(ImageIds("b", table))
        assert everything(ImageIds("a", table)) == one
        assert len(set(one + other)) == len(one + other)


def test_ids_stay_what_they_are() -> None:
    """Another derivation would give every image other bytes."""
    raw = Partition(Role.raw, FileSystem.none, GiB)
    ids = ImageIds("seed", PartitionTable(Label.gpt, (raw, *PARTITIONS)))
    assert ids.partitions == tuple(
        derive_uuid("seed", f"{name} partition") for name in ("raw 1", "boot", "root")
    )
    assert ids.disk == derive_uuid("seed", "disk")
    assert ids.volume(Role.boot) == derive_volume_id("seed", "boot file system")
    assert ids.file_system(Role.root) == derive_uuid("seed", "root file system")
    assert ImageIds("seed", DOS).disk == derive_volume_id("seed", "disk")


def test_ids_that_the_table_gives_are_kept() -> None:
    boot, root = PARTITIONS
    table = PartitionTable(Label.gpt, (boot, replace(root, uuid="given")), id="disk")
    ids = ImageIds("seed", table)
    assert (ids.disk, ids.partitions[1], ids.partuuid(Role.root)) == ("disk", "given", "given")


def test_a_partition_of_a_dos_label_is_known_by_its_number() -> None:
    ids = ImageIds("seed", DOS)
    assert ids.partuuid(Role.boot) == f"{ids.disk}-01"
    assert partuuid(DOS, "0123abcd", (), 9) == "0123abcd-0a"
    assert ImageIds("seed", GPT).partuuid(Role.root) == ImageIds("seed", GPT).partitions[1]

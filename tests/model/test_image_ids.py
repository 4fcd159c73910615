"""An image's ids follow from its seed, and are of the form that each place asks for."""

import re

from aimager.model.image_ids import ImageIds
from aimager.model.partition import GiB, Label, PartitionTable, Role, boot_fat, root_ext4
from aimager.model.sfdisk_table import read_table

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


def test_partitions_for_nothing_have_ids_of_their_own() -> None:
    table = read_table(
        "label: gpt; size=1M; size=1M, uuid=AAAAAAAA-2222-4333-8444-555555555555; size=1M;"
        " aimager@root:"
    )
    found = ImageIds("seed", table).partitions
    assert len(set(found)) == 4
    assert found[1] == "aaaaaaaa-2222-4333-8444-555555555555"

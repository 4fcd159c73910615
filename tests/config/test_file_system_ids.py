"""An id that mkfs-arg= gives a file system is what fstab and boot entries name, or is refused."""

from pathlib import Path

import pytest

from aimager.config.storage import read_storage
from aimager.config.variables import make_words
from aimager.errors import ConfigError
from aimager.model.image_ids import ImageIds
from aimager.model.partition import Role
from aimager.system.fstab import fstab_text, list_mounts, root_words
from boards import BOARDS

ID = "11111111-2222-3333-4444-abcdefabcdef"
TABLE = "label: gpt; aimager@boot: size=512M; aimager@swap: size=1G; aimager@home:; aimager@root:"


def read(arguments: str, kind: str = "ext4") -> ImageIds:
    words = {"table": TABLE, "root-fs": kind, "mkfs-arg": arguments}
    table = read_storage(BOARDS["x64-uefi"], make_words(words, Path("/"))).partition_table
    assert table
    return ImageIds("seed", table)


@pytest.mark.parametrize(
    ("kind", "arguments", "rest"),
    [
        ("ext4", f"-U {ID}", ()),
        ("ext4", f"-U {ID.upper()} -m 0", ("-m", "0")),
        ("ext4", f"-m 0 -U{ID}", ("-m", "0")),
        ("ext4", f"-U {ID.replace('1', '2')} -U {ID}", ()),
        ("ext4", f"-qU {ID}", ("-q",)),
        ("ext4", f"-FqU{ID} -m 0", ("-Fq", "-m", "0")),
        ("btrfs", f"-fU {ID}", ("-f",)),
        ("xfs", f"-Km uuid={ID}", ("-K",)),
        ("btrfs", f"-U {ID} -M", ("-M",)),
        ("btrfs", f"--uuid {ID}", ()),
        ("btrfs", f"--uui={ID} -M", ("-M",)),
        ("btrfs", f"--u {ID}", ()),
        ("btrfs", f"--uuid={ID} --csum xxhash", ("--csum", "xxhash")),
        ("xfs", f"-m uuid={ID}", ()),
        ("xfs", f"-m crc=1,uuid={ID},finobt=0 -K", ("-m", "crc=1,finobt=0", "-K")),
        ("xfs", f"-muuid={ID}", ()),
        ("erofs", f"-U{ID} -C65536", ("-C65536",)),
    ],
)
def test_the_roots(kind: str, arguments: str, rest: tuple[str, ...]) -> None:
    ids = read(f"root={arguments}", kind)
    root = ids.table.with_role(Role.root)
    assert root
    assert root.arguments == rest
    assert f"root=UUID={ID}" in root_words(ids)
    assert f"UUID={ID}\t/\t{kind}" in fstab_text(list_mounts(ids))


@pytest.mark.parametrize(
    ("part", "arguments", "given"),
    [
        ("boot", "-i 1a2b3c4d", "1A2B-3C4D"),
        ("boot", "-s 8 -i1A2B3C4D", "1A2B-3C4D"),
        ("boot", "-ai 1A2B3C4D", "1A2B-3C4D"),
        ("swap", f"-U {ID}", ID),
        ("swap", f"--uuid={ID}", ID),
        ("home", f"-U {ID}", ID),
    ],
)
def test_the_others(part: str, arguments: str, given: str) -> None:
    ids = read(f"{part}={arguments}")
    assert f"UUID={given}\t" in fstab_text(list_mounts(ids))
    assert ids.file_system(Role.root) != given


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ("root=-U random", "ext4"),
        ("root=-U clear", "ext4"),
        ("root=-U 1234", "ext4"),
        ("root=-U 00000000-0000-0000-0000-000000000000", "ext4"),
        ("root=-m uuid=generate", "xfs"),
        ("root=--uuid=x", "btrfs"),
        ("boot=-i 0", "ext4"),
        ("boot=-i 00000000", "ext4"),
        (f"boot=-i {ID}", "ext4"),
        ("swap=-U time", "ext4"),
    ],
)
def test_what_is_not_an_id(arguments: str, kind: str) -> None:
    with pytest.raises(ConfigError, match="by which nothing could be found") as caught:
        read(arguments, kind)
    assert "seed=" in caught.value.hint


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ("root=-U", "ext4"),
        ("root=-m 0 -qU", "ext4"),
        ("root=--uui", "btrfs"),
        ("root=-m", "xfs"),
        ("boot=-i", "ext4"),
        (f"swap=-U {ID} -U", "ext4"),
    ],
)
def test_an_option_without_its_value(arguments: str, kind: str) -> None:
    with pytest.raises(ConfigError, match=r"= ends with -.*, which takes a value"):
        read(arguments, kind)


def test_two_file_systems_share_none() -> None:
    with pytest.raises(ConfigError, match="for home and root the same id"):
        read(f"home=-U {ID},root=-U {ID.upper()}")


@pytest.mark.parametrize("arguments", ["root=-m 5", "root=-E hash_seed=" + ID, "swap=-L other"])
def test_other_arguments_are_left_alone(arguments: str) -> None:
    ids = read(arguments)
    role = Role(arguments.partition("=")[0])
    partition = ids.table.with_role(role)
    assert partition
    assert " ".join(partition.arguments) == arguments.partition("=")[2]
    assert partition.file_system_id == ""

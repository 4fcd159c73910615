"""A stage that personalises small disk images, and what is looked for in those that it made."""

import subprocess
from pathlib import Path

from aimager.files import Readers
from aimager.model.partition import PartitionTable, Role
from aimager.model.settings import Password, Settings, User
from aimager.stages.personalise import Personalise
from tests.support.ext4_reader import read_ext4
from tests.support.fat_reader import read_fat
from tests.support.finished_disks import GPT, part_of
from tests.support.locked import make_workshop
from tests.support.node import Node
from tests.support.partition_images import PROGRAMS, check_fat
from tests.support.trees import check_ext4

HASH = "$6$saltsalt$" + "h" * 86
ALICE = Settings(
    "kiosk",
    users=(User(("-m", "-u", "2000", "alice")),),
    passwords=(Password("alice", "secret"), Password("old", HASH, is_hashed=True)),
)


def stage(image: Path, setup: Settings, target: Path | None, seed: str = "") -> Personalise:
    """The stage, whose folders lie beside that of the image."""
    shop = make_workshop(image.parent.parent / "shop")
    return Personalise(image, target, setup, seed, Readers.nobody, None, workshop=shop)


def files_of(image: Path, table: PartitionTable = GPT) -> dict[str, Node]:
    """All files of an image, by their paths in its system."""
    found = {n.path: n for n in read_ext4(part_of(image, table, Role.root))}
    roles = [partition.role for partition in table.partitions]
    if Role.boot in roles:
        found |= {f"/boot{n.path}": n for n in read_fat(part_of(image, table, Role.boot))}
    if Role.home in roles:
        nodes = read_ext4(part_of(image, table, Role.home))
        found |= {f"/home{n.path}".rstrip("/"): n for n in nodes}
    return found


def texts(image: Path, table: PartitionTable = GPT) -> dict[str, bytes]:
    """What they hold."""
    return {path: node.read() for path, node in files_of(image, table).items()}


def check(image: Path, table: PartitionTable, work: Path) -> None:
    """All file systems and the table are in order."""
    work.mkdir(exist_ok=True)
    for partition in table.partitions:
        window = part_of(image, table, partition.role)
        part = work / "part.img"
        part.write_bytes(window.read(0, window.size))
        if partition.file_system == "ext4":
            check_ext4(part)
        elif partition.file_system == "vfat":
            check_fat(part)
    done = subprocess.run(
        ["sfdisk", "--verify", image], capture_output=True, text=True, env=PROGRAMS, check=False
    )
    assert "No errors detected" in done.stdout, done.stdout + done.stderr

"""Plain images of a tree that is taken apart for them, and of one that is only seen apart."""

import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from aimager.image.plain_images import plain_images
from tests.image.test_disk_in_place import making
from tests.support import trees
from tests.support.passed_trees import described


@dataclass(frozen=True)
class Asked:
    """Images of the partition table ``table``, made below ``work``, perhaps ``meanwhile``."""

    work: Path
    table: str
    meanwhile: bool


@dataclass(frozen=True)
class Found:
    """The SHA-256 of each partition's image, and whether the tree stayed as it was."""

    sums: dict[str, str]
    kept: bool
    mounted: list[str]


def make_plain(asked: Asked) -> Found:
    """Make them, while somebody works on something else."""
    made = making(asked.work / "made", asked.table, ())
    before = sorted(described(made.tree.path))
    with plain_images(
        made.images, trees.TOOLS, made.tree, None, epoch=trees.EPOCH, meanwhile=asked.meanwhile
    ) as plain:
        time.sleep(0.01)
        for image in plain().values():
            image.wait()
        sums = {str(role): sha256(it.read(0, it.size)).hexdigest() for role, it in plain().items()}
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    mounted = [line for line in mounts if str(made.images.work) in line]
    return Found(sums, sorted(described(made.tree.path)) == before, mounted)

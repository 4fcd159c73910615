"""Swap space, made by mkswap(8)."""

from pathlib import Path

from aimager.model.partition import Partition
from aimager.toolbox import Toolbox

_PAGE = 4096
"""The kernel reads swap made for pages of another size by ``swapon --fixpgsz`` alone; none of the
kernels that are built here has another."""


def make_swap(tools: Toolbox, partition: Partition, image: Path, *, size: int, uuid: str) -> None:
    """Write swap space of ``size`` bytes to ``image``; nothing is in it but a header.

    :raises CommandError: when mkswap refuses the size, or its arguments
    """
    with image.open("wb") as stream:
        stream.truncate(size)
    argv = ["mkswap", "--quiet", "--pagesize", str(_PAGE), "--uuid", uuid]
    tools.run([*argv, "--label", partition.role.value, *partition.arguments, image])

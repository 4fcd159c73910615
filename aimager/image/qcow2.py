"""A disk image as qcow2, by qemu-img: the same bytes of the same disk.

qemu-img's copying goes by requests, of which up to eight are under way at once, and clusters get
their places in the order in which they are first written (QEMU's img_convert() and
block/qcow2-cluster.c). So it is told to have one at a time, which then come in the disk's order,
and never to write out of it. What holds only zeros is left out, wherever the disk's own holes are.
The header tells of the program's version what it knows, so the program is the toolbox's.
"""

from pathlib import Path

from aimager import files, progress
from aimager.toolbox import Toolbox

_CLUSTER = 64 << 10
"""qemu-img's own choice in bytes, given so that it stays the same, as are the options."""
_OPTIONS = (
    "compat=1.1",
    f"cluster_size={_CLUSTER}",
    "refcount_bits=16",
    "lazy_refcounts=off",
    "preallocation=off",
)


def make_qcow2(tools: Toolbox, disk: Path, target: Path) -> None:
    """Publish ``target``, the raw image ``disk`` as qcow2.

    :raises CommandError: when qemu-img fails
    :raises HostError: when there is none
    """
    argv = ["qemu-img", "convert", "-q", "-f", "raw", "-O", "qcow2", "-m", "1", "-S", "4k"]
    with (
        files.publish(target) as temporary,
        progress.growing(target.name, target, lambda: files.data_size(disk)),
    ):
        tools.run([*argv, "-o", ",".join(_OPTIONS), disk, temporary])

"""What uses a disk: file systems, swap, and what is made of it, such as volumes and mappings.

::

    /proc/self/mountinfo, swaps -> sysfs's node of a file system's device
       a partition               -> its disk
       made of others (slaves)   -> each of them
       a loop                    -> the file system that has its file
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from aimager.commands.flash.disks import Disk, Places, part_nodes

SYSTEM = frozenset(
    f"/{name}".rstrip("/")
    for name in (
        *("boot", "boot/efi", "boot/firmware", "efi", "etc", "home", "opt", "root", "srv"),
        *("tmp", "usr", "usr/local", "var", "var/lib", "var/log", "var/tmp"),
    )
) | {"/"}
"""Where the file systems of a system that runs are mounted."""

_SWAP = "swap"


@dataclass(frozen=True)
class Mount:
    """A file system that is mounted: at ``point``, of the device with the node ``node``."""

    point: str
    node: Path


@dataclass(frozen=True)
class Uses:
    """What uses a disk: the running ``system`` at these places, other ``mounts``, and ``holders``.

    Those are the names of what is made of it, or of its partitions.
    """

    system: tuple[str, ...] = ()
    mounts: tuple[str, ...] = ()
    holders: tuple[str, ...] = ()


def find_uses(places: Places, disk: Disk) -> Uses:
    """What uses ``disk``, as far as this process can see: other namespaces' mounts are not seen."""
    mounts = list(_mounts(places))
    used = [mount.point for mount in mounts if disk.name in _disks(mount.node, mounts)]
    swaps = [node for node in _swaps(places, mounts) if disk.name in _disks(node, mounts)]
    return Uses(
        system=(*(point for point in used if point in SYSTEM), *([_SWAP] if swaps else [])),
        mounts=tuple(point for point in used if point not in SYSTEM),
        holders=tuple(_holders(places.sysfs / "block" / disk.name)),
    )


def _mounts(places: Places) -> Iterator[Mount]:
    """The file systems that are mounted and have a device (proc_pid_mountinfo(5))."""
    for line in (places.proc / "self/mountinfo").read_text(errors="surrogateescape").splitlines():
        fields, _, more = line.partition(" - ")
        number, point = fields.split()[2], fields.split()[4]
        source = more.split(" ")[1]
        # Of those with several devices, such as btrfs, the number is of none.
        node = places.sysfs / "dev/block" / number
        found = node.resolve() if node.exists() else _named_node(places, _unescaped(source))
        if found:
            yield Mount(_unescaped(point), found)


def _swaps(places: Places, mounts: list[Mount]) -> Iterator[Path]:
    """The nodes of what is swapped to: devices, or those of files' file systems (swapon(8))."""
    with suppress(FileNotFoundError):  # a kernel without swap
        for line in (places.proc / "swaps").read_text().splitlines()[1:]:
            name, kind = line.split()[:2]
            path = _unescaped(name)
            found = _named_node(places, path) if kind == "partition" else _holding(path, mounts)
            if found:
                yield found


def _unescaped(text: str) -> str:
    """A path as it is: the kernel writes blanks and the like as octal numbers there."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)


def _named_node(places: Places, path: str) -> Path | None:
    """The node of the device at a path."""
    found = Path(path).resolve()
    if not found.is_relative_to("/dev"):
        return None
    node = places.sysfs / "class/block" / str(found.relative_to("/dev")).replace("/", "!")
    return node.resolve() if node.exists() else None


def _holding(path: str, mounts: list[Mount]) -> Path | None:
    """The node of the file system that has the file at a path."""
    above = [mount for mount in mounts if Path(path).is_relative_to(mount.point)]
    last = max(above, key=lambda mount: len(mount.point), default=None)
    return last.node if last else None


def _disks(node: Path, mounts: list[Mount], seen: frozenset[Path] = frozenset()) -> set[str]:
    """The names of all disks that a device is on, itself among them if it is one."""
    if node in seen:
        return set()
    seen |= {node}
    is_part = (node / "partition").exists()
    below = [node.parent] if is_part else []
    below += [slave.resolve() for slave in sorted(node.glob("slaves/*"))]
    with suppress(OSError):
        file = _holding((node / "loop/backing_file").read_text().strip(), mounts)
        below += [file] if file else []
    found = set() if is_part else {node.name}
    return found.union(*(_disks(one, mounts, seen) for one in below))


def _holders(node: Path) -> Iterator[str]:
    """What is made of a disk or its partitions: ``vg-root (dm-0)``."""
    for part in (node, *part_nodes(node)):
        for holder in sorted(part.glob("holders/*")):
            named = holder / "dm/name"
            name = named.read_text().strip() if named.exists() else ""
            yield f"{name} ({holder.name})" if name else holder.name

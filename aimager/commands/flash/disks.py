"""The disks of this machine, as the kernel tells of them in sysfs, and which can be taken out.

A folder of a block device there is called its node. Sizes are in sectors of 512 bytes whatever the
device's are (Documentation/ABI/stable/sysfs-block).
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from aimager.errors import ConfigError
from aimager.units import size

SECTOR = 512

_HOT = {"usb": "USB", "ieee1394": "FireWire", "pcmcia": "PC Card", "thunderbolt": "Thunderbolt"}
"""Subsystems whose devices come and go, as lsblk(8) has them under HOTPLUG, and what they are."""

_SD = "SD card"
_MMC = {"SD": _SD, "MMC": "eMMC"}
"""What sits in a slot of the subsystem mmc, by its type; the second is soldered."""

_CDROM = "5"
"""The type of a SCSI device that is a CD drive (scsi/scsi_proto.h, TYPE_ROM)."""


@dataclass(frozen=True)
class Places:
    """Where the kernel, and udev, tell of devices."""

    sysfs: Path = Path("/sys")
    proc: Path = Path("/proc")
    udev: Path = Path("/run/udev/data")


@dataclass(frozen=True)
class Part:
    """A partition: its ``size`` in bytes, and ``content`` as udev has read it, perhaps empty."""

    name: str
    size: int
    content: str

    def __str__(self) -> str:
        return " ".join(filter(None, (self.name, self.content, size(self.size))))


@dataclass(frozen=True)
class Disk:
    """A whole disk: ``bus`` is how it is connected, and its ``number`` is ``MAJOR:MINOR``."""

    name: str
    number: str
    size: int
    model: str
    bus: str
    removable: bool
    read_only: bool
    parts: tuple[Part, ...]

    @property
    def path(self) -> Path:
        """The path of its device: a slash of the name is another letter in sysfs."""
        return Path("/dev", self.name.replace("!", "/"))

    def __str__(self) -> str:
        told = ", ".join(filter(None, (self.model, self.bus, size(self.size))))
        return f"{self.path} ({told})"


def list_removable(places: Places) -> list[Disk]:
    """The disks that can be taken out and hold a medium, by name."""
    nodes = sorted((places.sysfs / "block").iterdir())
    disks = [_read_disk(places, node.resolve()) for node in nodes if _is_hardware(node)]
    return [disk for disk in disks if disk.removable and disk.size]


def _is_hardware(node: Path) -> bool:
    """Whether it is a device of its own, which loops, memory and what is made of others are not."""
    return (node / "device").exists() and _read(node / "device/type") != _CDROM


def find_disk(places: Places, number: str, path: Path) -> Disk:
    """The disk whose device has that number, and which the user calls ``path``.

    :raises ConfigError: when it is a part of a disk, or is gone
    """
    link = places.sysfs / "dev/block" / number
    if not link.exists():
        raise ConfigError(
            f"the kernel knows no device {number}, which is that of {path}",
            hint="it may have been unplugged: doit flash lists the devices that are there",
        )
    node = link.resolve()
    if (node / "partition").exists():
        whole = Path("/dev", node.parent.name.replace("!", "/"))
        raise ConfigError(
            f"{path} is a partition, and an image takes the whole disk",
            hint=f"if all of the disk is to be lost: device={whole}",
        )
    return _read_disk(places, node)


def _read_disk(places: Places, node: Path) -> Disk:
    bus = _bus(places, node)
    flagged = _read(node / "removable") == "1"
    return Disk(
        name=node.name,
        number=_read(node / "dev"),
        size=_sectors(node),
        model=_model(node / "device"),
        bus=bus,
        removable=flagged or bus in {*_HOT.values(), _SD},
        read_only=_read(node / "ro") == "1",
        parts=tuple(_read_part(places, part) for part in part_nodes(node)),
    )


def part_nodes(node: Path) -> list[Path]:
    """The nodes of a disk's partitions, in the order of their numbers."""
    found = [path.parent for path in node.glob("*/partition")]
    return sorted(found, key=lambda part: int(_read(part / "partition") or 0))


def _read_part(places: Places, node: Path) -> Part:
    """A partition, with its file system and label as udev keeps them (udev's ID_FS_ properties)."""
    lines = _read(places.udev / f"b{_read(node / 'dev')}").splitlines()
    told = dict(line[2:].split("=", 1) for line in lines if line.startswith("E:ID_FS_"))
    content = " ".join(filter(None, (told.get("ID_FS_TYPE"), told.get("ID_FS_LABEL"))))
    return Part(node.name, _sectors(node), content)


def _sectors(node: Path) -> int:
    return int(_read(node / "size") or 0) * SECTOR


def _model(device: Path) -> str:
    """What maker and model call themselves; a card has a name instead."""
    told = [_read(device / name) for name in ("vendor", "model", "name")]
    # Of virtio and NVMe, the first is a number of the bus.
    return " ".join(word for word in told if word and not word.startswith("0x"))


def _bus(places: Places, node: Path) -> str:
    """How a disk is connected; empty for one that is not hardware."""
    found = list(_subsystems(places, node / "device"))
    hot = next((_HOT[name] for name in found if name in _HOT), "")
    if "mmc" in found and not hot:
        return _MMC.get(_read(node / "device/type"), "MMC")
    return hot or next(iter(found), "")


def _subsystems(places: Places, device: Path) -> Iterator[str]:
    """The subsystems of a device and of all that it is behind, the nearest first."""
    if not device.exists():
        return
    top = places.sysfs.resolve()
    here = device.resolve()
    while here not in (top, here.parent):
        link = here / "subsystem"
        if link.is_symlink():
            yield link.readlink().name
        here = here.parent


def _read(path: Path) -> str:
    """A file's text, which is empty where there is none, or the device goes while it is read."""
    with suppress(OSError):
        return path.read_text(errors="replace").strip()
    return ""

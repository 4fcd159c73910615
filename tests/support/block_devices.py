"""A machine's block devices as sysfs, procfs and udev tell of them, in folders."""

from pathlib import Path

from aimager.commands.flash.disks import SECTOR, Places

GB = 10**9


class Machine:
    """Has the disks that are added to it, and file systems that are mounted."""

    def __init__(self, folder: Path) -> None:
        self.places = Places(folder / "sys", folder / "proc", folder / "udev")
        for path in ("sys/block", "sys/class/block", "sys/dev/block", "proc/self", "udev"):
            (folder / path).mkdir(parents=True)
        (folder / "proc/self/mountinfo").touch()
        (folder / "proc/swaps").write_text("Filename\tType\tSize\tUsed\tPriority\n")
        self._minor = 0
        self.numbers: dict[str, str] = {}

    def add(self, name: str, *, behind: str = "pci", size: int = 32 * GB, **files: str) -> None:
        """Add a disk ``behind`` what sysfs has above it: ``usb/scsi``, each one a subsystem.

        ``files`` are what its node holds, ``device_`` before those of its hardware.
        """
        node = self.places.sysfs / "devices/virtual/block" / name
        if behind:
            device = self.places.sysfs / "devices"
            for place, subsystem in enumerate(behind.split("/")):
                device = device / f"{name}.{place}"
                device.mkdir(parents=True)
                (device / "subsystem").symlink_to(f"/sys/bus/{subsystem}")
            node = device / "block" / name
        node.mkdir(parents=True)
        if behind:
            (node / "device").symlink_to(node.parent.parent)
        self._fill(node, {"removable": "0", "ro": "0", "size": str(size // SECTOR), **files})
        (self.places.sysfs / "block" / name).symlink_to(node)

    def add_part(self, disk: str, name: str, *, size: int = GB, udev: str = "") -> None:
        """Add a partition, of which udev tells that."""
        node = (self.places.sysfs / "block" / disk).resolve() / name
        node.mkdir()
        number = name.removeprefix(disk).removeprefix("p")
        self._fill(node, {"partition": number, "size": str(size // SECTOR)})
        (self.places.udev / f"b{self.numbers[name]}").write_text(udev)

    def _fill(self, node: Path, files: dict[str, str]) -> None:
        self._minor += 1
        self.numbers[node.name] = number = f"8:{self._minor}"
        for name, text in {**files, "dev": number}.items():
            (node / name.replace("device_", "device/")).write_text(f"{text}\n")
        for folder, link in (("dev/block", number), ("class/block", node.name)):
            (self.places.sysfs / folder / link).symlink_to(node)

    def stack(self, upper: str, lower: str, *, named: str = "") -> None:
        """Make ``upper`` of the disk or partition ``lower``."""
        self.add(upper, behind="")
        above, below = (self.node(name) for name in (upper, lower))
        (above / "slaves").mkdir()
        (above / "slaves" / lower).symlink_to(below)
        (below / "holders").mkdir()
        (below / "holders" / upper).symlink_to(above)
        if named:
            (above / "dm").mkdir()
            (above / "dm/name").write_text(f"{named}\n")

    def node(self, name: str) -> Path:
        """The folder of a disk or partition."""
        return (self.places.sysfs / "class/block" / name).resolve()

    def mount(self, name: str, point: str, *, number: str = "") -> None:
        """Mount what is on ``name``; ``number`` is another than its own, as of btrfs."""
        with (self.places.proc / "self/mountinfo").open("a") as lines:
            own = number or self.numbers[name]
            lines.write(f"1 1 {own} / {point} rw shared:1 - ext4 /dev/{name} rw\n")

    def swap(self, path: str, kind: str = "partition") -> None:
        """Swap to a device, or a ``file``."""
        with (self.places.proc / "swaps").open("a") as lines:
            lines.write(f"{path}\t{kind}\t1\t0\t-2\n")

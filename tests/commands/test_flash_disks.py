"""Which disks there are, what can be taken out, what uses them, and what is refused."""

import re
from pathlib import Path

import pytest

from aimager.commands.flash.disks import Disk, find_disk, list_removable
from aimager.commands.flash.refusals import check_disk
from aimager.commands.flash.run import show_disks
from aimager.commands.flash.uses import Uses, find_uses
from aimager.errors import AimagerError, ConfigError
from tests.support.block_devices import GB, Machine

NEEDED = 2 * GB


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A laptop: a disk with its system on a mapping, a stick, a disk and two readers on USB."""
    made = Machine(tmp_path)
    made.add("nvme0n1", behind="pci/nvme", device_model="Built In")
    made.add_part("nvme0n1", "nvme0n1p1")
    made.add_part("nvme0n1", "nvme0n1p2")
    made.stack("dm-0", "nvme0n1p2", named="root")
    made.mount("dm-0", "/")
    made.mount("nvme0n1p1", "/boot/efi")
    made.add("sda", behind="pci/usb/scsi", removable="1", device_vendor="Maker  ")
    made.add_part("sda", "sda2", udev="E:ID_FS_TYPE=ext4\n", size=20 * GB)
    made.add_part("sda", "sda1", udev="S:x\nE:ID_FS_TYPE=vfat\nE:ID_FS_LABEL=BOOT\n")
    made.add("sdb", behind="pci/usb/scsi", device_model="Hard Disk", size=2000 * GB)
    made.add("sdc", behind="pci/usb/scsi", removable="1", size=0)
    made.add("sr0", behind="pci/scsi", removable="1", device_type="5")
    made.add("mmcblk0", behind="mmc_host/mmc", device_type="SD", device_name="SC32G")
    made.add("mmcblk1", behind="mmc_host/mmc", device_type="MMC", device_name="Soldered")
    made.add("mmcblk1boot0", behind="mmc_host/mmc", device_type="MMC")
    made.add("loop0", behind="")
    made.add("zram0", behind="")
    return made


def disk(machine: Machine, name: str) -> Disk:
    return find_disk(machine.places, machine.numbers[name], Path("/dev", name))


def uses(machine: Machine, name: str) -> Uses:
    return find_uses(machine.places, disk(machine, name))


def refusal(machine: Machine, name: str, *, twice: bool = False) -> str:
    """What is said of a disk that is refused; empty where it is not."""
    it = disk(machine, name)
    try:
        check_disk(it, find_uses(machine.places, it), NEEDED, twice=twice)
    except AimagerError as error:
        assert error.hint
        return str(error)
    return ""


def test_what_can_be_taken_out_is_listed(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.mount("sda1", "/media/a\\040b")
    machine.add("sdd", behind="pci/usb/scsi")
    machine.mount("sdd", "/home")
    show_disks(list_removable(machine.places), machine.places)
    lines = capsys.readouterr().out.splitlines()
    assert [re.split("  +", line.strip()) for line in lines] == [
        ["device", "size", "model", "by", "holds", "in use at"],
        ["/dev/mmcblk0", "32.0 GB", "SC32G", "SD card", "-", "-"],
        ["/dev/sda", "32.0 GB", "Maker", "USB", "sda1 vfat BOOT 1.0 GB, sda2 ext4 20.0 GB",
         "/media/a b"],
        ["/dev/sdb", "2000.0 GB", "Hard Disk", "USB", "-", "-"],
        ["/dev/sdd", "32.0 GB", "-", "USB", "-", "/home (the running system)"],
        ["to write an image to one, all of whose data is lost, add device= with its name"],
    ]  # fmt: skip


def test_that_there_is_none_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    machine = Machine(tmp_path)
    machine.add("sda", behind="pci/ata/scsi")
    show_disks(list_removable(machine.places), machine.places)
    assert "there is no card or disk that can be taken out" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["sda", "sdb", "mmcblk0"])
def test_what_can_be_taken_out_may_be_written_to(machine: Machine, name: str) -> None:
    assert refusal(machine, name) == ""


@pytest.mark.parametrize("name", ["mmcblk1", "loop0"])
def test_what_cannot_has_to_be_told_twice(machine: Machine, name: str) -> None:
    assert f"device-again=/dev/{name}" in refusal(machine, name)
    assert "is not removable" in refusal(machine, name)
    assert refusal(machine, name, twice=True) == ""


def test_what_is_mounted_has_to_be_told_twice(machine: Machine) -> None:
    machine.mount("sda2", "/media/a")
    assert "is mounted at /media/a\n" in refusal(machine, "sda")
    assert refusal(machine, "sda", twice=True) == ""


def test_the_running_system_is_never_written_to(machine: Machine) -> None:
    for name in ("nvme0n1", "dm-0"):
        assert "holds the running system" in refusal(machine, name, twice=True)
    assert uses(machine, "nvme0n1").system == ("/", "/boot/efi")


def test_a_live_system_on_a_stick_is_the_running_one(machine: Machine) -> None:
    """Its root is a loop of a file of the stick's file system."""
    machine.mount("sda1", "/run/live")
    machine.add("loop1", behind="")
    (machine.node("loop1") / "loop").mkdir()
    (machine.node("loop1") / "loop/backing_file").write_text("/run/live/root.squashfs\n")
    machine.mount("loop1", "/usr")
    assert uses(machine, "sda") == Uses(system=("/usr",), mounts=("/run/live",))
    assert uses(machine, "loop1").system == ("/usr",)
    assert uses(machine, "sdb") == Uses()


def test_a_file_system_of_several_devices_is_known_by_its_source(machine: Machine) -> None:
    machine.mount("sda2", "/srv", number="0:40")
    assert uses(machine, "sda").system == ("/srv",)


def test_what_is_swapped_to_is_of_the_running_system(machine: Machine) -> None:
    machine.swap("/dev/sda2")
    machine.mount("sdb", "/media/b")
    machine.swap("/media/b/swap\\040file", kind="file")
    assert uses(machine, "sda").system == ("swap",)
    assert uses(machine, "sdb") == Uses(system=("swap",), mounts=("/media/b",))


def test_a_member_of_something_else_is_never_written_to(machine: Machine) -> None:
    machine.stack("dm-1", "sda2", named="vault")
    machine.stack("md127", "sdb")
    assert "is a part of vault (dm-1)" in refusal(machine, "sda", twice=True)
    assert "is a part of md127" in refusal(machine, "sdb", twice=True)


def test_what_is_on_a_mapping_is_found(machine: Machine) -> None:
    machine.stack("dm-1", "sda2", named="vault")
    machine.mount("dm-1", "/media/vault")
    assert uses(machine, "sda").mounts == ("/media/vault",)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"ro": "1"}, "can only be read"),
        ({"size": str(GB // 512)}, "is too small: the image has 2.0 GB"),
        ({"size": "0"}, "there is no card or disk in /dev/sdx"),
    ],
)
def test_what_cannot_be_written_to(machine: Machine, files: dict[str, str], said: str) -> None:
    machine.add("sdx", behind="usb")
    for name, text in files.items():
        (machine.node("sdx") / name).write_text(text)
    assert said in refusal(machine, "sdx", twice=True)


def test_a_partition_is_not_a_disk(machine: Machine) -> None:
    with pytest.raises(ConfigError, match="/dev/sda1 is a partition") as caught:
        disk(machine, "sda1")
    assert "device=/dev/sda" in caught.value.hint


def test_a_device_that_is_gone(machine: Machine) -> None:
    with pytest.raises(ConfigError, match="the kernel knows no device 8:99, which is that of x"):
        find_disk(machine.places, "8:99", Path("x"))


def test_a_slash_of_a_name_is_no_folder(machine: Machine) -> None:
    machine.add("cciss!c0d0")
    assert disk(machine, "cciss!c0d0").path == Path("/dev/cciss/c0d0")

"""The Raspberry Pi's firmware is told of the root, and all that it is told of is there."""

from pathlib import Path

from aimager.sandbox.tree import Tree
from aimager.system.bootloader import raspberry_pi_firmware
from aimager.system.bootloader.raspberry_pi_firmware import command_line_text

ROOT = ("root=PARTUUID=1a2b3c4d-02", "rw")
PACKAGED = "root=/dev/mmcblk0p2 rw rootwait console=serial0,115200 console=tty1 fsck.repair=yes\n"
CONFIGURATION = "initramfs initramfs-linux.img followkernel\ndtoverlay=vc4-kms-v3d\n"


def files(root: Path, *names: str) -> None:
    for name in names:
        path = root / "boot" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text({"config.txt": CONFIGURATION, "cmdline.txt": PACKAGED}.get(name, ""))


def test_the_packages_command_line_gets_another_root() -> None:
    assert command_line_text(PACKAGED, root=ROOT, words=()) == (
        "root=PARTUUID=1a2b3c4d-02 rw rootwait console=serial0,115200 console=tty1"
        " fsck.repair=yes\n"
    )
    assert command_line_text(PACKAGED, root=ROOT, words=("rootwait", "quiet")) == (
        "root=PARTUUID=1a2b3c4d-02 rw rootwait quiet\n"
    )
    read_only = (ROOT[0], "ro", "rootfstype=erofs", "systemd.volatile=state")
    assert command_line_text("rootfstype=ext4 rw quiet", root=read_only, words=()) == (
        "root=PARTUUID=1a2b3c4d-02 ro rootfstype=erofs systemd.volatile=state quiet\n"
    )


def test_install(tmp_path: Path) -> None:
    files(tmp_path, "config.txt", "cmdline.txt")
    raspberry_pi_firmware.install(Tree(tmp_path), root=ROOT, words=())
    assert (tmp_path / "boot/cmdline.txt").read_text().startswith(" ".join((*ROOT, "rootwait ")))
    assert (tmp_path / "boot/config.txt").read_text() == CONFIGURATION


def test_u_boot_needs_no_command_line(tmp_path: Path) -> None:
    files(tmp_path, "config.txt")
    raspberry_pi_firmware.install(Tree(tmp_path), root=ROOT, words=("quiet",))
    assert not (tmp_path / "boot/cmdline.txt").exists()

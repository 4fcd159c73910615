"""What boots an image is looked at when all is in place, whoever put it there."""

import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from aimager.model.board import Board, Bootloader
from aimager.model.partition import FileSystem, Label, MiB, PartitionTable, Role, root_ext4
from boards import BOARDS
from tests.support.bootable_root import BOARD_NAMES, BOX, append, check, make, refused


@pytest.mark.parametrize("board", [*BOARD_NAMES, "orangepi-5-family", "riscv64-uboot"])
def test_what_is_made_is_whole(tmp_path: Path, board: str) -> None:
    make(tmp_path, BOARDS[board])
    check(tmp_path, BOARDS[board])


def test_a_kernel_in_the_roots_own_partition(tmp_path: Path) -> None:
    table = PartitionTable(Label.dos, (root_ext4(),))
    board = replace(BOARDS["aarch64-uboot"], partition_table=table)
    make(tmp_path, board)
    check(tmp_path, board)
    (tmp_path / "boot/vmlinuz-linux").unlink()
    assert "names /boot/vmlinuz-linux, which is missing" in refused(tmp_path, board).message


@pytest.mark.parametrize("board", BOARD_NAMES)
def test_a_missing_initramfs_is_named(tmp_path: Path, board: str) -> None:
    make(tmp_path, BOARDS[board])
    (tmp_path / "boot/initramfs-linux.img").unlink()
    assert "/boot/initramfs-linux.img, which is missing" in refused(tmp_path, BOARDS[board]).message


@pytest.mark.parametrize(
    ("board", "name"),
    [
        ("rpi4", "config.txt"),
        ("rpi4", "start4.elf"),
        ("rpi4", "bcm2711-rpi-4-b.dtb"),
        ("x64-uefi", "EFI/BOOT/BOOTX64.EFI"),
        ("x64-legacy", "syslinux/syslinux.cfg"),
        ("aarch64-uboot", "extlinux/extlinux.conf"),
    ],
)
def test_what_a_script_removed_is_missed(tmp_path: Path, board: str, name: str) -> None:
    make(tmp_path, BOARDS[board])
    (tmp_path / "boot" / name).unlink()
    assert name in refused(tmp_path, BOARDS[board]).message


@pytest.mark.parametrize(
    ("line", "missing"),
    [
        ("kernel=mine.img", "mine.img"),
        ("[pi4]\nkernel=vmlinuz-linuz", "vmlinuz-linuz"),
        ("armstub=stub.bin", "stub.bin"),
        ("device_tree=my.dtb", "my.dtb"),
        ("start_file=start5.elf", "start5.elf"),
        ("fixup_file=fixup5.dat", "fixup5.dat"),
        ("initramfs initramfs-linux.img,other.img followkernel", "other.img"),
        ("ramfsfile=initramfs.img", "initramfs.img"),
        ("include more.txt", "more.txt"),
        ("os_prefix=new/\nkernel=vmlinuz", "vmlinuz"),
    ],
)
def test_an_own_config_txt_names_what_is_there(tmp_path: Path, line: str, missing: str) -> None:
    make(tmp_path, BOARDS["rpi4"])
    (tmp_path / "boot/config.txt").write_text(f"{line}\n")
    told = refused(tmp_path, BOARDS["rpi4"]).message
    assert told == f"/boot/config.txt names /boot/{missing}, which is missing"
    where = "new/" if "os_prefix" in line else ""
    (tmp_path / "boot" / where).mkdir(exist_ok=True)
    (tmp_path / "boot" / where / missing).write_text("x")
    check(tmp_path, BOARDS["rpi4"])


def test_fat_knows_no_case(tmp_path: Path) -> None:
    make(tmp_path, BOARDS["rpi4"])
    (tmp_path / "boot/config.txt").write_text("kernel=Kernel8.IMG\ninitramfs INITRAMFS-linux.img\n")
    check(tmp_path, BOARDS["rpi4"])


def test_an_own_command_line_names_the_root(tmp_path: Path) -> None:
    board = BOARDS["rpi4"]
    ids = make(tmp_path, board)
    file = tmp_path / "boot/cmdline.txt"
    for text in ("console=tty1 rootwait\n", "", "quiet\nroot=LABEL=root\n", "xroot=x bootroot=x"):
        file.write_text(text)
        error = refused(tmp_path, board)
        assert "/boot/cmdline.txt has a command line without root=" in error.message
        assert "append-all=" in error.hint
    own = f"root=PARTUUID={ids.disk}-02"
    for text in (
        "root=LABEL=root rw",
        "root=/dev/mmcblk0p2",
        own,
        own.replace(ids.disk, ids.disk.upper()),
    ):
        file.write_text(f"{text} rootwait\n")
        check(tmp_path, board)
    file.write_text("root=PARTUUID=12345678-02 rw\n")
    assert (
        "names the root PARTUUID=12345678-02, but the image's is"
        in refused(tmp_path, board).message
    )
    (tmp_path / "boot/config.txt").write_text("cmdline=other.txt\n")
    (tmp_path / "boot/other.txt").write_text("quiet\n")
    assert "/boot/other.txt has a command line without" in refused(tmp_path, board).message


def test_a_command_line_that_is_not_there(tmp_path: Path) -> None:
    board, file = BOARDS["rpi4"], tmp_path / "boot/cmdline.txt"
    make(tmp_path, board)
    text = file.read_text()
    file.unlink()
    told = refused(tmp_path, board).message
    assert told.startswith("/boot/cmdline.txt is missing, in which the firmware looks")
    file.write_text(text)
    (tmp_path / "boot/config.txt").write_text("cmdline=other.txt\n")
    assert "/boot/other.txt is missing" in refused(tmp_path, board).message
    (tmp_path / "boot/config.txt").write_text("os_prefix=new/\n")
    check(tmp_path, board)
    (tmp_path / "boot/new").mkdir()
    file.rename(tmp_path / "boot/new/cmdline.txt")
    check(tmp_path, board)


@pytest.mark.parametrize(
    ("devicetree", "hint"),
    [
        ("rockchip/rk3328-rock46.dtb", "rockchip/rk3328-rock64.dtb"),
        ("rockchip/rk3328-rock64", "rockchip/rk3328-rock64.dtb"),
        ("rk3328-rock64.dtb", "rockchip/rk3328-rock64.dtb"),
        ("rockchip/PLEASE_SET_ME.dtb", "rockchip/rk3328-rock-pi-e.dtb"),
        ("amlogic/PLEASE_SET_ME.dtb", f"amlogic/{BOX}"),
    ],
)
def test_a_wrong_device_tree_is_refused_by_name(tmp_path: Path, devicetree: str, hint: str) -> None:
    board = replace(BOARDS["aarch64-uboot"], devicetree=devicetree)
    make(tmp_path, board)
    error = refused(tmp_path, board)
    assert error.message == (
        f"the board's devicetree= is {devicetree}, which is not in /boot/dtbs/linux"
    )
    assert hint in error.hint
    (tmp_path / "boot/dtbs/linux" / devicetree).write_text("x")
    check(tmp_path, board)


def test_the_box_of_amlogic_has_to_be_named(tmp_path: Path) -> None:
    board = BOARDS["amlogic-s9xxx"]
    make(tmp_path, board)
    assert "amlogic/PLEASE_SET_ME.dtb" in refused(tmp_path, board).message


def image(size: int, memory: int | None = None) -> Callable[[Path], None]:
    """Writes a kernel of ``size`` bytes, an Image that says it takes ``memory`` if that is told."""

    def write(path: Path) -> None:
        head = bytearray(64)
        if memory is not None:
            struct.pack_into("<Q", head, 16, memory)
            head[56:60] = b"ARM\x64"
        with path.open("wb") as stream:
            stream.write(head)
            stream.truncate(size)

    return write


@pytest.mark.parametrize(
    ("write", "fits"),
    [
        (image(30 * MiB, 31 * MiB), True),
        (image(30 * MiB, 63 * MiB // 2), True),
        (image(30 * MiB, 32 * MiB), False),
        (image(32 * MiB, 0), False),
        (image(31 * MiB), True),
        (image(63 * MiB // 2 + 1), False),
    ],
)
def test_a_kernel_ends_before_the_initramfs(
    tmp_path: Path, write: Callable[[Path], None], fits: bool
) -> None:
    board = BOARDS["rock64"]
    make(tmp_path, board)
    write(tmp_path / "boot/vmlinuz-linux")
    if fits:
        check(tmp_path, board)
        return
    told = refused(tmp_path, board).message
    assert "the kernel /boot/vmlinuz-linux takes 32 MiB of memory" in told
    assert "loads another file 32256 KiB after its start" in told
    check(tmp_path, replace(board, kernel_room=None))


EXTLINUX = "extlinux/extlinux.conf"


@pytest.mark.parametrize("board", ["armv7h-uboot", "aarch64-uboot"])
def test_case_makes_a_difference_where_the_file_system_says_so(tmp_path: Path, board: str) -> None:
    on_fat = BOARDS[board]
    make(tmp_path, on_fat)
    append(tmp_path, EXTLINUX, "/vmlinuz-linux", "/VMLINUZ-linux")
    check(tmp_path, on_fat)
    told = refused(tmp_path, on_ext4(board)).message
    assert "names /boot/VMLINUZ-linux, which is missing" in told


SYSLINUX, ENTRY = "syslinux/syslinux.cfg", "loader/entries/linux.conf"


def on_ext4(name: str) -> Board:
    board = BOARDS[name]
    assert board.partition_table
    table = board.partition_table.changed(Role.boot, file_system=FileSystem.ext4)
    return replace(board, partition_table=table)


@pytest.mark.parametrize(
    ("board", "file"),
    [
        ("aarch64-uboot", EXTLINUX),
        ("x64-legacy", SYSLINUX),
        ("x64-uefi", ENTRY),
        ("rpi4", "config.txt"),
        ("rpi4", "cmdline.txt"),
    ],
)
def test_a_configuration_is_read_whatever_its_case(tmp_path: Path, board: str, file: str) -> None:
    make(tmp_path, BOARDS[board])
    at = tmp_path / "boot"
    for part in Path(file).parts:
        at = (at / part).rename(at / part.upper())
    other = tmp_path / "boot" / file.upper()
    check(tmp_path, BOARDS[board])
    other.write_text(other.read_text().replace("initramfs-linux", "no").replace("root=", "no="))
    told = refused(tmp_path, BOARDS[board]).message
    assert told.startswith(f"/boot/{file.upper()} ")


@pytest.mark.parametrize(
    ("board", "file", "told"),
    [
        ("rock64", EXTLINUX, f"/boot has no {EXTLINUX}, by which"),
        ("rock64", "vmlinuz-linux", "names /boot/vmlinuz-linux, which is missing"),
        ("x64-legacy", SYSLINUX, f"/boot has no {SYSLINUX}, by which"),
        ("rpi4", "config.txt", "there is no config.txt in /boot"),
        ("rpi4", "cmdline.txt", "/boot/cmdline.txt is missing"),
        ("rpi4", "start4.elf", "/boot has no start4.elf, which the machine's firmware"),
    ],
)
def test_case_counts_on_ext4(tmp_path: Path, board: str, file: str, told: str) -> None:
    make(tmp_path, on_ext4(board))
    path = tmp_path / "boot" / file
    path.rename(path.with_name(path.name.upper()))
    assert told in refused(tmp_path, on_ext4(board)).message


@pytest.mark.parametrize(("board", "file"), [("rock64", EXTLINUX), ("x64-legacy", SYSLINUX)])
def test_a_folder_is_no_kernel(tmp_path: Path, board: str, file: str) -> None:
    make(tmp_path, BOARDS[board])
    (tmp_path / "boot/other").mkdir()
    append(tmp_path, file, "/vmlinuz-linux", "/other")
    told = refused(tmp_path, BOARDS[board]).message
    assert told == f"/boot/{file} names the kernel /boot/other, which is not a file"


def test_u_boot_has_a_command_line_of_its_own(tmp_path: Path) -> None:
    board = BOARDS["aarch64-rpi-uboot"]
    assert Bootloader.raspberry_pi_firmware in board.bootloaders
    make(tmp_path, board)
    (tmp_path / "boot/cmdline.txt").write_text("console=tty1\n")
    check(tmp_path, board)

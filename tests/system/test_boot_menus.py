"""Menus of boot loaders that the user brings name what is there, and the image's root."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from aimager.model.partition import FileSystem, Role
from boards import BOARDS
from tests.support.bootable_root import append, check, make, refused
from tests.support.line_ends import LINE_ENDS


@pytest.mark.parametrize(
    ("board", "file"),
    [
        ("x64-legacy", "syslinux/syslinux.cfg"),
        ("aarch64-uboot", "extlinux/extlinux.conf"),
        ("x64-uefi", "loader/entries/linux.conf"),
    ],
)
@pytest.mark.parametrize("image", ["other", "/other", "/sub/other"])
def test_an_own_menu_names_what_is_there(tmp_path: Path, board: str, file: str, image: str) -> None:
    make(tmp_path, BOARDS[board])
    append(tmp_path, file, "/initramfs-linux.img", image)
    assert f"/boot/{file} names /boot/" in refused(tmp_path, BOARDS[board]).message
    folder = "" if image.startswith("/") or board == "x64-uefi" else file.rpartition("/")[0]
    path = tmp_path / "boot" / folder / image.lstrip("/")
    path.parent.mkdir(exist_ok=True)
    path.write_text("x")
    check(tmp_path, BOARDS[board])


@pytest.mark.parametrize(
    ("board", "file"),
    [("x64-legacy", "syslinux/syslinux.cfg"), ("aarch64-uboot", "extlinux/extlinux.conf")],
)
def test_an_own_menu_names_the_root(tmp_path: Path, board: str, file: str) -> None:
    ids = make(tmp_path, BOARDS[board])
    append(tmp_path, file, "root=UUID=", "real_root=UUID=")
    assert f"/boot/{file} has a command line without" in refused(tmp_path, BOARDS[board]).message
    append(tmp_path, file, "real_root=UUID=" + ids.file_system("root"), f"root=UUID={ids.disk}")  # type: ignore[arg-type]
    assert "but the image's is UUID=" in refused(tmp_path, BOARDS[board]).message


@pytest.mark.parametrize(
    ("board", "file"),
    [("x64-legacy", "syslinux/syslinux.cfg"), ("aarch64-uboot", "extlinux/extlinux.conf")],
)
@pytest.mark.parametrize("word", ["LINUX", "INITRD", "APPEND"])
def test_words_of_a_menu_may_be_set_apart_by_tabs(
    tmp_path: Path, board: str, file: str, word: str
) -> None:
    make(tmp_path, BOARDS[board])
    append(tmp_path, file, f"{word} ", f"{word}\t")
    check(tmp_path, BOARDS[board])
    append(tmp_path, file, f"{word}\t", f"{word}\tother-")
    assert f"/boot/{file} " in refused(tmp_path, BOARDS[board]).message


def test_a_command_line_for_all_of_syslinux(tmp_path: Path) -> None:
    board, file = BOARDS["x64-legacy"], tmp_path / "boot/syslinux/syslinux.cfg"
    make(tmp_path, board)
    append(tmp_path, "syslinux/syslinux.cfg", "APPEND ", "# ")
    text = file.read_text()
    file.write_text(f"APPEND root=LABEL=root rw\n{text}")
    check(tmp_path, board)
    file.write_text(f"APPEND root=LABEL=root rw\n{text}\n    APPEND quiet\n")
    assert "has a command line without root=" in refused(tmp_path, board).message


def test_device_trees_of_u_boots_menu(tmp_path: Path) -> None:
    board, file = BOARDS["aarch64-uboot"], "extlinux/extlinux.conf"
    make(tmp_path, board)
    append(tmp_path, file, "FDTDIR /dtbs/linux", "FDT -")
    check(tmp_path, board)
    append(tmp_path, file, "FDT -", "DEVICETREEDIR /dtbs/other")
    assert "names /boot/dtbs/other, which is missing" in refused(tmp_path, board).message


def test_a_menu_may_start_other_programs(tmp_path: Path) -> None:
    make(tmp_path, BOARDS["x64-legacy"])
    with (tmp_path / "boot/syslinux/syslinux.cfg").open("a") as stream:
        stream.write("LABEL off\n COM32 poweroff.c32\nLABEL info\n KERNEL hdt.c32\n")
    check(tmp_path, BOARDS["x64-legacy"])


@pytest.mark.parametrize("program", ["memtest.bin", "memtest.efi", "MEMTEST.BIN", "reboot.c32"])
@pytest.mark.parametrize("word", ["LINUX", "KERNEL"])
def test_a_program_with_a_kernels_header_needs_no_root(
    tmp_path: Path, program: str, word: str
) -> None:
    make(tmp_path, BOARDS["x64-legacy"])
    with (tmp_path / "boot/syslinux/syslinux.cfg").open("a") as stream:
        stream.write(f"LABEL memtest\n {word} ../memtest86+/{program}\n")
    if word == "LINUX":
        told = refused(tmp_path, BOARDS["x64-legacy"]).message
        assert told.endswith(f" names /boot/memtest86+/{program}, which is missing")
    (tmp_path / "boot/memtest86+").mkdir()
    (tmp_path / "boot/memtest86+" / program.lower()).touch()
    check(tmp_path, BOARDS["x64-legacy"])


@pytest.mark.parametrize("kernel", ["vmlinuz-6.0", "kernel8.img", "Image"])
def test_a_kernel_of_any_name_needs_a_root(tmp_path: Path, kernel: str) -> None:
    make(tmp_path, BOARDS["x64-legacy"])
    (tmp_path / "boot" / kernel).touch()
    with (tmp_path / "boot/syslinux/syslinux.cfg").open("a") as stream:
        stream.write(f"LABEL other\n LINUX /{kernel}\n")
    assert "without root=" in refused(tmp_path, BOARDS["x64-legacy"]).message


@pytest.mark.parametrize("word", ["KERNEL", "LINUX"])
@pytest.mark.parametrize("named", ["/fitImage", "/sub/fitImage.itb"])
def test_a_configuration_of_a_fit_image_is_no_part_of_its_name(
    tmp_path: Path, word: str, named: str
) -> None:
    board, file = BOARDS["aarch64-uboot"], "extlinux/extlinux.conf"
    ids = make(tmp_path, board)
    label = f"{named}#conf-1"
    text = f"LABEL a\n {word} {label}\n INITRD {label}\n FDT {label}\n APPEND root="
    (tmp_path / "boot" / file).write_text(f"{text}UUID={ids.file_system(Role.root)}\n")
    told = refused(tmp_path, board).message
    assert told == f"/boot/{file} names /boot{named}, which is missing"
    (tmp_path / f"boot{named}").parent.mkdir(exist_ok=True)
    (tmp_path / f"boot{named}").touch()
    check(tmp_path, board)
    (tmp_path / "boot" / file).write_text(f"{text}\n")
    assert "without root=" in refused(tmp_path, board).message


def test_the_hint_names_the_root_as_the_image_can(tmp_path: Path) -> None:
    board, file = BOARDS["aarch64-uboot"], "extlinux/extlinux.conf"
    assert board.partition_table
    for kind, place in (
        (FileSystem.ext4, "root=LABEL=root rw"),
        (FileSystem.btrfs, "root=LABEL=root rw rootfstype=btrfs"),
        (FileSystem.erofs, "root=LABEL=root ro rootfstype=erofs systemd.volatile=state"),
        (FileSystem.squashfs, "ro rootfstype=squashfs systemd.volatile=state"),
    ):
        table = board.partition_table.changed(Role.root, file_system=kind)
        changed = replace(board, partition_table=table)
        ids = make(tmp_path, changed)
        place = place if "root=" in place else f"root=PARTUUID={ids.partuuid(Role.root)} {place}"
        text = (tmp_path / "boot" / file).read_text()
        (tmp_path / "boot" / file).write_text(text.replace("root=", "other="))
        assert f"add {place} to that file" in refused(tmp_path, changed).hint
        (tmp_path / "boot" / file).write_text(re.sub(r"root=\S+", "root=UUID=1-2", text))
        if "LABEL" in place:
            assert f"write {place.split()[0]} there" in refused(tmp_path, changed).hint


def test_systemd_boot_finds_a_root_by_its_type(tmp_path: Path) -> None:
    board = BOARDS["x64-uefi"]
    make(tmp_path, board)
    file = tmp_path / "boot/loader/entries/linux.conf"
    file.write_text("title Shell\nefi /shell.efi\n")
    assert "names /boot/shell.efi" in refused(tmp_path, board).message
    (file.parent / "masked.conf").symlink_to("/dev/null")
    (file.parent / "folder.conf").mkdir()
    file.write_bytes(b"title Caf\xe9\nlinux /vmlinuz-linux\noptions quiet\n")
    check(tmp_path, board)
    file.write_text("title A\nlinux /vmlinuz-linux\noptions root=UUID=1-2\noptions rw\n")
    assert "names the root UUID=1-2" in refused(tmp_path, board).message


@pytest.mark.parametrize("end", LINE_ENDS)
@pytest.mark.parametrize(
    ("board", "file", "line"),
    [
        ("x64-legacy", "syslinux/syslinux.cfg", "MENU TITLE A{end}LINUX /no"),
        ("aarch64-uboot", "extlinux/extlinux.conf", "MENU TITLE A{end}LINUX /no"),
        ("x64-uefi", "loader/entries/linux.conf", "title A{end}linux /no"),
        ("rpi4", "config.txt", "#{end}kernel=no"),
    ],
)
def test_a_line_of_a_menu_ends_at_a_newline_alone(
    tmp_path: Path, board: str, file: str, line: str, end: str
) -> None:
    make(tmp_path, BOARDS[board])
    with (tmp_path / "boot" / file).open("a") as stream:
        stream.write(f"\n{line.format(end=end)}\n")
    check(tmp_path, BOARDS[board])

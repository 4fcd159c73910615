"""Menus of boot loaders that the user brings name what is there, and the image's root."""

from pathlib import Path

import pytest

from boards import BOARDS
from tests.support.bootable_root import append, check, make, refused


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

"""What follows from the data of a board."""

from aimager.model.board import Board, Boot, Bootloader, Firmware, RawPiece

BOARD = Board(
    id="pc",
    name="PC",
    kernels=("linux",),
    packages=("tree", "vim"),
    bootloaders=tuple(Bootloader),
    devicetree="a.dtb",
    boot_files=("start.elf",),
    raw_pieces=(RawPiece("boot/x", 512),),
)


def test_all_packages() -> None:
    assert BOARD.installs == ("linux", "tree", "vim")


def test_what_its_images_boot_by() -> None:
    assert BOARD.boot == Boot(
        bootloaders=tuple(Bootloader),
        devicetree="a.dtb",
        files=("start.elf",),
        raw_pieces=(RawPiece("boot/x", 512),),
        kernels=("linux",),
    )


def test_each_boot_loader_is_for_a_firmware() -> None:
    kinds = (Firmware.uefi, Firmware.bios, Firmware.u_boot, Firmware.raspberry_pi)
    assert BOARD.firmware == kinds


def test_a_raw_piece_is_all_of_a_file_unless_told() -> None:
    piece = RawPiece("boot/x", 512)
    assert (piece.skip, piece.size) == (0, None)

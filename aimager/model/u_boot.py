"""Where systems on a chip look for U-Boot on a card, by the dd(1) lines of the ports' packages.

``folder`` is where a package keeps its files, in the root and without a leading slash. The places
are those of Arch Linux ARM's packages uboot-rock64, uboot-odroid-m1, uboot-sunxi, uboot-odroid-c2
and uboot-odroid-n2; names of files that those lines leave open are unverified.
"""

from aimager.model.board import RawPiece

_SECTOR = 512
_ROCKCHIP = "u-boot-rockchip.bin"
_ROCKCHIP_U_BOOT = 16384 * _SECTOR


def rockchip(folder: str = "boot", file: str = _ROCKCHIP) -> tuple[RawPiece, ...]:
    """One file with all stages, of U-Boot's since 2023 or so, as for RK3566 and RK3588.

    By its usual name it goes beyond 8 MiB, where it has what `rockchip_in_two` has in a file of its
    own (SPL_PAD_TO of U-Boot's common/spl/Kconfig).
    """
    place = 64 * _SECTOR
    least = _ROCKCHIP_U_BOOT - place + 1 if file == _ROCKCHIP else 1
    return (RawPiece(f"{folder}/{file}", place, least=least),)


def rockchip_in_two(folder: str = "boot") -> tuple[RawPiece, ...]:
    """The first stages, and at 8 MiB U-Boot itself, as for RK3328."""
    return (
        RawPiece(f"{folder}/rksd_loader.img", 64 * _SECTOR),
        RawPiece(f"{folder}/u-boot.itb", _ROCKCHIP_U_BOOT),
    )


def allwinner(folder: str = "boot") -> tuple[RawPiece, ...]:
    """At 8 KiB, which is amid the entries of a GPT: the disk needs a DOS label."""
    return (RawPiece(f"{folder}/u-boot-sunxi-with-spl.bin", 8192),)


def amlogic_g12(folder: str = "boot") -> tuple[RawPiece, ...]:
    """Around the partition table of a DOS label, whose place the file leaves free."""
    file = f"{folder}/u-boot.bin.sd.bin"
    return (RawPiece(file, 0, size=440), RawPiece(file, _SECTOR, skip=_SECTOR))


def amlogic_gxbb(folder: str = "boot") -> tuple[RawPiece, ...]:
    """The vendor's signed first stage around the partition table, then U-Boot at sector 97."""
    first = f"{folder}/bl1.bin.hardkernel"
    return (
        RawPiece(first, 0, size=440),
        RawPiece(first, _SECTOR, skip=_SECTOR),
        RawPiece(f"{folder}/u-boot.bin", 97 * _SECTOR),
    )

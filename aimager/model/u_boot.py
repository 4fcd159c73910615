"""Where systems on a chip look for U-Boot on a card, by the dd(1) lines of the ports' packages.

``folder`` is where a package keeps its files, in the root and without a leading slash. Places and
names are those of Arch Linux ARM's packages (archlinuxarm/PKGBUILDs, alarm/uboot-*, of 2026-08-22).
"""

from aimager.model.board import RawPiece

_SECTOR = 512
_KIB = 1024
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


def amlogic_gxbb(folder: str = "boot", file: str = "u-boot.bin") -> tuple[RawPiece, ...]:
    """The vendor's signed first stage around the partition table, then U-Boot at sector 97.

    The package's own lines write 442 bytes of the first stage to the disk's start, the last two of
    which are those of the label's id; whether the chip reads these is unverified [U].
    """
    first = f"{folder}/bl1.bin.hardkernel"
    return (
        RawPiece(first, 0, size=440),
        RawPiece(first, _SECTOR, skip=_SECTOR),
        RawPiece(f"{folder}/{file}", 97 * _SECTOR),
    )


def imx(folder: str = "boot", file: str = "u-boot.imx") -> tuple[RawPiece, ...]:
    """One file at 1 KiB, which is amid the entries of a GPT: the disk needs a DOS label."""
    return (RawPiece(f"{folder}/{file}", _KIB),)


def imx_spl(folder: str = "boot") -> tuple[RawPiece, ...]:
    """The first stage at 1 KiB, for which the disk needs a DOS label, and U-Boot at 69 KiB."""
    return (RawPiece(f"{folder}/SPL", _KIB), RawPiece(f"{folder}/u-boot.img", 69 * _KIB))


def omap(folder: str = "boot") -> tuple[RawPiece, ...]:
    """The first stage at the second of four places where the ROM of TI's OMAP4 and AM335x looks."""
    return (RawPiece(f"{folder}/MLO", 128 * _KIB), RawPiece(f"{folder}/u-boot.img", 384 * _KIB))


def exynos(folder: str = "boot", suffix: str = "bin") -> tuple[RawPiece, ...]:
    """Samsung's two signed stages, U-Boot and the secure monitor, from sector 1 of a card on.

    The first is where a GPT would be: the disk needs a DOS label. The boot partition of an eMMC has
    them one sector earlier, and is none of an image's.
    """
    return (
        RawPiece(f"{folder}/bl1.{suffix}", 1 * _SECTOR),
        RawPiece(f"{folder}/bl2.{suffix}", 31 * _SECTOR),
        RawPiece(f"{folder}/u-boot.bin", 63 * _SECTOR),
        RawPiece(f"{folder}/tzsw.{suffix}", 2111 * _SECTOR),
    )


def armada_8k(folder: str = "boot") -> tuple[RawPiece, ...]:
    """Marvell's stages and U-Boot in one file at 2 MiB."""
    return (RawPiece(f"{folder}/flash-image.bin", 4096 * _SECTOR),)

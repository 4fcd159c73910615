"""The places of U-Boot on a card are those of the dd(1) lines of the ports' packages."""

import pytest

from aimager.model.board import RawPiece
from aimager.model.u_boot import (
    allwinner,
    amlogic_g12,
    amlogic_gxbb,
    armada_8k,
    exynos,
    imx,
    imx_spl,
    omap,
    rockchip,
    rockchip_in_two,
)

KiB = 1024


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (rockchip(), [RawPiece("boot/u-boot-rockchip.bin", 32 * KiB, least=8160 * KiB + 1)]),
        (
            rockchip("usr/lib", "x.bin"),
            [RawPiece("usr/lib/x.bin", 32 * KiB)],
        ),
        (
            rockchip_in_two(),
            [RawPiece("boot/rksd_loader.img", 32 * KiB), RawPiece("boot/u-boot.itb", 8192 * KiB)],
        ),
        (allwinner(), [RawPiece("boot/u-boot-sunxi-with-spl.bin", 8 * KiB)]),
        (
            amlogic_g12(),
            [
                RawPiece("boot/u-boot.bin.sd.bin", 0, size=440),
                RawPiece("boot/u-boot.bin.sd.bin", 512, skip=512),
            ],
        ),
        (
            amlogic_gxbb(),
            [
                RawPiece("boot/bl1.bin.hardkernel", 0, size=440),
                RawPiece("boot/bl1.bin.hardkernel", 512, skip=512),
                RawPiece("boot/u-boot.bin", 97 * 512),
            ],
        ),
        (imx("usr/lib", "x.imx"), [RawPiece("usr/lib/x.imx", KiB)]),
        (imx_spl(), [RawPiece("boot/SPL", KiB), RawPiece("boot/u-boot.img", 69 * KiB)]),
        (omap(), [RawPiece("boot/MLO", 128 * KiB), RawPiece("boot/u-boot.img", 384 * KiB)]),
        (
            exynos(suffix="X"),
            [
                RawPiece("boot/bl1.X", 512),
                RawPiece("boot/bl2.X", 31 * 512),
                RawPiece("boot/u-boot.bin", 63 * 512),
                RawPiece("boot/tzsw.X", 2111 * 512),
            ],
        ),
        (armada_8k(), [RawPiece("boot/flash-image.bin", 2048 * KiB)]),
    ],
)
def test_places(pieces: tuple[RawPiece, ...], expected: list[RawPiece]) -> None:
    assert list(pieces) == expected
    assert pieces[-1].size is None, "all of the file"

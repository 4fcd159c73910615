"""Architectures are asked for by pacman's names, and by those of uname."""

from pathlib import Path

from aimager.config.build import read_build
from aimager.model.architecture import Architecture

HERE = Path("/somewhere")


def test_an_architecture_may_be_named_as_uname_does() -> None:
    for distro, name, architecture in (
        ("loongarch", "loongarch64", Architecture.loong64),
        ("alarm", "armv7l", Architecture.armv7h),
        ("arch32", "pentium4", Architecture.pentium4),
        ("arch32", "i686", Architecture.i686),
    ):
        build = read_build({"distro": distro, "arch": name}, HERE)
        assert build
        assert build.platform.architecture is architecture


def test_an_architecture_alone_is_no_build() -> None:
    assert read_build({"arch": "riscv64,i686"}, HERE) is None

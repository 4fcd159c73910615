"""Builds: their names, and what is installed for them."""

from pathlib import Path

import pytest

from aimager.architecture import Architecture
from aimager.board import Board, Initramfs
from aimager.build import Build, Product, Tools
from aimager.distro import Platform
from aimager.distros.archlinuxarm import DISTRO
from aimager.partition import GiB, Label, PartitionTable, Role, boot_fat, root_ext4
from aimager.setup import Setup

PLATFORM = Platform(DISTRO, Architecture.aarch64)
TABLE = PartitionTable(Label.gpt, (boot_fat(GiB), root_ext4(), root_ext4()))
PI = Setup("pi")


def make_build(board: Board, setup: Setup = PI, packages: tuple[str, ...] = ()) -> Build:
    return Build(board, PLATFORM, (Product.root_tar,), Path("/out"), setup, packages=packages)


def test_ids() -> None:
    assert PLATFORM.id == "archlinuxarm-aarch64"
    assert make_build(Board("rpi4", "Pi")).id == "archlinuxarm-aarch64-rpi4"


def test_what_is_installed_is_named_once_and_in_order() -> None:
    board = Board(
        "b", "B", kernels=("linux",), packages=("firmware", "vim"), initramfs=Initramfs.booster
    )
    assert make_build(board).installs == ("linux", "booster", "firmware", "vim")
    build = make_build(board, Setup("pi", sudo_groups=("wheel",)), packages=("vim", "git"))
    assert build.installs == ("linux", "booster", "firmware", "vim", "sudo", "git")


def test_tools_of_the_boards_file_systems_are_welcome() -> None:
    board = Board("b", "B", partition_table=TABLE)
    assert make_build(board).welcome == ("dosfstools", "e2fsprogs")
    assert make_build(Board("none", "none")).welcome == ()


@pytest.mark.parametrize(
    ("product", "role"),
    [
        (Product.root_tar, None),
        (Product.disk, None),
        (Product.part_boot, Role.boot),
        (Product.part_root, Role.root),
    ],
)
def test_every_partition_has_a_product_of_its_name(product: Product, role: Role | None) -> None:
    assert product.role is role
    if role:
        assert product.value == f"part-{role}.img"


def test_values_of_the_command_line() -> None:
    assert [p.value for p in Product] == ["root.tar", "disk.img", "part-boot.img", "part-root.img"]
    assert [t.value for t in Tools] == ["borrowed", "host"]

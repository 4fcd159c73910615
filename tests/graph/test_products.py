"""Builds: their names, and what is installed for them."""

from dataclasses import replace
from pathlib import Path

import pytest

from aimager.distros.archlinuxarm import DISTRO
from aimager.model.architecture import Architecture
from aimager.model.board import Board, Initramfs
from aimager.model.build import Build, Tools
from aimager.model.distro import Platform
from aimager.model.partition import GiB, Label, PartitionTable, Role, boot_fat, root_ext4
from aimager.model.product import Compression, Product
from aimager.model.settings import Settings

PLATFORM = Platform(DISTRO, Architecture.aarch64)
TABLE = PartitionTable(Label.gpt, (boot_fat(GiB), root_ext4(), root_ext4()))
PI = Settings("pi")


def make_build(board: Board, packages: tuple[str, ...] = (), needs: tuple[str, ...] = ()) -> Build:
    products = (Product.root_tar,)
    return Build(board, PLATFORM, products, Path("/out"), PI, packages=packages, needs=needs)


def test_ids() -> None:
    assert PLATFORM.id == "archlinuxarm-aarch64"
    assert make_build(Board("rpi4", "Pi")).id == "archlinuxarm-aarch64-rpi4"


def test_what_is_installed_is_named_once_and_in_order() -> None:
    board = Board(
        "b", "B", kernels=("linux",), packages=("firmware", "vim"), initramfs=Initramfs.booster
    )
    assert make_build(board).installs == ("linux", "firmware", "vim")
    assert make_build(board).initramfs == "booster"
    build = make_build(board, packages=("vim", "git"), needs=("sudo",))
    assert build.installs == ("linux", "firmware", "vim", "sudo", "git")


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


def test_the_names_of_all_results() -> None:
    build = replace(
        make_build(Board("rpi4", "Pi")),
        products=(Product.disk, Product.root_tar),
        compressions=(Compression.zst, Compression.xz),
    )
    assert build.results == (
        *("disk.img", "root.tar"),
        *("disk.img.zst", "disk.img.xz", "root.tar.zst", "root.tar.xz"),
        *("disk.img.bmap", "packages.spdx.json", "manifest.json", "SHA256SUMS"),
    )
    assert make_build(Board("none", "none")).results == (
        *("root.tar", "packages.spdx.json", "manifest.json", "SHA256SUMS"),
    )


DISKS = ("disk.img", "disk.qcow2")


def test_values_of_the_command_line() -> None:
    parts = [f"part-{role}.img" for role in ("boot", "root", "home", "swap")]
    roots, images = ["root.tar", "oci.tar", "root.wsl", "nspawn.tar"], [*DISKS, *parts]
    assert [p.value for p in Product] == [*roots, *images, "keyring-helper.tar"]
    assert [p.value for p in Product if p.is_image] == images
    assert [t.value for t in Tools] == ["borrowed", "host"]

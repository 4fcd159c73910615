"""What is made, and what container engines call it."""

from pathlib import Path

import pytest

from aimager.config.build import read_build
from aimager.config.products import read_name_and_tag
from aimager.errors import ConfigError
from aimager.model.build import Build
from aimager.model.product import Product


def read(**words: str) -> Build:
    named = {name.replace("_", "-"): value for name, value in words.items()}
    build = read_build(named, Path("/here"))
    assert build
    return build


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("arch", "arch:latest"),
        ("me/arch:2025-11", "me/arch:2025-11"),
        ("quay.io/me/arch", "quay.io/me/arch:latest"),
        ("Registry.example.org/arch:V1", "Registry.example.org/arch:V1"),
        ("store:5000/arch", "store:5000/arch:latest"),
        ("localhost/a__b.c---d:_x", "localhost/a__b.c---d:_x"),
    ],
)
def test_a_name_may_have_a_tag(text: str, name: str) -> None:
    assert read_name_and_tag(text) == name


@pytest.mark.parametrize(
    "text",
    [
        *("", "Arch", "arch:", ":tag", "arch:a b", "a//b", "/arch", "arch/", "a___b", "-arch"),
        *("-a.b/arch", "a-.b/arch", "a..b:5000/arch", "a.:5000/arch", "-:1/arch"),
        *("arch@sha256:0", "https://quay.io/arch", f"arch:{'a' * 129}", "a" * 256, "ä"),
    ],
)
def test_what_registries_refuse_is_no_name(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_name_and_tag(text)
    assert caught.value.message == f"oci-name={text} is not the name of an image"


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ({"distro": "archlinux"}, "archlinux:latest"),
        ({"distro": "archlinuxarm"}, "archlinuxarm:latest"),
        ({"board": "x64-uefi"}, "archlinux-x64-uefi:latest"),
        ({"distro": "archlinux", "oci_name": "me/x"}, "me/x:latest"),
    ],
)
def test_an_image_is_called_by_distribution_and_board(words: dict[str, str], name: str) -> None:
    assert read(**words, create="oci.tar").image_name == name
    assert read_name_and_tag(name) == name


def test_a_name_without_an_image_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        read(distro="archlinux", oci_name="arch")
    assert caught.value.message == "oci-name= has no effect without create=oci.tar"


def test_every_board_can_be_what_is_no_disk() -> None:
    for board in ("none", "x64-uefi"):
        build = read(distro="archlinux", board=board, create="oci.tar,root.wsl,nspawn.tar")
        assert build.products == (Product.oci, Product.wsl, Product.nspawn)


@pytest.mark.parametrize("arch", ["riscv64", "armv7h"])
def test_windows_runs_on_few_architectures(arch: str) -> None:
    distro = {"riscv64": "archriscv", "armv7h": "archlinuxarm"}[arch]
    with pytest.raises(ConfigError) as caught:
        read(distro=distro, arch=arch, create="root.wsl")
    assert caught.value.message == (
        f"create=root.wsl cannot be made for {arch}: Windows runs on x86_64, aarch64"
    )


def test_qemu_img_is_borrowed_where_it_is_needed() -> None:
    assert "qemu-img" in read(board="x64-uefi", create="disk.qcow2").makers
    assert "qemu-img" not in read(board="x64-uefi", create="disk.img").makers
    with pytest.raises(ConfigError, match=r"create=disk\.qcow2 cannot be made for the board none"):
        read(distro="archlinux", create="disk.qcow2")

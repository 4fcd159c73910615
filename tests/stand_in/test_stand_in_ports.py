"""The ports that the stand-in mirror plays: they are those that aimager knows, laid out alike."""

import gzip
import struct
from pathlib import Path

import pytest
import zstandard

from aimager.distros import DISTROS, THIRD_PARTY_REPOSITORIES
from aimager.model.architecture import Architecture
from aimager.model.build import MirrorChoice
from aimager.model.distro import Platform
from aimager.packages.mirrors import expand, repository_urls
from aimager.packages.repository_sections import repositories
from aimager.stand_in.contents import gather_files
from aimager.stand_in.firmware import gather_firmware
from aimager.stand_in.kernel_debs import find_kernel, is_part, oldest
from aimager.stand_in.kernels import gather_alarm_kernel, gather_kernel
from aimager.stand_in.keyrings import gather_keyring
from aimager.stand_in.port_recipes import list_port_recipes
from aimager.stand_in.ports import PORTS, Port
from aimager.stand_in.recipe import Recipe
from aimager.stand_in.recipes import list_recipes, list_wanted_debs
from aimager.stand_in.tables import CONTENT
from tests.support.stand_in_debs import make_deb

every_port = pytest.mark.parametrize("port", PORTS.values(), ids=PORTS)
PLATFORMS = [Platform(distro, a) for distro in DISTROS for a in distro.architectures]


def test_every_platform_has_its_port() -> None:
    assert {(p.distro.id, p.architecture) for p in PLATFORMS} == {
        (port.distro, port.arch) for port in PORTS.values()
    }


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda p: p.id)
def test_repositories_lie_where_a_build_asks_for_them(platform: Platform) -> None:
    port = PORTS[platform.architecture]
    for name in port.repositories:
        urls = repository_urls(platform, name, MirrorChoice(("http://m",)))
        assert urls == (f"http://m/{port.layout()[name]}",)
    mirrorlist = platform.distro.mirrorlist
    assert mirrorlist == f"etc/pacman.d/{port.mirrorlist}"
    text = (CONTENT / port.distro / f"pacman-{port.mirrorlist}" / mirrorlist).read_text()
    assert f"Server = {platform.distro.mirrors.url}" in text
    assert {k.name for k in platform.distro.keyrings} == set(port.keyrings)


def test_third_party_repositories_lie_where_they_are_asked_for() -> None:
    for repository in THIRD_PARTY_REPOSITORIES:
        for architecture in repository.architectures:
            place = expand(repository.mirrors.path, repository.id, architecture)
            assert PORTS[architecture].layout().get(repository.id) in (place, None)


@every_port
def test_pacman_conf_is_of_the_port(port: Port) -> None:
    files = {e.path: e.data.decode() for e in gather_files(Recipe("pacman"), port.arch, [])}
    conf = files["etc/pacman.conf"]
    assert repositories(conf) == port.repositories
    (line,) = [line for line in conf.splitlines() if line.startswith("Architecture")]
    values = line.partition("=")[2].split()
    assert values in (["auto"], list(Architecture(port.arch).packages))
    assert conf.count(f"Include = /etc/pacman.d/{port.mirrorlist}\n") >= len(port.repositories)


@every_port
def test_recipes_are_sound(port: Port) -> None:
    recipes = list_recipes(port.arch)
    claimed = [deb for recipe in recipes.values() for deb in recipe.debs if recipe.maker == "files"]
    assert len(claimed) == len(set(claimed)), "a Debian package is in two recipes"
    folders = [*(CONTENT / "packages").iterdir(), *(CONTENT / port.distro).iterdir()]
    of_the_distro = {
        name
        for other in PORTS.values()
        if other.distro == port.distro
        for name in list_recipes(other.arch)
    }
    assert {folder.name for folder in folders} <= of_the_distro
    assert {recipe.repository for recipe in list_port_recipes(port)} <= set(port.layout())


def test_the_oldest_kernel_is_one_of_the_same_flavour() -> None:
    names = [
        "linux-image-riscv64",
        "linux-image-6.12.107+deb13-riscv64",
        "linux-image-6.12.94+deb13-riscv64",
        "linux-image-6.9.1-rt-riscv64-dbg",
        "linux-image-6.12.94+deb13-rt-riscv64",
        "linux-image-6.12.90+deb13-cloud-riscv64",
        "linux-image-6.1.0-37-amd64",
        "linux-image-6.1.0-37-rt-amd64",
    ]
    assert oldest("linux-image-riscv64", names) == "linux-image-6.12.94+deb13-riscv64"
    assert oldest("linux-image-amd64", names) == "linux-image-6.1.0-37-amd64"
    assert oldest("linux-image-m68k", names) == ""


def test_parts_of_kernels() -> None:
    assert is_part("linux-binary-7.2.13+deb14-loong64")
    assert is_part("linux-image-amd64")
    assert not is_part("linux-libc-dev")


def test_wanted_are_the_known_ones() -> None:
    recipes = {
        "bash": Recipe("bash", ("bash", "gone")),
        "linux-lts": Recipe("linux-lts", maker="kernel", option="linux-image-x", older=True),
    }
    known = ["bash", "linux-image-x", "linux-image-2-x", "linux-image-10-x", "other"]
    assert list_wanted_debs(recipes, known) == ("bash", "linux-image-2-x", "linux-image-x")


def test_a_kernel_may_be_in_several_packages(tmp_path: Path) -> None:
    debs = {
        name: make_deb(tmp_path, name, depends=depends)
        for name, depends in {
            "linux-image-x": "linux-image-7-x, linux-base-x",
            "linux-image-7-x": "linux-binary-7-x, kmod, linux-modules-7-x",
            "linux-binary-7-x": "",
            "linux-modules-7-x": "linux-base-7-x",
            "linux-base-7-x": "",
            "linux-image-6-x": "kmod",
            "kmod": "",
        }.items()
    }
    newest = find_kernel(Recipe("linux", maker="kernel", option="linux-image-x"), debs)
    assert {deb.control.name for deb in newest} == debs.keys() - {"linux-image-6-x", "kmod"}
    lts = Recipe("linux-lts", maker="kernel", option="linux-image-x", older=True)
    assert find_kernel(lts, debs) == [debs["linux-image-6-x"]]
    del debs["linux-image-6-x"]
    assert find_kernel(lts, debs) == []


def test_kernels_lie_where_each_port_has_them(tmp_path: Path) -> None:
    recipe = Recipe("linux")
    module = "usr/lib/modules/7-x/kernel/fs/ext4/ext4.ko"
    split = [
        make_deb(tmp_path, "linux-binary-7-x", {"usr/lib/modules/7-x/vmlinuz": b"MZ"}).path,
        make_deb(
            tmp_path,
            "linux-modules-7-x",
            {module: b"ko", "usr/lib/modules/7-x/System.map": b"map"},
        ).path,
    ]
    files = {entry.path: entry.data for entry in gather_kernel(recipe, split)}
    folder = "usr/lib/modules/7-x"
    assert files == {module: b"ko", f"{folder}/vmlinuz": b"MZ", f"{folder}/pkgbase": b"linux\n"}
    tree = "usr/lib/linux-image-6-r/starfive/jh7110-starfive-visionfive-2-v1.3b.dtb"
    riscv = make_deb(tmp_path, "linux-image-6-r", {"boot/vmlinux-6-r": b"MZ", tree: b"dtb"}).path
    paths = {entry.path for entry in gather_kernel(recipe, [riscv])}
    assert "usr/lib/modules/6-r/dtb/starfive/jh7110-starfive-visionfive-2-v1.3b.dtb" in paths


def test_drivers_of_graphics_cards_are_in_one_kernel(tmp_path: Path) -> None:
    folder = "usr/lib/modules/7-x"
    files = {f"{folder}/kernel/drivers/{name}": b"ko" for name in ("gpu/drm/x.ko", "video/y.ko")}
    debs = [make_deb(tmp_path, "linux-image-7-x", {f"{folder}/vmlinuz": b"MZ", **files}).path]
    kept = {
        recipe.name: {e.path for e in gather_kernel(recipe, debs)} & set(files)
        for recipe in list_recipes("x86_64").values()
        if recipe.maker == "kernel"
    }
    assert kept == {
        "linux": set(), "linux-lts": set(), "linux-zen": {f"{folder}/kernel/drivers/gpu/drm/x.ko"},
    }  # fmt: skip


def test_riscv_kernels_are_gzipped(tmp_path: Path) -> None:
    debs = [make_deb(tmp_path, "linux-image-6-r", {"boot/vmlinux-6-r": b"MZ"}).path]
    for port in PORTS.values():
        for recipe in list_recipes(port.arch).values():
            if recipe.maker == "kernel":
                (image,) = [e.data for e in gather_kernel(recipe, debs) if "vmlinuz" in e.path]
                assert image.startswith(b"\x1f\x8b" if port.arch == "riscv64" else b"MZ")
                assert port.arch != "riscv64" or gzip.decompress(image) == b"MZ"


def test_firmware_is_compressed_file_by_file(tmp_path: Path) -> None:
    files = {"usr/lib/firmware/amdgpu/a.bin": b"code" * 100, "usr/share/doc/x": b""}
    (entry,) = gather_firmware([make_deb(tmp_path, "firmware-x", files).path])
    assert entry.path == "usr/lib/firmware/amdgpu/a.bin.zst"
    assert zstandard.decompress(entry.data) == b"code" * 100


def test_a_keyring_may_hold_a_real_ones_keys_too(tmp_path: Path) -> None:
    folder = "usr/share/keyrings/archlinux"
    files = {f"{folder}.gpg": b"keys", f"{folder}-trusted": b"A:4:\n", f"{folder}-revoked": b"B\n"}
    deb = make_deb(tmp_path, "archlinux-keyring", files).path
    made = {e.path.rpartition("/")[2]: e.data for e in gather_keyring("x", "C", b"own", [deb])}
    assert made == {"x.gpg": b"ownkeys", "x-trusted": b"C:4:\nA:4:\n", "x-revoked": b"B\n"}
    (port,) = [port for port in PORTS.values() if port.real_keys]
    assert {r.debs for r in list_port_recipes(port) if r.maker == "keyring"} == {(port.real_keys,)}


@pytest.mark.parametrize(
    ("image", "names"),
    [
        (bytes(0x24) + struct.pack("<I", 0x016F2818), {"boot/zImage"}),
        (b"MZ", {"boot/Image", "boot/Image.gz"}),
    ],
)
def test_arm_kernels_lie_in_boot(tmp_path: Path, image: bytes, names: set[str]) -> None:
    files = {"boot/vmlinuz-6-a": image, "usr/lib/linux-image-6-a/am335x-boneblack.dtb": b"dtb"}
    deb = make_deb(tmp_path, "linux-image-6-a", files).path
    paths = {entry.path for entry in gather_alarm_kernel(Recipe("linux-armv7"), [deb])}
    assert paths == names | {
        "boot/dtbs/am335x-boneblack.dtb",
        "etc/mkinitcpio.d/linux-armv7.preset",
        "usr/lib/initcpio/6-a",
    }

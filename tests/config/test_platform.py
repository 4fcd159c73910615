"""A distribution, and one of its architectures, are found by every name that they go by."""

import dataclasses
from pathlib import Path

import pytest

from aimager.config import platform as find_platform
from aimager.config.build import read_build
from aimager.config.platform import find_distro
from aimager.distros import DISTROS
from aimager.errors import ConfigError
from aimager.model.architecture import Architecture
from aimager.model.distro import Distro
from boards import BOARDS

HERE = Path("/somewhere")


@pytest.mark.parametrize(
    ("board", "distro", "arch", "message", "hint"),
    [
        (
            *("none", "debian", None, "there is no distribution debian"),
            "distro= is one of archlinux or arch, archlinux32 or arch32, archlinuxarm or alarm or"
            " archarm, archriscv or archlinuxriscv, loongarchlinux or loongarch, or a file:"
            " distro=./debian.py",
        ),
        (
            *("none", None, None, "distro= is missing, and the board none suits several"),
            f"it is one of {', '.join(distro.id for distro in DISTROS)}",
        ),
        (
            *("x64-uefi", "alarm", None, "the board x64-uefi is not for archlinuxarm"),
            "it is for archlinux",
        ),
        (
            *("x64-uefi", None, "aarch64"),
            "arch=aarch64 does not go with archlinux on the board x64-uefi",
            "it is one of x86_64, x86_64_v2, x86_64_v3, x86_64_v4",
        ),
    ],
)
def test_refusals(
    board: str, distro: str | None, arch: str | None, message: str, hint: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        find_platform.find_platform(BOARDS[board], distro, arch, HERE)
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_a_board_that_no_distribution_can_be_for() -> None:
    board = dataclasses.replace(BOARDS["x64-uefi"], architecture=Architecture.riscv64)
    with pytest.raises(ConfigError, match="Arch Linux does not exist for riscv64, which the boa"):
        find_platform.find_platform(board, None, None, HERE)


@pytest.mark.parametrize(
    ("name", "near"),
    [("arhclinux", "archlinux, archlinux32 or archlinuxarm"), ("ARCHLINUX_ARM", "archlinuxarm")],
)
def test_the_nearest_distributions_are_named(name: str, near: str) -> None:
    with pytest.raises(ConfigError) as caught:
        find_distro(name, HERE)
    assert caught.value.hint.startswith(f"did you mean {near}")


def test_no_board_names_a_file_of_a_distribution_to_run(tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text("X = 1 / 0\n")
    board = dataclasses.replace(BOARDS["x64-uefi"], distros=(f"{tmp_path}/other.py",))
    with pytest.raises(ConfigError, match=r"there is no distribution .*/other\.py"):
        find_platform.find_platform(board, None, None, tmp_path)


def test_a_board_that_does_not_exist() -> None:
    with pytest.raises(ConfigError) as caught:
        find_platform.find_board("x65", find_platform.KnownBoards(), HERE)
    assert caught.value.message == "there is no board x65"
    told = "board= is one that doit boards lists, or a file: board=./x65.py"
    assert caught.value.hint == told
    with pytest.raises(ConfigError) as caught:
        find_platform.find_board("RPI44", find_platform.KnownBoards(), HERE)
    assert caught.value.hint.startswith("did you mean rpi4, rpi5 or rpi3? board= is one that ")


@pytest.mark.parametrize("distro", DISTROS, ids=lambda d: d.id)
def test_distributions_are_found_by_every_name(distro: Distro) -> None:
    for name in (distro.id, distro.name, distro.name.upper(), *distro.aliases):
        assert find_distro(name, HERE) is distro


def test_the_architecture_is_the_hosts_where_there_is_a_choice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    some = (Architecture.x86_64, Architecture.aarch64)
    both = dataclasses.replace(find_distro("arch", HERE), architectures=some)
    monkeypatch.setattr(find_platform, "DISTROS", (both,))
    for architecture in some:
        monkeypatch.setattr(find_platform, "host_architecture", lambda a=architecture: a)
        build = read_build({"distro": "arch"}, HERE)
        assert build
        assert build.platform.architecture is architecture
    monkeypatch.setattr(find_platform, "host_architecture", lambda: "riscv64")
    build = read_build({"distro": "arch"}, HERE)
    assert build
    assert build.platform.architecture is Architecture.x86_64
    build = read_build({"distro": "arch", "arch": "aarch64"}, HERE)
    assert build
    assert build.id == "archlinux-aarch64-none"


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

"""A distribution, and one of its architectures, are found by every name that they go by."""

import dataclasses
from pathlib import Path

import pytest

from aimager.config import platform as find_platform
from aimager.config.build import read_build
from aimager.config.platform import find_distro
from aimager.distros import DISTROS
from aimager.model.architecture import Architecture
from aimager.model.distro import Distro

HERE = Path("/somewhere")


@pytest.mark.parametrize("distro", DISTROS, ids=lambda d: d.id)
def test_distributions_are_found_by_every_name(distro: Distro) -> None:
    for name in (distro.id, distro.name, distro.name.upper(), *distro.aliases):
        assert find_distro(name) is distro


def test_the_architecture_is_the_hosts_where_there_is_a_choice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    some = (Architecture.x86_64, Architecture.aarch64)
    both = dataclasses.replace(find_distro("arch"), architectures=some)
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

"""The addresses that repositories are fetched from."""

import pytest

from aimager.architecture import Architecture
from aimager.build import MirrorChoice
from aimager.distro import Platform
from aimager.distros import archlinux, archlinuxarm, archlinuxcn
from aimager.mirrors import base_url, expand, repository_url

ARCH = Platform(archlinux.DISTRO, Architecture.x86_64)
ALARM = Platform(archlinuxarm.DISTRO, Architecture.aarch64)


def test_variables_are_filled_in_wherever_they_stand() -> None:
    url = "http://m/$arch/$repo/$repo"
    assert expand(url, "extra", Architecture.aarch64) == "http://m/aarch64/extra/extra"
    assert expand("http://m/x", "extra", Architecture.aarch64) == "http://m/x"


@pytest.mark.parametrize(
    ("platform", "choice", "url"),
    [
        (ARCH, MirrorChoice(), "https://geo.mirror.pkgbuild.com/core/os/x86_64"),
        (ALARM, MirrorChoice(), "http://mirror.archlinuxarm.org/aarch64/core"),
        (ARCH, MirrorChoice("http://m/all"), "http://m/all/archlinux/core/os/x86_64"),
        (ALARM, MirrorChoice("http://m"), "http://m/archlinuxarm/aarch64/core"),
        (
            ARCH,
            MirrorChoice("http://m", (("core", "http://own/$repo-$arch/"),)),
            "http://own/core-x86_64",
        ),
        (
            ARCH,
            MirrorChoice("http://m", (("extra", "http://own/"),)),
            "http://m/archlinux/core/os/x86_64",
        ),
    ],
)
def test_a_repositorys_own_mirror_goes_before_the_parent_before_the_worlds(
    platform: Platform, choice: MirrorChoice, url: str
) -> None:
    assert repository_url(platform, "core", choice) == url


def test_third_party_repositories_are_below_the_parent_too() -> None:
    mirrors = archlinuxcn.REPOSITORY.mirrors
    assert base_url(mirrors, MirrorChoice()) == "https://repo.archlinuxcn.org/$arch"
    assert base_url(mirrors, MirrorChoice("http://m")) == "http://m/archlinuxcn/$arch"

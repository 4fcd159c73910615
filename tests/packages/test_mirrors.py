"""The addresses that repositories are fetched from."""

from dataclasses import replace

import pytest

from aimager.distros import archlinux, archlinux32, archlinuxarm, archlinuxcn
from aimager.model.architecture import Architecture
from aimager.model.build import MirrorChoice
from aimager.model.distro import Mirrors, Platform
from aimager.packages.mirrors import archive_url, expand, mirror_urls, repository_urls

ARCH = Platform(archlinux.DISTRO, Architecture.x86_64)
ALARM = Platform(archlinuxarm.DISTRO, Architecture.aarch64)


def test_variables_are_filled_in_wherever_they_stand() -> None:
    url = "http://m/$arch/$repo/$repo"
    assert expand(url, "extra", Architecture.aarch64) == "http://m/aarch64/extra/extra"
    assert expand("http://m/x", "extra", Architecture.aarch64) == "http://m/x"


OWN = ("http://own/$repo-$arch/",)


@pytest.mark.parametrize(
    ("platform", "choice", "urls"),
    [
        (ARCH, MirrorChoice(), ["https://geo.mirror.pkgbuild.com/core/os/x86_64"]),
        (ALARM, MirrorChoice(), ["http://mirror.archlinuxarm.org/aarch64/core"]),
        (ARCH, MirrorChoice(("http://m/all",)), ["http://m/all/archlinux/core/os/x86_64"]),
        (
            ALARM,
            MirrorChoice(("http://m", "http://n", "http://m")),
            ["http://m/archlinuxarm/aarch64/core", "http://n/archlinuxarm/aarch64/core"],
        ),
        (ARCH, MirrorChoice(("http://m",), (("core", OWN),)), ["http://own/core-x86_64"]),
        (
            ARCH,
            MirrorChoice((), (("core", (*OWN, "http://second/$repo")),)),
            ["http://own/core-x86_64", "http://second/core"],
        ),
        (
            ARCH,
            MirrorChoice(("http://m",), (("extra", OWN),)),
            ["http://m/archlinux/core/os/x86_64"],
        ),
        (
            ARCH,
            MirrorChoice(("http://m",), distros=(("archlinux", OWN),)),
            ["http://own/core-x86_64"],
        ),
        (
            ARCH,
            MirrorChoice((), (("core", ("http://core",)),), distros=(("archlinux", OWN),)),
            ["http://core"],
        ),
        (
            ALARM,
            MirrorChoice(distros=(("archlinux", OWN),)),
            ["http://mirror.archlinuxarm.org/aarch64/core"],
        ),
    ],
)
def test_a_repositorys_own_mirrors_go_before_the_parents_before_the_worlds(
    platform: Platform, choice: MirrorChoice, urls: list[str]
) -> None:
    assert list(repository_urls(platform, "core", choice)) == urls


def test_third_party_repositories_are_below_the_parents_too() -> None:
    def urls(choice: MirrorChoice) -> tuple[str, ...]:
        repository = archlinuxcn.REPOSITORY
        return mirror_urls(repository.mirrors, repository.id, Architecture.x86_64, choice)

    assert urls(MirrorChoice()) == ("https://repo.archlinuxcn.org/x86_64",)
    assert urls(MirrorChoice(("http://m",))) == ("http://m/archlinuxcn/x86_64",)
    assert urls(MirrorChoice((), (("archlinuxcn", OWN),))) == ("http://own/archlinuxcn-x86_64",)


def test_the_archive_is_laid_out_by_package() -> None:
    url = "https://archive.archlinux.org/packages/l/linux-rpi"
    assert archive_url(ARCH, "core", "linux-rpi") == url
    assert archive_url(ALARM, "core", "linux-rpi") == ""
    old = "https://archive.archlinux32.org/packages/l/linux"
    assert archive_url(Platform(archlinux32.DISTRO, Architecture.i686), "core", "linux") == old


def test_an_added_repository_has_its_own_mirrors_and_no_archive() -> None:
    own = replace(archlinuxcn.REPOSITORY, id="mine", mirrors=Mirrors("", "http://mine/$arch"))
    platform = replace(ARCH, repositories=(archlinuxcn.REPOSITORY, own))
    choice = MirrorChoice(("http://m",))
    assert repository_urls(platform, "core", choice) == ("http://m/archlinux/core/os/x86_64",)
    assert repository_urls(platform, "archlinuxcn", choice) == ("http://m/archlinuxcn/x86_64",)
    assert repository_urls(platform, "mine", choice) == ("http://mine/x86_64",)
    choice = MirrorChoice(distros=(("archlinux", OWN),))
    assert repository_urls(platform, "mine", choice) == ("http://mine/x86_64",)
    assert archive_url(platform, "archlinuxcn", "vim") == ""
    assert archive_url(platform, "core", "vim")

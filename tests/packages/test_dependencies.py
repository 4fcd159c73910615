"""The names in dependencies, and what some packages need, found without pacman."""

import dataclasses

import pytest

from aimager.packages.dependencies import bare_name, closure, providers
from aimager.packages.sync_database import DatabasePackage
from aimager.packages.targets import named_by
from tests.support.locked import make_package


@pytest.mark.parametrize(
    ("dependency", "name"),
    [
        ("glibc", "glibc"),
        ("glibc>=2.40", "glibc"),
        ("a<2", "a"),
        ("a=1:2-3", "a"),
        ("libz.so=1-64", "libz.so"),
        ("gtk+>1<2", "gtk+"),
    ],
)
def test_names(dependency: str, name: str) -> None:
    assert bare_name(dependency) == name


def database(**packages: tuple[str, str]) -> dict[str, DatabasePackage]:
    """Packages by name, each with what it provides and depends on."""
    return {
        name: DatabasePackage(make_package(name), tuple(provides.split()), tuple(depends.split()))
        for name, (provides, depends) in packages.items()
    }


def test_all_dependencies_follow() -> None:
    packages = database(
        pacman=("", "bash glibc>=2.40 libarchive"),
        libarchive=("libarchive.so=13-64", "zlib"),
        bash=("sh", "glibc readline"),
        readline=("", "glibc"),
        glibc=("", ""),
        zlib=("", "glibc=2.42"),
        vim=("", "glibc"),
    )
    names = ["bash", "glibc", "libarchive", "pacman", "readline", "zlib"]
    assert closure(packages, ["pacman"]) == names
    assert closure(packages, ["pacman", "vim", "bash"]) == sorted([*names, "vim"])
    assert closure(packages, []) == []


def test_versions_are_left_out_of_names() -> None:
    packages = database(a=("", "b<2 c>1 d=1:2-3 e<=4"), b=("", ""), c=("", ""), d=("", ""))
    packages |= database(e=("", ""))
    assert closure(packages, ["a"]) == ["a", "b", "c", "d", "e"]


def test_the_first_provider_by_name_is_taken_unless_a_package_has_the_name() -> None:
    packages = database(
        a=("", "libx.so=1-64 sh"),
        dash=("sh", ""),
        bash=("sh", ""),
        libw=("libx.so=2-64", ""),
        libx=("libx.so=1-64", ""),
    )
    assert closure(packages, ["a"]) == ["a", "bash", "libx"]
    assert closure(packages | database(sh=("", "")), ["a"]) == ["a", "libx", "sh"]


def test_an_earlier_repository_goes_before_an_earlier_name() -> None:
    first, second = database(a=("", "sh"), zsh=("sh", "")), database(bash=("sh", ""))
    bash = second["bash"]
    extra = dataclasses.replace(bash, locked=make_package("bash", repository="extra"))
    assert closure({**first, "bash": extra}, ["a"]) == ["a", "zsh"]
    assert closure({**first, "bash": bash}, ["a"]) == ["a", "bash"]


@pytest.mark.parametrize("names", [["a", "dash"], ["dash", "a"]])
def test_a_provider_that_is_asked_for_goes_before_the_first(names: list[str]) -> None:
    packages = database(a=("", "sh"), bash=("sh", ""), dash=("sh", ""))
    assert closure(packages, names) == ["a", "dash"]


def test_a_provider_that_was_found_before_goes_before_the_first() -> None:
    packages = database(
        a=("", "b sh"), b=("", "c"), c=("", "dash"), bash=("sh", ""), dash=("sh", "")
    )
    assert closure(packages, ["a"]) == ["a", "b", "c", "dash"]
    packages |= database(a=("", "sh b"))
    assert closure(packages, ["a"]) == ["a", "b", "bash", "c", "dash"]


def test_what_is_found_goes_even_before_a_package_of_the_name() -> None:
    packages = database(a=("", "new old"), new=("old", ""), old=("", ""))
    assert closure(packages, ["a"]) == ["a", "new"]
    assert closure(packages, ["a", "old"]) == ["a", "new", "old"]


@pytest.mark.parametrize(
    ("dependency", "name"),
    [
        ("libx.so=1-64", "one"),
        ("libx.so=2-64", "two"),
        ("libx.so=2", "two"),
        ("libx.so", "none"),
        ("libx.so>1", "one"),
        ("libx.so=3-64", "none"),  # nobody has it
    ],
)
def test_a_provider_has_the_version_that_is_wanted(dependency: str, name: str) -> None:
    packages = database(
        a=("", dependency),
        none=("libx.so", ""),
        one=("libx.so=1-64", ""),
        two=("libx.so=2-64", ""),
    )
    assert closure(packages, ["a"]) == ["a", name]


def test_circles_end_and_what_nobody_has_is_left_out() -> None:
    packages = database(a=("", "b missing"), b=("", "a"))
    assert closure(packages, ["a", "nothing"]) == ["a", "b"]


def test_what_is_asked_for_by_another_name() -> None:
    packages = database(a=("b=1 v=2", ""), b=("v=3", ""), c=("", ""))
    in_group = {
        name: dataclasses.replace(packages[name], groups=("g", "b", "v")) for name in ("c", "b")
    }
    assert named_by(packages | in_group, "b") == ["b"]
    assert named_by(packages | in_group, "v") == ["a"]
    assert named_by(packages | in_group, "g") == ["b", "c"]
    assert named_by(packages, "g") == []


def test_providers_are_those_that_are_sure_to_be_installed() -> None:
    packages = database(
        linux=("", "kmod initramfs"),
        linux_arm=("", "maker>=0.7"),
        maker=("initramfs", "busybox"),
        booster=("initramfs=1", ""),
        initramfs_tool=("", ""),
        kmod=("", ""),
        busybox=("", "maker"),
    )
    assert providers(packages, ["linux"], "initramfs") == []
    assert providers(packages, ["linux", "linux_arm"], "initramfs") == ["maker"]
    assert providers(packages, ["booster", "maker"], "initramfs") == ["booster", "maker"]
    assert providers(packages, ["unknown", "kmod"], "kmod") == ["kmod"]

"""What the borrowed root needs, found without pacman."""

import io
from pathlib import Path

from locked import make_package

from aimager.borrow import closure, open_toolbox
from aimager.sync_database import DatabasePackage


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


def test_the_first_provider_is_taken_unless_a_package_has_the_name() -> None:
    packages = database(
        a=("", "libx.so=1-64 sh"),
        dash=("sh", ""),
        bash=("sh", ""),
        libx=("libx.so=1-64", ""),
        libx2=("libx.so=2-64", ""),
    )
    assert closure(packages, ["a"]) == ["a", "dash", "libx"]
    assert closure(packages | database(sh=("", "")), ["a"]) == ["a", "libx", "sh"]


def test_circles_end_and_what_nobody_has_is_left_out() -> None:
    packages = database(a=("", "b missing"), b=("", "a"))
    assert closure(packages, ["a", "nothing"]) == ["a", "b"]


def test_without_an_archive_the_host_lends() -> None:
    log = io.BytesIO()
    tools = open_toolbox(None, Path("/nowhere"), [], log)
    assert (tools.borrowed, tools.log) == (None, log)

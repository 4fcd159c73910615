"""Files of builds: what each build gets of the words in their tables."""

from pathlib import Path

import pytest

from aimager.config.builds import read_builds, read_fleet
from aimager.config.fleet import Fleet, NamedWords
from aimager.errors import ConfigError
from aimager.model.build import Build

FLEET = """
[defaults]
hostname = "all"
install-pkgs = ["openssh", "sudo"]

[builds.router]
board = "x64-uefi"
hostname = "router"
add.install-pkgs = ["nftables"]

[builds.both]
board = ["x64-uefi", "x64-legacy"]

[[matrix]]
board = ["rpi4", "rpi5"]
root-fs = ["ext4", "btrfs"]
hostname = "{name}"
exclude = ["*-btrfs-db"]
[matrix.variants.plain]
[matrix.variants.db]
install-pkgs = "postgresql"
add.install-pkgs = ["{board}-tools"]

[[matrix]]
board = ["x64-uefi"]
append-all = "quiet"
"""


def write(folder: Path, text: str) -> Path:
    """A file of builds."""
    path = folder / "fleet.toml"
    path.write_text(text)
    return path


def chosen(folder: Path, text: str, only: str | None = None, **given: str) -> list[NamedWords]:
    """The builds of a file of this text."""
    return list(Fleet(write(folder, text)).choose(given, only))


def built(folder: Path, text: str, **given: str) -> tuple[Build, ...]:
    """The same, read."""
    words = {"builds": str(write(folder, text)), **given}
    return read_builds(words, Path("/elsewhere"), fleet=read_fleet(words, Path("/")))


def refused(folder: Path, text: str, **given: str) -> str:
    """How a file is refused, without the path of its folder."""
    with pytest.raises(ConfigError) as caught:
        built(folder, text, **given)
    assert caught.value.hint
    return caught.value.message.replace(f"{folder}/", "")


def test_builds_have_the_words_of_their_tables(tmp_path: Path) -> None:
    found = {it.name: it.words for it in chosen(tmp_path, FLEET)}
    assert list(found) == [
        *("router", "both-x64-uefi", "both-x64-legacy"),
        *("rpi4-ext4-plain", "rpi4-btrfs-plain", "rpi5-ext4-plain", "rpi5-btrfs-plain"),
        *("rpi4-ext4-db", "rpi5-ext4-db", "x64-uefi"),
    ]
    assert found["router"] == {
        "hostname": "router",
        "install-pkgs": "openssh,sudo,nftables",
        "board": "x64-uefi",
    }
    assert found["both-x64-legacy"]["hostname"] == "all"
    assert found["rpi5-ext4-db"] == {
        "hostname": "rpi5-ext4-db",
        "install-pkgs": "postgresql,rpi5-tools",
        "board": "rpi5",
        "root-fs": "ext4",
    }
    assert found["x64-uefi"]["append-all"] == "quiet"


def test_the_command_line_wins(tmp_path: Path) -> None:
    """Also over the values of a matrix, and over what is added."""
    given = {"hostname": "{name}", "install-pkgs": "vim", "board": "rpi3"}
    found = {it.name: it.words for it in chosen(tmp_path, FLEET, "rpi3-*,router", **given)}
    assert list(found) == [
        *("router", "rpi3-ext4-plain", "rpi3-btrfs-plain"),
        "rpi3-ext4-db",
    ]
    assert {words["install-pkgs"] for words in found.values()} == {"vim"}
    assert {words["hostname"] for words in found.values()} == {"{name}"}


def test_the_file_of_one_image_has_its_words_at_the_top(tmp_path: Path) -> None:
    (build,) = built(tmp_path, 'board = "rpi4"\nhostname = "kitchen"\ncheck-twice = true\n')
    assert (build.name, build.id) == ("", "archlinuxarm-aarch64-rpi4")
    assert build.setup.hostname == "kitchen"
    assert build.check_twice
    boards = built(tmp_path, 'board = ["rpi4", "rpi5"]\n')
    assert [build.id for build in boards] == [
        "archlinuxarm-aarch64-rpi4",
        "archlinuxarm-aarch64-rpi5",
    ]
    told = refused(tmp_path, 'board = "rpi4"\n', only="rpi4")
    assert told == "only=rpi4 picks by names, and the one build of fleet.toml has none"


def test_a_board_s_file_is_called_by_its_name(tmp_path: Path) -> None:
    text = '[matrix]\nboard = ["mine.py", "./boards/other.py"]\nhostname = "{board}"\n'
    found = [(it.name, it.words["hostname"]) for it in chosen(tmp_path, text)]
    assert found == [("mine", "mine"), ("other", "other")]


def test_the_name_is_that_of_the_build_and_no_part_of_its_image(tmp_path: Path) -> None:
    (build,) = built(tmp_path, '[builds.kitchen]\nboard = "rpi4"\n')
    assert (build.id, build.image_id) == ("kitchen", "archlinuxarm-aarch64-rpi4")


def test_relative_paths_start_beside_the_file(tmp_path: Path) -> None:
    """Those of the command line do not."""
    folder = tmp_path / "site"
    folder.mkdir()
    for name in ("motd", "list", "finish.sh", "second.sh"):
        (folder / name).write_text(f"{'#!/bin/sh' if '.' in name else name}\n")
    text = """
    [defaults]
    out = "made"
    files = ["motd:/etc/motd"]
    install-pkgs = "@list"
    scripts = ["finish.sh", "second.sh"]
    [builds.one]
    board = "rpi4"
    """
    (build,) = built(folder, text)
    assert build.out == folder / "made"
    assert build.packages == ("list",)
    assert [script.name for script in build.setup.scripts] == ["finish.sh", "second.sh"]
    (build,) = built(folder, text, out="x")
    assert build.out == Path("/elsewhere/x")
    told = "files= cannot read /elsewhere/motd: No such file or directory"
    assert refused(folder, text, files="motd:/etc/motd") == told
    (folder / "motd").unlink()
    assert "fleet.toml, line 4: defaults.files" in refused(folder, text)


def test_a_word_is_for_those_boards_that_it_suits(tmp_path: Path) -> None:
    text = """
    [defaults]
    root-size = "8G"
    [builds.archive]
    distro = "archlinux"
    [builds.disk]
    board = "x64-uefi"
    """
    archive, disk = built(tmp_path, text)
    assert (archive.root_size, disk.root_size) == (None, 8 << 30)
    assert built(tmp_path, text, only="archive") == (archive,)
    told = "root-size= has no effect on the board none, which has no disk"
    place = "fleet.toml, line 3: defaults.root-size"
    assert refused(tmp_path, text.partition("[builds.disk]")[0]) == f"{told} ({place})"
    own = text.replace('distro = "archlinux"', 'distro = "archlinux"\n    root-size = "9G"')
    place = "fleet.toml, line 6: builds.archive.root-size"
    assert refused(tmp_path, own) == f"{told} ({place})"
    assert refused(tmp_path, own, only="archive") == f"{told} ({place})"


def test_what_is_for_the_whole_run_is_the_same_for_all(tmp_path: Path) -> None:
    text = '[builds.a]\nboard = "rpi4"\n[builds.b]\nboard = "rpi5"\ntools = "host"\n'
    told = "tools= is for the whole run, and the builds a and b differ in it"
    assert refused(tmp_path, text) == f"{told} (fleet.toml, line 5: builds.b.tools)"
    assert len(built(tmp_path, text, only="b")) == 1
    assert len(built(tmp_path, text, tools="borrowed")) == 2
    lock = text.replace('tools = "host"', 'lock = "b.lock"')
    assert "lock= is for the whole run" in refused(tmp_path, lock)

"""Lists for people, which follow from the definitions alone."""

import dataclasses
import re
from pathlib import Path

import pytest

from aimager.commands import listing
from aimager.commands.listing import LISTS
from aimager.config.build import read_build
from aimager.config.variable import Group
from aimager.config.variables import VARIABLES
from aimager.distros import DISTROS, THIRD_PARTY_REPOSITORIES
from aimager.errors import ConfigError
from aimager.model.named_tables import NAMED_TABLES
from aimager.model.sfdisk_table import read_table
from boards import BOARDS


def test_columns_are_aligned_and_nothing_is_empty() -> None:
    assert listing.columns(("a", "long"), [("longer", ""), ("", "x")]) == [
        "a       long",
        "longer  -",
        "-       x",
    ]


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("boards", list(BOARDS)),
        ("distros", [distro.id for distro in DISTROS]),
        ("repos", [repository.id for repository in THIRD_PARTY_REPOSITORIES]),
    ],
)
def test_a_list_names_all_there_are(name: str, ids: list[str]) -> None:
    head, *lines = LISTS[name].lines(BOARDS)
    lines = lines[: lines.index("")] if "" in lines else lines  # remarks follow
    assert [line.split()[0] for line in lines] == ids
    assert len(head) <= 130
    assert all(line == line.rstrip() for line in lines)


def test_a_distribution_that_cannot_be_built_is_told() -> None:
    *_, last = LISTS["distros"].lines(BOARDS)
    assert last.startswith("archlinux32 cannot be built with all checks as it is: ")
    assert "80EC18799E8BCD375C6E64ABE4D41569196B1160" in last
    assert "trust-key=" in last


def test_a_board_is_told_by_what_it_is_for_and_how_it_was_tried() -> None:
    line = next(line for line in LISTS["boards"].lines(BOARDS) if line.startswith("x64-uefi "))
    assert {"archlinux", "x86_64", "systemd-boot", "QEMU,"} <= {*line.split()}
    own = dataclasses.replace(BOARDS["x64-uefi"], id="mine")
    assert LISTS["boards"].lines({"mine": own})[1].startswith("mine ")


def test_what_a_terminal_would_obey_is_escaped() -> None:
    """The file of a board that is listed may be anybody's."""
    board = dataclasses.replace(BOARDS["rpi4"], name="\x1b]52;c;aGk=\x07", tested="a\nb\u202e")
    for line in listing.list_boards({"rpi4": board}):
        assert line.isprintable()
    assert "\\x1b]52;c;aGk=\\x07" in listing.list_boards({"rpi4": board})[1]


def test_tables_are_told_once_with_their_boards() -> None:
    own = dataclasses.replace(BOARDS["x64-uefi"], id="mine")
    lines = LISTS["tables"].lines({"x64-uefi": BOARDS["x64-uefi"], "mine": own})
    gap = lines.index("")
    assert lines[0].startswith("table== ")
    assert [line.split()[0] for line in lines[1:gap]] == list(NAMED_TABLES)
    assert all(len(line) < 130 for line in LISTS["tables"].lines(BOARDS)[:gap])
    assert [" ".join(line.split()) for line in lines[gap + 1 :]] == [
        "boards partitions",
        "x64-uefi, mine boot vfat 1 GiB, root ext4 as large as its content; GPT",
    ]
    lines = LISTS["tables"].lines({"rock64": BOARDS["rock64"]})
    assert lines[-1].endswith("16 MiB free, root ext4 as large as its content; DOS label")


def test_a_table_is_shown_as_it_can_be_written() -> None:
    lines = listing.show_table("=gpt_1g_esp")
    assert lines[0] == "label: gpt"
    assert read_table("\n".join(lines)) == NAMED_TABLES["gpt_1g_esp"].table
    with pytest.raises(ConfigError, match="there is no table gpt_2g_esp"):
        listing.show_table("=gpt_2g_esp")


def test_every_variable_is_explained() -> None:
    lines = LISTS["variables"].lines({})
    names = [line.strip()[:-1] for line in lines if re.fullmatch(r"  \S+=", line)]
    assert names == [v.name for v in VARIABLES]
    headings = [line[:-1] for line in lines if re.fullmatch(r"\S.*:", line)]
    assert headings == list(Group)
    told = "\n".join(lines)
    for variable in VARIABLES:
        assert variable.meaning in told
        assert f"      {variable.example}\n" in f"{told}\n"
        assert not variable.default or f"(default: {variable.default})" in told


def test_doit_can_print_them_as_parameters() -> None:
    for variable, parameter in zip(VARIABLES, listing.parameters(), strict=True):
        assert parameter["name"] == parameter["long"] == variable.name
        assert parameter["help"] % {"default": ""} == variable.meaning


def test_what_a_build_is_made_by_is_shown_without_secrets() -> None:
    words = {"board": "x64-uefi", "useradd": "alice", "chpasswd": "alice:hunter2"}
    build = read_build({**words, "add-repos": "7Ji", "hostname": "pc"}, Path("/"))
    assert build
    lines = listing.show(build)
    for line in (
        "board:",
        "  id: x64-uefi",
        "  kernels: linux linux-lts",
        "    partitions 1:",
        "      file_system: vfat",
        "distribution:",
        "repositories 1:",
        "  id: 7Ji",
        "  hostname: pc",
        "products: disk.img",
    ):
        assert line in lines
    assert "hunter2" not in "".join(lines)
    assert not [line for line in lines if line.endswith((": ", "None", "[]", "()"))]


def test_the_level_of_the_architecture_is_shown(tmp_path: Path) -> None:
    usual = read_build({"board": "x64-uefi"}, tmp_path)
    newer = read_build({"board": "x64-uefi", "arch": "x86-64-v3"}, tmp_path)
    assert usual and newer
    assert set(listing.show(newer)) - set(listing.show(usual)) == {"level: x86_64_v3"}


def test_modes_are_shown_as_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "motd").write_text("hello")
    words = {"distro": "archlinux", "arch": "x86_64", "files": "motd:/etc/motd:640"}
    build = read_build(words, tmp_path)
    assert build
    assert "    mode: 640" in listing.show(build)

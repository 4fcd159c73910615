"""Repositories in a pacman.conf: which there are, and which are added, and where."""

from pathlib import Path

import pytest

from aimager.errors import ImageError
from aimager.packages.repository_sections import (
    read_settings,
    repositories,
    with_added,
    with_architectures,
    with_own,
)
from aimager.sandbox.tree import Tree
from tests.support.line_ends import LINE_ENDS

CONF = """\
[options]
#IgnorePkg   =
Architecture = auto

#[core-testing]
#Include = /etc/pacman.d/mirrorlist

[core]
Include = /etc/pacman.d/mirrorlist

[extra]
Include = /etc/pacman.d/mirrorlist

#[multilib-testing]
#Include = /etc/pacman.d/mirrorlist

#[multilib]
#Include = /etc/pacman.d/mirrorlist

# An example of a custom package repository.
#[custom]
#SigLevel = Optional TrustAll
#Server = file:///home/custompkgs
"""
LIST = "etc/pacman.d/mirrorlist"


@pytest.mark.parametrize("name", ["multilib", "core-testing", "multilib-testing"])
def test_one_that_is_commented_out_is_enabled_as_it_stands(name: str) -> None:
    said = f"#[{name}]\n#Include = /{LIST}\n"
    own = dict.fromkeys(
        ("core-testing", "core", "extra") if name == "core-testing" else ("core", "extra", name),
        "",
    )
    assert with_own(CONF, own, LIST) == CONF.replace(said, said.replace("#", ""))


def test_what_is_there_stays_as_it_is() -> None:
    assert with_own(CONF, {"core": "", "extra": "http://x/$repo"}, LIST) == CONF
    assert with_own(CONF, {"core": ""}, LIST) == CONF


@pytest.mark.parametrize(
    ("url", "server"), [("", f"Include = /{LIST}"), ("http://o/$repo", "Server = http://o/$repo")]
)
def test_one_that_is_not_there_is_added_in_its_place(url: str, server: str) -> None:
    made = with_own(CONF, {"over": url, "core": "", "extra": ""}, LIST)
    lines = [line for line in made.splitlines() if line and not line.startswith("#")]
    include = f"Include = /{LIST}"
    sections = ["[over]", server, "[core]", include, "[extra]", include]
    assert lines == ["[options]", "Architecture = auto", *sections]
    assert all(line in made.splitlines() for line in CONF.splitlines())
    assert with_own(made, {"over": url, "core": "", "extra": ""}, LIST) == made


KNOWN, MINE = {"known": "http://k/$arch"}, {"mine": "http://m/$repo"}


def test_added_ones_come_behind_those_of_the_distribution() -> None:
    conf = "[options]\n[core]\nInclude = x\n\n#[known]\n\n"
    assert with_added(conf, {}, KNOWN | MINE) == (
        "[options]\n[core]\nInclude = x\n\n#[known]\n"
        "\n[known]\nServer = http://k/$arch\n"
        "\n[mine]\nServer = http://m/$repo\n"
    )


@pytest.mark.parametrize(
    ("first", "last", "order"),
    [
        ({}, {}, ["core", "extra"]),
        (MINE, {}, ["mine", "core", "extra"]),
        (MINE, KNOWN, ["mine", "core", "extra", "known"]),
        (MINE | KNOWN, {}, ["mine", "known", "core", "extra"]),
        (KNOWN | MINE, {}, ["known", "mine", "core", "extra"]),
        ({}, MINE | KNOWN, ["core", "extra", "mine", "known"]),
    ],
)
@pytest.mark.parametrize("before", ["", "[known]\nServer = http://k/$arch\n\n"])
def test_the_order_is_that_of_the_user(
    first: dict[str, str], last: dict[str, str], order: list[str], before: str
) -> None:
    conf = CONF.replace("[core]\n", f"{before}[core]\n", 1)
    made = with_added(conf, first, last)
    if before and "known" not in first | last:
        order = [*(name for name in order if name in first), "known", *order[len(first) :]]
    assert repositories(made) == tuple(order)
    assert sorted(filter(None, made.splitlines())) == sorted(
        [
            *filter(None, conf.splitlines()),
            *(
                line
                for name, url in {**first, **last}.items()
                if not (before and name == "known")
                for line in (f"[{name}]", f"Server = {url}")
            ),
        ]
    )
    assert with_added(made, first, last) == made


def test_one_that_is_there_is_not_added_twice() -> None:
    once = with_added("[core]\n", {}, KNOWN)
    assert with_added(once, {}, KNOWN) == once


def test_what_could_mislead_a_reader() -> None:
    conf = """\
[options]
#[core-testing]
#       [repo-name]
#       Server = ServerName
  [extra]
[core] # as pacman has it, this is no header
[alarm]\r
[extra]
"""
    assert repositories(conf) == ("extra", "alarm")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Architecture = auto\n", "Architecture = auto v2 v3\n"),
        ("  Architecture=x86_64 v3  \n", "  Architecture=x86_64 v3 v2\n"),
        ("#Architecture = auto\n", "#Architecture = auto\n"),
        ("Architecture = v2 v3\n", "Architecture = v2 v3\n"),
        (
            "#Architecture = auto\nArchitecture = auto\n",
            "#Architecture = auto\nArchitecture = auto v2 v3\n",
        ),
        ("# Architecture =\nArchitecture =\n", "# Architecture =\nArchitecture =\n"),
        ("Architecture = v2\nArchitecture = a\n", "Architecture = v2 v3\nArchitecture = a\n"),
        (
            "[x]\nArchitecture = a\n[options]\nArchitecture = a\n",
            "[x]\nArchitecture = a\n[options]\nArchitecture = a v2 v3\n",
        ),
        ("[x]\nArchitecture = a\n", "[x]\nArchitecture = a\n"),
    ],
)
def test_architectures_are_added_to_those_that_are_named(before: str, after: str) -> None:
    conf = "[options]\n{}[core]\n"
    assert with_architectures(conf.format(before), ("v2", "v3")) == conf.format(after)
    assert with_architectures(conf.format(before), ()) == conf.format(before)


@pytest.mark.parametrize("end", LINE_ENDS)
def test_a_line_ends_at_a_newline_alone(tmp_path: Path, end: str) -> None:
    tree = Tree(tmp_path)
    tree.write("etc/pacman.conf", f"[options]\nXferCommand = a{end}[evil]{end}HookDir = /b\n")
    found = [setting for setting in read_settings(tree, "etc/pacman.conf") if setting[1]]
    assert found == [("options", "XferCommand", f"a{end}[evil]{end}HookDir = /b")]


def test_a_file_is_read_once_for_a_section(tmp_path: Path) -> None:
    """However many files include all others: n of them would be read 2 to the power of n times."""
    (tmp_path / "etc/pacman.d").mkdir(parents=True)
    (tmp_path / "etc/pacman.conf").write_text("[options]\nInclude = /etc/pacman.d/*.conf\n")
    for number in range(40):
        text = f"HookDir = /{number}\nInclude = /etc/pacman.d/*.conf\n"
        (tmp_path / f"etc/pacman.d/{number:02}.conf").write_text(text)
    found = list(read_settings(Tree(tmp_path), "etc/pacman.conf"))
    values = [value for _, key, value in found if key == "HookDir"]
    assert sorted(values, key=lambda path: int(path[1:])) == [f"/{n}" for n in range(40)]


def test_a_section_of_an_included_file_holds_behind_it(tmp_path: Path) -> None:
    """As pacman keeps one section for all files."""
    (tmp_path / "etc").mkdir()
    include = "[options]\nInclude = /etc/x\n"
    text = f"{include}A = 1\n[other]\nB = 2\n{include}C = 3\n"
    (tmp_path / "etc/pacman.conf").write_text(text)
    (tmp_path / "etc/x").write_text("X = 0\n[mine]\nServer = y\n")
    read = read_settings(Tree(tmp_path), "etc/pacman.conf")
    named = [(section, key) for section, key, _ in read if key and key != "Include"]
    assert named == [
        *(("options", "X"), ("mine", "Server"), ("mine", "A"), ("other", "B")),
        ("mine", "C"),
    ]


def test_includes_are_followed_as_deep_as_pacman_goes(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    for depth in range(20):
        text = f"[at{depth}]\nInclude = /etc/{depth + 1}\n"
        (tmp_path / f"etc/{depth}").write_text(text)
    found = [section for section, key, _ in read_settings(Tree(tmp_path), "etc/0") if not key]
    assert found == [f"at{depth}" for depth in range(11)]


@pytest.mark.parametrize("many", ["files", "bytes"])
def test_what_is_included_has_an_end(tmp_path: Path, many: str) -> None:
    (tmp_path / "etc").mkdir()
    sections = "".join(f"[s{n}]\nInclude = /etc/x*\n" for n in range(60))
    (tmp_path / "etc/pacman.conf").write_text(sections)
    for number in range(20):
        text = "#" * (1 << 20) if many == "bytes" else "A = 1\n"
        (tmp_path / f"etc/x{number}").write_text(text)
    with pytest.raises(ImageError, match=r"includes is more than 1000 files or 16 MiB"):
        list(read_settings(Tree(tmp_path), "etc/pacman.conf"))

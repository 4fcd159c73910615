"""Several boards are built in one run, each by the words that are for it."""

from pathlib import Path

import pytest

from aimager.config.build import read_build
from aimager.config.builds import read_builds
from aimager.errors import ConfigError
from tests.support.places import ROOT

HERE = Path("/somewhere")


REPOSITORY = """
from aimager.definitions import Architecture, Board
BOARD = Board(
    id="adds", name="-", distros=("archlinuxarm",), architecture=Architecture.aarch64,
    repositories=("7Ji",), kernels=("linux-aarch64",)
)
"""


def refused_together(folder: Path, **words: str) -> str:
    """The message for words that name several boards."""
    with pytest.raises(ConfigError) as caught:
        read_builds(words, folder)
    return caught.value.message


@pytest.mark.parametrize("board", ["rpi4,none", "none,rpi4", "rpi4,rpi3,none"])
def test_a_word_for_none_of_them_is_refused(tmp_path: Path, board: str) -> None:
    words = {"board": board, "distro": "archlinuxarm", "mkfs-arg": "home=-L x"}
    assert "mkfs-arg=" in refused_together(tmp_path, **words)


def test_several_boards_are_several_builds(tmp_path: Path) -> None:
    words = {"board": "x64-uefi, x64-legacy,x64-uefi", "hostname": "pc"}
    builds = read_builds(words, HERE, epoch=7)
    assert [build.id for build in builds] == [
        "archlinux-x86_64-x64-uefi",
        "archlinux-x86_64-x64-legacy",
    ]
    for build in builds:
        assert build == read_build({**words, "board": build.board.id}, HERE, epoch=7)
    (one,) = read_builds({"board": "x64-uefi,,x64-uefi"}, HERE)
    assert one.board.id == "x64-uefi"
    assert read_builds({}, HERE) == ()
    assert read_builds({"distro": "alarm"}, HERE) == (read_build({"distro": "alarm"}, HERE),)
    assert refused_together(HERE, board="x64-uefi,nonsense") == "there is no board nonsense"
    locked = read_builds({"board": "x64-uefi,x64-legacy", "lock": "image.lock"}, HERE)
    assert {build.lock for build in locked} == {HERE / "image.lock"}
    text = (ROOT / "boards" / "x64_uefi.py").read_text()
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text(text.replace('"x64-uefi"', '"mine"'))
    told = "two of the boards have the same id: archlinux-x86_64-mine"
    assert refused_together(tmp_path, board="./a.py,./b.py") == told


@pytest.mark.parametrize(
    ("boards", "word", "value"),
    [
        ("x64-uefi,rpi4", "repo-url-archlinuxarm", "https://a.example/$repo"),
        ("rpi4,x64-uefi", "repo-url-archlinuxarm", "https://a.example/$repo"),
        ("x64-uefi,rpi4", "repo-url-alarm", "https://a.example"),
        ("x64-uefi,./adds.py", "repo-url-7Ji", "https://a.example"),
        ("x64-uefi,rpi4", "append-linux", "quiet"),
        ("x64-uefi,rpi4", "append-linux-rpi", "quiet"),
        ("x64-uefi,./adds.py", "trust-key-7Ji", "A" * 40),
        ("x64-uefi,./adds.py", "repos-first", "7Ji"),
        ("x64-uefi,./adds.py", "repos-for-build", "7Ji"),
        ("x64-uefi,./adds.py", "install-pkgs", "vim,7Ji/yay,core/which"),
        ("x64-uefi,rpi4", "install-pkgs", "alarm/which,vim"),
        ("x64-uefi,none", "root-size", "8G"),
        ("x64-uefi,none", "root-fs", "btrfs"),
        ("x64-uefi,none", "mkfs-arg", "root=-m 5"),
        ("x64-uefi,x64-legacy", "mkfs-arg", "boot='-n A B',root=-m 5"),
    ],
)
def test_a_word_is_for_those_boards_that_it_suits(
    boards: str, word: str, value: str, tmp_path: Path
) -> None:
    """Also where none of them takes the whole of it."""
    (tmp_path / "adds.py").write_text(REPOSITORY)
    host = {"distro": "arch"} if "none" in boards else {}
    builds = read_builds({"board": boards, **host, word: value}, tmp_path)
    plain = read_builds({"board": boards, **host}, tmp_path)
    assert [build.id for build in builds] == [build.id for build in plain]
    assert builds != plain
    if "," not in value:
        assert [one == other for one, other in zip(builds, plain, strict=True)].count(True) == 1


@pytest.mark.parametrize(
    ("word", "value", "told"),
    [
        (
            "repo-url-archriscv",
            "https://a.example",
            "repo-url-archriscv= is for a distribution that takes no part in the build",
        ),
        (
            "append-lunix",
            "quiet",
            "append-lunix= is for a kernel that the image does not have",
        ),
        ("trust-key-mine", "A" * 40, "trust-key-mine= is for a repository that is not added"),
        ("repos-first", "mine", "repos-first=mine is for a repository that is not added"),
        (
            "install-pkgs",
            "core/vim,mine/vim,alarm/vim",
            "install-pkgs=mine/vim names the repository mine, which the build does not have",
        ),
        (
            "mkfs-arg",
            "home=-m 5",
            "mkfs-arg=home= is for a partition that the table does not have",
        ),
    ],
)
def test_a_word_for_none_of_the_boards_is_refused(word: str, value: str, told: str) -> None:
    assert refused_together(HERE, **{"board": "x64-uefi,rpi4", word: value}) == told


def test_of_a_list_each_board_takes_its_own(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("vim,alarm/which\nless\n")
    words = {"board": "x64-uefi,rpi4", "install-pkgs": "@list"}
    assert [build.packages for build in read_builds(words, tmp_path)] == [
        ("vim", "less"),
        ("vim", "alarm/which", "less"),
    ]

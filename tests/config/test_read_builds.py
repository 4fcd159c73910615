"""Several boards on the command line become several builds."""

from pathlib import Path

import pytest

from aimager.config.build import read_build, read_builds
from aimager.errors import ConfigError
from tests.support.places import ROOT

HERE = Path("/somewhere")
BOARDS = ROOT / "boards"


def refused_together(folder: Path, **words: str) -> str:
    """The message for words that name several boards."""
    with pytest.raises(ConfigError) as caught:
        read_builds(words, folder)
    return caught.value.message


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
    told = "lock= is for one board, and board= names 2"
    assert refused_together(HERE, board="x64-uefi,x64-legacy", lock="image.lock") == told
    text = (BOARDS / "x64_uefi.py").read_text()
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text(text.replace('"x64-uefi"', '"mine"'))
    told = "two of board=./a.py,./b.py have the same id"
    assert refused_together(tmp_path, board="./a.py,./b.py") == told

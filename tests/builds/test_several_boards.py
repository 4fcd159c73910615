"""Boards that are built in one run, side by side, and what they share."""

import filecmp
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from aimager.config.build import read_builds
from boards import BOARDS
from tests.support.cells import HOST, fresh_folder
from tests.support.doit_output import Said, read_output
from tests.support.places import ROOT
from tests.support.runs import Doit
from tests.support.seed import Copies
from tests.support.surroundings import Elsewhere

OTHER = {"x64-uefi": "x64-legacy", "aarch64-uefi": "aarch64-uboot"}[HOST.board]


@dataclass(frozen=True)
class Together:
    """What was said of a run that built several boards, and what it made."""

    doit: Doit
    said: Said
    words: tuple[str, str]


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A board of the user's own that needs the packages of another."""
    path = tmp_path_factory.mktemp("boards") / "twin.py"
    text = (ROOT / "boards" / f"{HOST.board.replace('-', '_')}.py").read_text()
    path.write_text(text.replace(f'id="{HOST.board}"', 'id="twin"'))
    return path


@pytest.fixture(scope="module")
def together(doit: Doit, test_cache: Path, twin: Path) -> Iterator[Together]:
    """Three boards, two of which need the same packages, in one run of two jobs."""
    folder = fresh_folder(test_cache / "together")
    words = (HOST.words[0], f"board={HOST.board},{twin},{OTHER}")
    several = Elsewhere(folder, doit.variables, options=("-n", "2"))
    yield Together(several, read_output(several.build(*words)), words)
    fresh_folder(folder).rmdir()


def test_they_have_the_bytes_of_builds_one_by_one(copies: Copies, together: Together) -> None:
    alone = copies("alone")
    distro, boards = (word.partition("=")[2] for word in together.words)
    for build in read_builds({"distro": distro, "board": boards}, Path.cwd()):
        name = build.board.id if build.board.id in BOARDS else boards.split(",")[1]
        alone.build(together.words[0], f"board={name}")
        one, other = alone.out / build.id, together.doit.out / build.id
        assert filecmp.cmpfiles(one, other, build.results, shallow=False)[0] == list(build.results)
    fresh_folder(alone.folder).rmdir()


def test_what_they_share_is_made_once(together: Together) -> None:
    count = together.said.count()
    assert count["keyring-init"] == 1
    assert count["make-rootfs-archive"] == 2, "the borrowed root and the platform's"
    assert count["install-packages"] == 2
    assert count["pack-image"] == 3
    again = read_output(together.doit.build(*together.words))
    assert again.stages == {"sync-databases"}

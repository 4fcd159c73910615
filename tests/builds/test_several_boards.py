"""Boards that are built in one run, side by side, and what they share."""

import filecmp
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from aimager.config.builds import read_builds
from aimager.model.architecture import Architecture, host_architecture
from tests.support.cells import HOST, fresh_folder
from tests.support.doit_output import Said, read_output
from tests.support.runs import Doit
from tests.support.seed import Copies
from tests.support.surroundings import Elsewhere

OTHER = {Architecture.x86_64: "x64-legacy", Architecture.aarch64: "aarch64-uboot"}


@dataclass(frozen=True)
class Together:
    """What was said of a run that built several boards, and what it made."""

    doit: Doit
    said: Said
    words: tuple[str, str]


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A board of the user's own that needs the packages of another."""
    return HOST.twin(tmp_path_factory.mktemp("boards"), "twin")


@pytest.fixture(scope="module")
def together(doit: Doit, test_cache: Path, twin: Path) -> Iterator[Together]:
    """Three boards, two of which need the same packages, in one run of two jobs.

    The path of the cache and of the results has a blank, which programs would take for an end.
    """
    folder = fresh_folder(test_cache / "side by side")
    distro, board = HOST.words
    words = (distro, f"{board},{twin},{OTHER[host_architecture()]}")
    several = Elsewhere(folder, doit.variables, options=("-n", "2"))
    yield Together(several, read_output(several.build(*words)), words)
    fresh_folder(folder).rmdir()


def test_they_have_the_bytes_of_builds_one_by_one(copies: Copies, together: Together) -> None:
    alone = copies("alone")
    distro, boards = (word.partition("=")[2] for word in together.words)
    builds = read_builds({"distro": distro, "board": boards}, Path.cwd())
    for name, build in zip(boards.split(","), builds, strict=True):
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


def test_kernels_are_indexed_ahead(together: Together) -> None:
    told = re.compile(
        r"^aimager: the index of the modules of (\S+) was (.+): \w{64}$", re.MULTILINE
    )
    ahead = sorted((together.doit.cache / "log").glob("run-early:*.log"))
    indexed = {log: dict(told.findall(log.read_text())) for log in ahead}
    assert any(indexed.values())
    for log, versions in indexed.items():
        later = log.with_name(log.name.replace("run-early", "install-packages"))
        if later.exists():  # it is not the same as that of another board
            hows = dict(told.findall(later.read_text()))
            assert {hows[version] for version in versions} <= {"remembered"}

"""Builds with borrowed programs and without: the same bytes, and the same words of each program."""

import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from aimager.model.architecture import Architecture, host_architecture
from aimager.sandbox.binfmt import runs_here
from aimager.sandbox.native_programs_table import LENT
from tests.support import borrowing
from tests.support.borrowing import COMMANDS, Trial
from tests.support.cells import products
from tests.support.doit_output import STAGES
from tests.support.first_difference import explain
from tests.support.runs import USER, Doit
from tests.support.seed import Copies

PLATFORMS = {
    Architecture.aarch64: ("aarch64-uefi", "locales=de_DE.UTF-8,en_US.UTF-8"),
    Architecture.armv7h: ("none",),
}
"""The board, and what else is asked for; to compile a locale emulated takes seconds."""

MADE_BY_PROGRAMS = ("make-rootfs-archive", "install-packages", "pack-image")
WITH_DISPATCHER = {Architecture.x86_64, Architecture.aarch64}


@dataclass(frozen=True)
class Both:
    """One build, made both ways: its root archives, and the logs of the one that borrowed."""

    architecture: Architecture
    doit: Doit
    borrowed: Path
    emulated: Path
    started: Counter[tuple[str, str]]

    def products(self, stage: str) -> list[Path]:
        """What a stage has made for the architecture."""
        found = products(self.doit.cache, stage)
        return [path for path in found if f"-{self.architecture}" in path.parent.parent.name]


def forget(doit: Doit, architecture: Architecture, stages: Iterable[str]) -> None:
    """Remove what stages have made for an architecture, and all logs."""
    for name in stages:
        for folder in (doit.cache / "product" / name).glob(f"*-{architecture}*"):
            shutil.rmtree(folder)
    shutil.rmtree(doit.cache / "log")


def read_record(texts: list[str]) -> Counter[tuple[str, str]]:
    """How often which program was borrowed or emulated, from logs."""
    found: Counter[tuple[str, str]] = Counter()
    for text in texts:
        for number, how, name in re.findall(r"^ *(\d+) (borrowed|emulated) (\S+)$", text, re.M):
            found[how, name] += int(number)
    return found


@pytest.fixture(scope="module", params=list(PLATFORMS), ids=str)
def both(
    request: pytest.FixtureRequest,
    copies: Copies,
    mirror_for: Callable[[str], Path],
) -> Iterator[Both]:
    """Each platform's build, from the same packages."""
    architecture: Architecture = request.param
    if host_architecture() not in WITH_DISPATCHER or runs_here(architecture):
        pytest.skip(f"nothing of {architecture} is borrowed on {host_architecture()}")
    mirror_for(architecture)
    distro = "archlinuxarm"
    board, *settings = PLATFORMS[architecture]
    own = copies("borrowing")
    forget(own, architecture, STAGES)
    for folder in (own.cache / "product/make-rootfs-archive").glob("*.borrowed*"):
        shutil.rmtree(folder)
    packages = ",".join(sorted(lent.package for lent in LENT))
    words = (
        *(f"distro={distro}", f"arch={architecture}", f"board={board}", "create=root.tar"),
        *(*USER, *settings, f"install-pkgs={packages}"),
    )
    own.build(*words, "borrow=no")
    result = own.out / f"{distro}-{architecture}-{board}" / "root.tar"
    emulated = own.folder / "emulated.root.tar"
    result.rename(emulated)
    logs = own.cache / "log"
    assert not read_record([path.read_text() for path in logs.glob("*.log")])
    forget(own, architecture, MADE_BY_PROGRAMS)
    own.build(*words)
    started = read_record([path.read_text() for path in logs.glob("*.log")])
    yield Both(architecture, own, result, emulated, started)
    shutil.rmtree(own.folder)


def test_the_bytes_are_equal(both: Both) -> None:
    difference = explain(both.borrowed, both.emulated)
    assert not difference, difference


def test_most_programs_are_borrowed(both: Both) -> None:
    numbers = {
        how: sum(n for (kind, _), n in both.started.items() if kind == how)
        for how in ("borrowed", "emulated")
    }
    assert numbers["borrowed"] > numbers["emulated"] > 0
    assert ("emulated", "/usr/bin/localedef") not in both.started
    assert ("emulated", "/usr/bin/ldconfig") in both.started


def test_every_program_says_the_same(both: Both, tmp_path: Path) -> None:
    made = both.products("make-rootfs-archive")
    (base,) = (path for path in made if path.name == "rootfs.tar.zst")
    layers = both.products("install-packages")
    layers.sort(key=lambda path: not path.parent.parent.name.endswith(".board"))
    assert layers
    archives = products(both.doit.cache, "make-rootfs-archive")
    (borrowed,) = (path for path in archives if path.name == "borrowed.tar")
    (lock,) = (
        path
        for path in both.products("resolve-packages")
        if not re.search(r"\.(keyring|rootfs|borrowed|board)\b", path.parent.parent.name)
    )
    said, started = {}, {}
    for borrow in (True, False):
        log = tmp_path / f"{borrow}.log"
        trial = Trial(
            *(tmp_path / "work", (base, *layers), borrowed, lock, both.architecture, borrow, log)
        )
        said[borrow] = borrowing.tried(trial)
        started[borrow] = read_record([log.read_text()])
    assert said[True] == said[False]
    assert not started[False]
    tried = {name for how, name in started[True] if how == "borrowed"}
    differing = re.findall(r"(\S+) \(\S+ \S+, borrowed \S+\)", (tmp_path / "True.log").read_text())
    assert len(set(differing)) < len(LENT) / 2
    for lent in LENT:
        assert lent.package in COMMANDS
        if lent.package in differing:  # one architecture of the mirror is newer than the other
            continue
        names = [name if "/" in name else f"usr/bin/{name}" for name in lent.programs]
        assert any(Path(name).match(f"/{pattern}") for name in tried for pattern in names), lent

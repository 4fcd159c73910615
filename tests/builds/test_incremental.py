"""What a change makes doit do again, and that nothing else is done: the table of docs/cache.md.

Every test starts from the first state of a cell, makes one change, and goes back; there too
nothing may be built again. All share one cache, as a user's builds do.
"""

import shutil
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pytest

from aimager import stand_in
from aimager.stand_in.signing import SigningKey, open_key
from tests.support import mirror_variant
from tests.support.cells import (
    CELLS,
    HOST,
    Cell,
    build,
    copy_checkout,
    fresh_folder,
    stored_packages,
    sums,
)
from tests.support.doit_output import STAGES, Said, stage_of, subject_of
from tests.support.runs import Doit
from tests.support.seed import Copies
from tests.support.surroundings import Elsewhere

ASKED = {"sync-databases"}
"""What a build always does, unless offline."""

PACKAGES = {"sync-databases", "resolve-packages", "fetch-packages"}
"""What tells and fetches other packages."""


@dataclass(frozen=True)
class First:
    """A cell in its first state, in which it was built once."""

    cell: Cell
    doit: Doit
    tasks: frozenset[str]
    sums: dict[str, str]

    def build(self, *words: str, url: str = "") -> Said:
        """Build with more words, or from another mirror; each task tells why it runs."""
        doit = self.doit.at(url) if url else self.doit
        said = build(doit, *self.cell.words, *words)
        for stage in said.stages - ASKED:
            assert said.reasons_of(stage), f"{stage} does not say why it runs"
        return said

    def go_back(self) -> None:
        """Build the first state, and expect that all of it is still in the cache."""
        said = self.build()
        assert said.stages == ASKED, [said.reasons_of(stage) for stage in said.stages - ASKED]
        assert sums(self.cell.folder(self.doit)) == self.sums


@pytest.fixture(scope="module")
def shared(copies: Copies) -> Iterator[Doit]:
    """doit on a cache that the tests of this file share; it grows large."""
    doit = copies("incremental", *CELLS)
    yield doit
    shutil.rmtree(doit.folder)


@pytest.fixture(scope="module")
def first_of(shared: Doit) -> Callable[[Cell], First]:
    """Builds a cell for the first time."""
    known: dict[Cell, First] = {}

    def make(cell: Cell) -> First:
        if cell not in known:
            said = build(shared, *cell.words)
            tasks = frozenset((*said.ran, *said.skipped))
            assert {stage_of(task) for task in tasks} >= set(STAGES[1:])
            known[cell] = First(cell, shared, tasks, sums(cell.folder(shared)))
        return known[cell]

    return make


@pytest.fixture(params=CELLS, ids=lambda cell: cell.id)
def each(request: pytest.FixtureRequest, first_of: Callable[[Cell], First]) -> First:
    """Each cell in its first state."""
    return first_of(request.param)


@pytest.fixture
def first(first_of: Callable[[Cell], First]) -> First:
    """The host's own cell in its first state."""
    return first_of(HOST)


@pytest.fixture(scope="module")
def key(mirror: Path) -> Iterator[SigningKey]:
    """The key that signs the mirror's packages."""
    with open_key(mirror.with_name(f"{mirror.name}.work") / "key") as key:
        yield key


@contextmanager
def variant(mirror: Path, change: Callable[[Path], object]) -> Iterator[str]:
    """Serve a copy of the mirror with a change."""
    folder = mirror.with_name("variant")
    fresh_folder(folder).rmdir()
    change(mirror_variant.copy_mirror(mirror, folder))
    with stand_in.serve(folder) as url:
        yield url


def of_platform(said: Said, cell: Cell) -> set[str]:
    """The stages that ran for a cell's platform as such, the programs to borrow left out."""
    return {stage_of(task) for task in said.ran if subject_of(task) == cell.platform.id}


def test_nothing(each: First) -> None:
    said = each.build()
    assert said.stages == ASKED
    assert {reason.stage for reason in said.reasons} <= ASKED
    assert {*said.ran, *said.skipped} == each.tasks
    said = each.build("offline=yes")
    assert said.ran == ()
    assert set(said.skipped) == each.tasks


def test_a_database_but_no_package(first: First, mirror: Path) -> None:
    platform = first.cell.platform
    with variant(mirror, lambda copy: mirror_variant.touch(copy, platform, "extra")) as url:
        said = first.build(url=url)
        assert said.stages == {"sync-databases", "resolve-packages"}
        assert all(first.cell.is_ours(subject_of(t)) for t in said.ran if t.startswith("resolve"))
        assert first.build(url=url).stages == ASKED
    first.go_back()


SETTINGS = {
    "users": ("useradd=-m alice", "chpasswd=alice:secret"),
    "locale": ("locales=de_DE.UTF-8",),
    "append": ("append-all=quiet",),
    "root size": ("root-size=3G",),
}


def test_settings(first: First) -> None:
    """Each makes another image of the same system."""
    made = [first.sums]
    for words in SETTINGS.values():
        said = first.build(*words)
        assert said.stages == ASKED | {"pack-image"}, words
        made.append(sums(first.cell.folder(first.doit)))
        assert made[-1] not in made[:-1], words
    first.go_back()


def test_two_hostnames_to_and_fro(first: First) -> None:
    made = []
    for expected in (ASKED | {"pack-image"}, ASKED):
        said = first.build("hostname=other")
        assert said.stages == expected
        if "pack-image" in expected:
            assert said.reasons_of("pack-image") == [f"hostname: {first.cell.board} -> other"]
        made.append(sums(first.cell.folder(first.doit)))
        first.go_back()
    assert made[0] == made[1] != first.sums


def test_another_board_with_the_same_packages(first: First, tmp_path: Path) -> None:
    checkout = copy_checkout(tmp_path / "checkout")
    first.cell.twin(checkout / "boards", "twin")
    doit = Elsewhere(first.doit.folder, first.doit.variables, checkout=checkout)
    words = Cell(first.cell.platform, "twin").words
    said = build(doit, *words)
    assert "pack-image" in said.stages
    assert said.stages <= PACKAGES | {"install-packages", "pack-image"}
    subject = f"{first.cell.platform.id}-twin"
    assert {subject_of(t) for t in said.ran if stage_of(t) != "sync-databases"} == {subject}
    first.go_back()
    assert build(doit, *words).stages == ASKED
    first.go_back()


def test_one_more_package(each: First, mirror: Path) -> None:
    before = stored_packages(each.doit.cache)
    nano = mirror_variant.find(mirror, each.cell.platform, "nano")
    said = each.build("install-pkgs=nano")
    assert said.stages == PACKAGES | {"install-packages", "pack-image"}
    board, own = said.reasons_of("install-packages")
    assert board.startswith("it is the same as that of "), "the board's own, or its twin's"
    assert f"nano {nano.version} added" in own
    subjects = {subject_of(t) for t in said.ran if stage_of(t) not in ASKED}
    assert subjects == {each.cell.id, f"{each.cell.id}.board"}
    assert stored_packages(each.doit.cache) - before == {nano.file.name}
    each.go_back()
    assert each.build("install-pkgs=nano").stages == ASKED
    each.go_back()


@contextmanager
def upgraded(
    first: First,
    mirror: Path,
    key: SigningKey,
    package: str,
    more: Mapping[str, bytes] = MappingProxyType({}),
) -> Iterator[tuple[str, mirror_variant.Entry]]:
    """A mirror with the next release of a package: its address, and that release.

    ``more`` is what comes at the ends of its files.
    """
    platform = first.cell.platform
    version = f"{mirror_variant.find(mirror, platform, package).version}.1"

    def change(copy: Path) -> None:
        mirror_variant.upgrade(copy, key, platform, package, version, more)

    with variant(mirror, change) as url:
        yield url, mirror_variant.find(mirror.with_name("variant"), platform, package)


def test_a_package_of_the_board(first: First, mirror: Path, key: SigningKey) -> None:
    before = stored_packages(first.doit.cache)
    with upgraded(first, mirror, key, "linux-firmware") as (url, after):
        said = first.build(url=url)
        assert said.stages == PACKAGES | {"install-packages", "pack-image"}
        (reason,) = said.reasons_of("install-packages")
        assert after.name in reason
        assert after.version in reason
        assert stored_packages(first.doit.cache) - before == {after.file.name}
        first.go_back()
        assert first.build(url=url).stages == ASKED
    first.go_back()


def test_a_package_of_the_root_file_system(first: First, mirror: Path, key: SigningKey) -> None:
    with upgraded(first, mirror, key, "iputils") as (url, after):
        said = first.build(url=url)
    assert said.stages == PACKAGES | {"make-rootfs-archive", "install-packages", "pack-image"}
    assert of_platform(said, first.cell) == {"sync-databases", "make-rootfs-archive"}
    assert any(after.version in reason for reason in said.reasons_of("make-rootfs-archive"))
    first.go_back()


def test_a_keyring_package(first: First, mirror: Path, key: SigningKey) -> None:
    """The new one has Arch Linux's keys of 2026-09, with what vouches for them, beside its own."""
    package = first.cell.platform.distro.keyrings[0].package
    with upgraded(first, mirror, key, package, mirror_variant.real_keyring()) as (url, after):
        said = first.build(url=url)
    made = {"keyring-init", "keyring-backup", "make-rootfs-archive"}
    assert said.stages == PACKAGES | made | {"install-packages", "pack-image"}
    assert of_platform(said, first.cell) == {"sync-databases", *made}
    assert any(after.version in reason for reason in said.reasons_of("keyring-init"))
    product = first.doit.cache / "product/keyring-init" / first.cell.platform.id
    newest = max(product.glob("*/keyring.secret.tar"), key=lambda path: path.stat().st_mtime_ns)
    with tarfile.open(newest) as keyring:
        (ring,) = (member for member in keyring if member.name.endswith("/pubring.gpg"))
        assert ring.size > 400_000
    first.go_back()


CODE = {"resolve_packages": 2, "keyring_backup": 5, "install_packages": 7, "pack_image": 8}
"""Modules of stages, and their places in the order of stages."""


@pytest.mark.parametrize("module", CODE)
def test_the_code_of_a_stage(first: First, tmp_path: Path, module: str) -> None:
    checkout = copy_checkout(tmp_path / "checkout")
    with (checkout / f"aimager/stages/{module}.py").open("a") as code:
        code.write("\n# A comment more.\n")
    doit = Elsewhere(first.doit.folder, first.doit.variables, checkout=checkout)
    said = build(doit, *first.cell.words)
    changed = STAGES[CODE[module]]
    assert changed == module.replace("_", "-")
    assert changed in said.stages
    assert said.stages <= ASKED | set(STAGES[CODE[module] :])
    first.go_back()

"""Products and packages that are damaged or gone on disk are made again, and nothing else is."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from aimager import files
from tests.support.cells import HOST, build, delete, flip_byte, products, sums, truncate
from tests.support.doit_output import STAGES
from tests.support.runs import Doit

ASKED = {"sync-databases"}
ALWAYS_KEPT = STAGES[2:3] + STAGES[4:]
"""Stages whose products can only be in the cache's folder of products."""

DAMAGES = (flip_byte, delete, truncate)


@pytest.mark.parametrize("stage", STAGES)
def test_a_product(intact: Doit, stage: str) -> None:
    made = products(intact.cache, stage)
    if not made and stage not in ALWAYS_KEPT:
        pytest.skip(f"{stage} keeps nothing in the folder of products")
    assert made, f"{stage} has no product"
    results = sums(HOST.folder(intact))
    before = {path: files.sha256(path) for path in made}
    damage = flip_byte if stage == "pack-image" else truncate
    for path in made:
        damage(path)
    said = build(intact, *HOST.words)
    assert stage in said.stages
    assert stage in ASKED or said.reasons_of(stage)
    after = {path: files.sha256(path) for path in products(intact.cache, stage)}
    if after == before:
        assert said.stages == ASKED | {stage}
    else:  # that equal inputs give equal bytes is tried in test_equal_bytes
        assert said.stages <= ASKED | set(STAGES[STAGES.index(stage) :])
    assert sums(HOST.folder(intact)) == results


@pytest.mark.parametrize(
    "damaged",
    [
        {"resolve-packages": delete, "keyring-backup": truncate},
        {"resolve-packages": truncate, "keyring-backup": delete, "pack-image": truncate},
        {"make-rootfs-archive": delete},
    ],
    ids=" ".join,
)
def test_products_that_are_gone_or_cut_off(
    intact: Doit, damaged: dict[str, Callable[[Path], None]]
) -> None:
    results = sums(HOST.folder(intact))
    for stage, damage in damaged.items():
        for path in products(intact.cache, stage):
            damage(path)
    said = build(intact, *HOST.words)
    assert said.stages >= damaged.keys()
    first = min(STAGES.index(stage) for stage in damaged)
    assert said.stages <= ASKED | set(STAGES[first:])
    assert sums(HOST.folder(intact)) == results


@pytest.mark.parametrize("stage", ["make-rootfs-archive", "keyring-backup", "install-packages"])
def test_a_product_that_somebody_wrote_to_is_not_used(intact: Doit, stage: str) -> None:
    """Its size is right, and nothing of ours writes to it: the build says so, and stops."""
    results = sums(HOST.folder(intact))
    made = products(intact.cache, stage)
    assert made, f"{stage} has no product"
    for path in made:
        flip_byte(path)
    said = intact.refuse(*HOST.words)
    assert "was changed since it was made, though nothing of a build writes to it" in said
    assert "hint: see who can write to the cache, remove " in said
    for path in made:
        shutil.rmtree(path.parent, ignore_errors=True)
    assert stage in build(intact, *HOST.words).stages
    assert sums(HOST.folder(intact)) == results


@contextmanager
def damaged(paths: Mapping[Path, Callable[[Path], None]], aside: Path) -> Iterator[None]:
    """Damage files, and put them back afterwards, so that no other test meets them."""
    kept = {path: Path(shutil.copy2(path, aside / str(n))) for n, path in enumerate(paths)}
    try:
        for path, damage in paths.items():
            damage(path)
        yield
    finally:
        for path, copy in kept.items():
            path.unlink(missing_ok=True)
            shutil.copy2(copy, path)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_result(intact: Doit, damage: Callable[[Path], None]) -> None:
    results = sums(HOST.folder(intact))
    damage(HOST.disk(intact))
    said = build(intact, *HOST.words)
    assert said.stages <= ASKED | {"pack-image"}
    assert sums(HOST.folder(intact)) == results


def test_packages_that_are_needed_again(intact: Doit, tmp_path: Path) -> None:
    results = sums(HOST.folder(intact))
    board = HOST.definition()
    names = ("linux-firmware", board.kernels[0], board.initramfs)
    packages = {
        path: damage
        for name, damage in zip(names, DAMAGES, strict=True)
        for path in (intact.cache / "pkg").rglob(f"{name}-[0-9]*.pkg.tar.*")
        if path.suffix != ".sig"
    }
    assert len(packages) == len(DAMAGES)
    before = {path: files.sha256(path) for path in packages}
    with damaged(packages, tmp_path):
        shutil.rmtree(intact.cache / "product/install-packages")
        said = build(intact, *HOST.words)
        assert {path: files.sha256(path) for path in packages} == before
    assert {"fetch-packages", "install-packages"} <= said.stages
    assert said.stages <= ASKED | {"fetch-packages", "install-packages", "pack-image"}
    assert sums(HOST.folder(intact)) == results


@pytest.mark.parametrize(
    ("names", "damage"), [("*.tar", flip_byte), ("*.db", truncate), ("*.[td][ab]*", delete)]
)
def test_the_databases(
    intact: Doit, names: str, damage: Callable[[Path], None], tmp_path: Path
) -> None:
    kept = [path for path in (intact.cache / "sync").rglob(names) if path.suffix in (".tar", ".db")]
    assert kept
    with damaged(dict.fromkeys(kept, damage), tmp_path):
        said = build(intact, *HOST.words)
    assert said.stages <= {"sync-databases", "resolve-packages"}


def test_all_products(intact: Doit) -> None:
    results = sums(HOST.folder(intact))
    shutil.rmtree(intact.cache / "product")
    build(intact, *HOST.words)
    assert sums(HOST.folder(intact)) == results

"""Products and packages that are damaged or gone on disk are made again, and nothing else is."""

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aimager import files
from tests.support.cells import HOST, build, delete, flip_byte, products, sums, truncate
from tests.support.doit_output import STAGES
from tests.support.runs import Doit

pytestmark = pytest.mark.slow

ASKED = {"sync-databases"}
ALWAYS_KEPT = STAGES[2:3] + STAGES[4:]
"""Stages whose products can only be in the cache's folder of products."""

DAMAGES = {"flipped": flip_byte, "deleted": delete, "cut off": truncate}
CASES = [
    *((stage, "flipped") for stage in STAGES),
    *((s, d) for s in ("resolve-packages", "keyring-backup") for d in ("deleted", "cut off")),
    ("make-rootfs-archive", "deleted"),
    ("pack-image", "cut off"),
]

damages = pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)


@pytest.mark.parametrize(("stage", "damage"), CASES)
def test_a_product(intact: Doit, stage: str, damage: str) -> None:
    made = products(intact.cache, stage)
    if not made and stage not in ALWAYS_KEPT:
        pytest.skip(f"{stage} keeps nothing in the folder of products")
    assert made, f"{stage} has no product"
    results = sums(HOST.folder(intact))
    before = {path: files.sha256(path) for path in made}
    for path in made:
        DAMAGES[damage](path)
    said = build(intact, *HOST.words)
    assert stage in said.stages
    assert stage in ASKED or said.reasons_of(stage)
    after = {path: files.sha256(path) for path in products(intact.cache, stage)}
    if after == before:
        assert said.stages == ASKED | {stage}
    else:  # that equal inputs give equal bytes is tried in test_equal_bytes
        assert said.stages <= ASKED | set(STAGES[STAGES.index(stage) :])
    assert sums(HOST.folder(intact)) == results


@contextmanager
def damaged(paths: Iterable[Path], damage: Callable[[Path], None], aside: Path) -> Iterator[None]:
    """Damage files, and put them back afterwards, so that no other test meets them."""
    kept = {path: Path(shutil.copy2(path, aside / str(n))) for n, path in enumerate(paths)}
    try:
        for path in kept:
            damage(path)
        yield
    finally:
        for path, copy in kept.items():
            path.unlink(missing_ok=True)
            shutil.copy2(copy, path)


@damages
def test_a_result(intact: Doit, damage: Callable[[Path], None]) -> None:
    results = sums(HOST.folder(intact))
    damage(HOST.disk(intact))
    said = build(intact, *HOST.words)
    assert said.stages <= ASKED | {"pack-image"}
    assert sums(HOST.folder(intact)) == results


@damages
def test_a_package_that_is_needed_again(
    intact: Doit, damage: Callable[[Path], None], tmp_path: Path
) -> None:
    results = sums(HOST.folder(intact))
    (package,) = (
        path
        for path in (intact.cache / "pkg").rglob("linux-firmware-*.pkg.tar.*")
        if path.suffix != ".sig"
    )
    before = files.sha256(package)
    with damaged([package], damage, tmp_path):
        shutil.rmtree(intact.cache / "product/install-packages")
        said = build(intact, *HOST.words)
        assert files.sha256(package) == before
    assert {"fetch-packages", "install-packages"} <= said.stages
    assert said.stages <= ASKED | {"fetch-packages", "install-packages", "pack-image"}
    assert sums(HOST.folder(intact)) == results


@damages
@pytest.mark.parametrize("suffix", [".tar", ".db"])
def test_the_databases(
    intact: Doit, damage: Callable[[Path], None], suffix: str, tmp_path: Path
) -> None:
    kept = list((intact.cache / "sync").rglob(f"*{suffix}"))
    assert kept
    with damaged(kept, damage, tmp_path):
        said = build(intact, *HOST.words)
    assert said.stages <= {"sync-databases", "resolve-packages"}


def test_all_products(intact: Doit) -> None:
    results = sums(HOST.folder(intact))
    shutil.rmtree(intact.cache / "product")
    build(intact, *HOST.words)
    assert sums(HOST.folder(intact)) == results

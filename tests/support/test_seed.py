"""Copies of a seed share what nobody writes to in place, and nothing else."""

from pathlib import Path

import pytest

from aimager.products.cache import describe_files
from aimager.products.derivation import Derivation
from aimager.products.record import Record, write_record
from tests.support.cells import HOST
from tests.support.runs import Doit
from tests.support.seed import Seed


@pytest.mark.parametrize("links", [True, False])
def test_a_copy_shares_products_and_neither_logs_nor_locks(tmp_path: Path, links: bool) -> None:
    seed = Seed(Doit(tmp_path / "seed", ()), "this run")
    for name, text in {
        "run": "this run",
        f"said.{HOST.id}": "built",
        "out/disk.img": "disk",
        "cache/log/make.log": "made",
        "cache/product/.lock": "",
        "cache/product/make/.id.lock": "",
        "cache/product/make/x/id/file": "product",
    }.items():
        path = seed.doit.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    warm = seed.copy(tmp_path / "copy", links=links)
    assert warm.said == "built"
    cache = warm.doit.cache
    files = {str(path.relative_to(cache)) for path in cache.rglob("*") if path.is_file()}
    assert files == {"log/make.log", "product/make/x/id/file"}
    assert (cache / "log/make.log").read_text() == "made"
    shared = {name for name in files if (cache / name).samefile(seed.doit.cache / name)}
    assert shared == ({"product/make/x/id/file"} if links else set())


def test_who_writes_to_what_others_share_is_told(tmp_path: Path) -> None:
    seed = Seed(Doit(tmp_path / "seed", ()), "this run")
    product = seed.doit.cache / "product/make/x/id"
    product.mkdir(parents=True)
    for name, text in {"run": "this run", f"said.{HOST.id}": "built"}.items():
        (seed.doit.folder / name).write_text(text)
    seed.doit.out.mkdir()
    (seed.doit.cache / "log").mkdir()
    disk = product / "disk.img"
    disk.write_text("disk")
    kept = describe_files([disk])
    derivation = Derivation("make", "Make", {}, {}, {})
    write_record(Record("make", "x", "id", False, derivation, {}, {}, {}, kept), product)
    copy = seed.copy(tmp_path / "copy").doit
    (copy.cache / "product/make/x/id/disk.img").write_text("another")
    with pytest.raises(AssertionError, match=r"id/disk\.img, which others share"):
        seed.copy(tmp_path / "other")

"""Copies of a seed share what nobody writes to in place, and nothing else."""

from pathlib import Path

import pytest

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

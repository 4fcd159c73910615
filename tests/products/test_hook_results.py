"""What hooks made is kept among the products, once, and pruned as they are."""

import os
from pathlib import Path

from aimager.products.hook_results import HookResults
from aimager.products.inventory import list_products
from aimager.products.prune import Limit, prune
from aimager.sandbox.results import RESULT, Results, encode_result

KEY = "ab" * 32
FILES = {"modules.dep": b"a: b\n"}


def receive(tmp_path: Path, *, damaged: bool = False) -> HookResults:
    """What is kept after a worker has made one, and used one if it was there."""
    results = HookResults(tmp_path / "product")
    made = tmp_path / "work.results"
    with results.receiving(made):
        worker = Results(results.folder, made)
        if worker.find(KEY) is None:
            worker.keep(KEY, FILES)
        if damaged:
            made.write_bytes(made.read_bytes()[:-1])
    assert not list(tmp_path.glob("work.results*"))
    return results


def test_it_is_found_again(tmp_path: Path) -> None:
    results = receive(tmp_path)
    assert Results(results.folder).find(KEY) == FILES
    (item,) = list_products(results.products)
    assert (item.kind, item.folder.name) == ("hook-results", KEY)


def test_what_is_used_is_pruned_last(tmp_path: Path) -> None:
    results = receive(tmp_path)
    record = results.folder / KEY / "record.json"
    os.utime(record, (1, 1))
    receive(tmp_path)
    assert record.stat().st_mtime > 1
    prune(results.products, tmp_path / "store", tmp_path / "runs", Limit(since=2))
    assert Results(results.folder).find(KEY) == FILES
    prune(results.products, tmp_path / "store", tmp_path / "runs", Limit(size=0))
    assert Results(results.folder).find(KEY) is None
    assert not results.folder.exists()


def test_a_damaged_one_is_replaced(tmp_path: Path) -> None:
    path = receive(tmp_path).folder / KEY / RESULT
    path.write_bytes(b"other")
    assert Results(path.parents[1]).find(KEY) is None
    receive(tmp_path)
    assert path.read_bytes() == encode_result(KEY, FILES)


def test_what_was_cut_off_is_lost(tmp_path: Path) -> None:
    assert Results(receive(tmp_path, damaged=True).folder).find(KEY) is None


def test_nothing_is_kept_where_nothing_is_told(tmp_path: Path) -> None:
    with HookResults(tmp_path / "product").receiving(tmp_path / "work.results"):
        pass
    assert not (tmp_path / "product").exists()

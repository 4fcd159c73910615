"""A product that is another than the one that something was made from."""

import dataclasses
from pathlib import Path

import pytest

from aimager.errors import ConfigError
from aimager.products.cache import describe_files
from aimager.products.prune import Limit, prune
from aimager.products.record import read_record, removed_sums
from tests.products.test_task import chain, edit_record
from tests.support.staged import build, product, runs


def test_what_was_made_from_other_bytes_is_made_again(cache: Path, source: Path) -> None:
    """As when a keyring was made anew: its id is the same, its secret is not."""
    first, second = chain(cache, "r1", source)
    for task in (first, second):
        build(task)
    edit_record(second, made_from={"source": "0" * 64})
    edit_record(first, earlier=["0" * 64])
    first, second = chain(cache, "r2", source)
    assert not build(first)
    assert second.explain() == "loud.txt came out different"
    assert build(second)
    assert [build(task) for task in chain(cache, "r3", source)] == [False, False]


def test_what_somebody_put_in_the_place_of_a_product_is_not_used(cache: Path, source: Path) -> None:
    """With a record that fits: what was made of it before tells that it is another."""
    first, second = chain(cache, "r1", source)
    for task in (first, second):
        build(task)
    (product(first) / "loud.txt").write_text("EVIL")
    edit_record(first, files=describe_files([product(first) / "loud.txt"]))
    first, second = chain(cache, "r2", source)
    assert not build(first)
    with pytest.raises(ConfigError, match=r"loud.txt of first:x in the cache is not the file that"):
        build(second)
    assert runs(cache, "second") == 1
    first.forget()
    assert [build(task) for task in chain(cache, "r3", source)] == [True, False]


def test_what_a_product_had_before_is_remembered(cache: Path, source: Path) -> None:
    """So that whoever was made from it knows in a later run, too, that it was made anew."""
    first, second = chain(cache, "r1", source)
    for task in (first, second):
        build(task)
    before = read_record(product(first))
    again = dataclasses.replace(chain(cache, "r2", source)[0], anew=True)
    again.run()
    record = read_record(product(again))
    assert before and record and record.earlier == (before.files[0].sha256,)


def test_what_a_product_was_is_known_when_it_is_forgotten(cache: Path, source: Path) -> None:
    """So that it may be made anew alone, and a build in a later run goes on."""
    first, second = chain(cache, "r1", source)
    for task in (first, second):
        build(task)
    record = read_record(product(first))
    assert record
    another = dataclasses.replace(record.files[0], sha256="0" * 64)
    edit_record(first, files=[another])
    edit_record(second, made_from={"source": another.sha256})
    first.forget()
    assert not list(first.kept.folder.glob("*/"))
    assert build(chain(cache, "alone", source)[0])
    first, second = chain(cache, "later", source)
    assert not build(first)
    assert second.explain() == "loud.txt came out different"


def test_what_a_product_was_is_known_when_it_is_pruned(cache: Path, source: Path) -> None:
    first, _ = chain(cache, "r1", source)
    build(first)
    folder = product(first)
    record = read_record(folder)
    assert record
    assert prune(cache / "product", cache / "pkg", cache / "none", Limit(size=0)).items
    assert not folder.exists()
    assert removed_sums(folder) == (record.files[0].sha256,)
    assert removed_sums(folder.with_name("0" * 32)) == ()

"""Kept products: damage of every kind is seen, and a view keeps what it saw."""

import os
import shutil
import stat
from pathlib import Path

import pytest

from aimager.errors import ConfigError
from aimager.files import sha256
from aimager.products.cache import Damage, Kept, describe_files, find_damage
from aimager.products.record import RECORD, read_record
from aimager.products.task import CachedTask
from tests.support.staged import build, finish, product, runs, shout, start, write_later


@pytest.fixture
def made(cache: Path, source: Path) -> CachedTask:
    """A task whose product is kept."""
    task = shout(cache, "r1", source)
    assert build(task)
    return task


def touch_back(path: Path, content: bytes) -> None:
    """Give a file another content, and the time that it had."""
    times = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_what_is_known_of_a_file_is_not_read_again(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    one, other = describe_files([tmp_path / "a", tmp_path / "b"], {"a": "known"})
    assert (one.name, one.sha256) == ("a", "known")
    assert other.sha256 == sha256(tmp_path / "b")


def test_a_product_is_kept_beside_its_record(made: CachedTask) -> None:
    folder = product(made)
    assert {path.name for path in folder.iterdir()} == {"loud.txt", RECORD}
    assert (folder / "loud.txt").read_text() == "HELLO THERE"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    record = read_record(folder)
    assert record
    assert folder.name == record.id == record.derivation.id
    assert made.kept.records() == [record]


def test_another_run_sees_the_same_files(made: CachedTask, cache: Path, source: Path) -> None:
    other = shout(cache, "r2", source)
    assert not build(other)
    assert (other.kept.view / "loud.txt").samefile(product(made) / "loud.txt")
    assert (other.kept.view / RECORD).samefile(product(made) / RECORD)
    assert runs(cache) == 1


def missing(folder: Path) -> str:
    (folder / "loud.txt").unlink()
    return "loud.txt is missing"


def truncated(folder: Path) -> str:
    touch_back(folder / "loud.txt", b"HEL")
    return "loud.txt is damaged: it has 3 bytes and not 11"


def emptied(folder: Path) -> str:
    (folder / "loud.txt").write_bytes(b"")
    return "loud.txt is damaged: it has 0 bytes and not 11"


def flipped(folder: Path) -> str:
    write_later(folder / "loud.txt", b"HELLO THERF")
    return "loud.txt was changed since it was made"


def replaced(folder: Path) -> str:
    (folder / "loud.txt").unlink()
    (folder / "loud.txt").mkdir()
    return "loud.txt is missing"


def without_record(folder: Path) -> str:
    (folder / RECORD).unlink()
    return "it has not been made before"


def with_garbage(folder: Path) -> str:
    (folder / RECORD).write_text('{"task": ')
    return "it has not been made before"


def with_half_a_record(folder: Path) -> str:
    content = (folder / RECORD).read_bytes()
    (folder / RECORD).write_bytes(content[: len(content) // 2])
    return "it has not been made before"


def of_another_id(folder: Path) -> str:
    text = (folder / RECORD).read_text()
    (folder / RECORD).write_text(text.replace(folder.name, "0" * 32))
    return "the cache does not hold it any more"


def removed(folder: Path) -> str:
    shutil.rmtree(folder)
    return "it has not been made before"


@pytest.mark.parametrize(
    "damage",
    [
        *(missing, truncated, emptied, replaced, without_record, with_garbage),
        *(with_half_a_record, of_another_id, removed),
    ],
)
def test_what_is_damaged_is_made_again(
    made: CachedTask, cache: Path, source: Path, damage: object
) -> None:
    said = damage(product(made))  # type: ignore[operator]
    task = shout(cache, "r2", source)
    assert task.explain() == said
    assert not (task.kept.view / "loud.txt").exists()
    assert build(task)
    assert (product(task) / "loud.txt").read_text() == "HELLO THERE"
    assert not build(shout(cache, "r3", source))
    assert runs(cache) == 2
    assert [path for path in task.kept.folder.iterdir() if path.is_dir()] == [product(task)]


def test_what_somebody_wrote_to_stops_the_build(
    made: CachedTask, cache: Path, source: Path
) -> None:
    changed = flipped(product(made))
    task = shout(cache, "r2", source)
    for ask in (task.explain, task.run):
        with pytest.raises(ConfigError, match=f"shout:x: {changed}") as caught:
            ask()
        assert f"remove {product(made)}" in caught.value.hint
    assert not (task.kept.view / "loud.txt").exists()
    assert runs(cache) == 1
    task.forget()
    assert build(task)


def test_what_a_run_sees_is_not_taken_from_it(made: CachedTask, cache: Path, source: Path) -> None:
    emptied(product(made))
    other = shout(cache, "r2", source)
    build(other)
    assert (made.kept.view / "loud.txt").read_text() == ""
    assert (other.kept.view / "loud.txt").read_text() == "HELLO THERE"
    made.kept.forget()
    assert not made.kept.folder.exists()
    assert (other.kept.view / "loud.txt").read_text() == "HELLO THERE"
    made.kept.forget()


@pytest.mark.parametrize("times", ["as they were", "whole seconds", "now"])
def test_a_restored_cache_is_read_once(
    made: CachedTask, tmp_path: Path, source: Path, times: str
) -> None:
    """Another place, other inodes, and times as tar, a checkout or a cache action leaves them."""
    before = (product(made) / "loud.txt").stat().st_mtime_ns
    new = tmp_path / "elsewhere"
    shutil.copytree(tmp_path / "cache", new, copy_function=shutil.copy2)
    shutil.rmtree(tmp_path / "cache")
    task = shout(new, "r2", source)
    kept = product(task) / "loud.txt"
    if times != "as they were":
        at = before // 10**9 * 10**9 if times == "whole seconds" else before + 10**12
        os.utime(kept, ns=(at, at))
    assert not build(task)
    assert kept.stat().st_mtime_ns == before
    assert runs(new) == 1


@pytest.mark.parametrize("text", ["HELLO THERF", "HELLO"])
def test_damage_is_found_in_a_restored_cache(
    made: CachedTask, cache: Path, source: Path, text: str
) -> None:
    path = product(made) / "loud.txt"
    path.write_text(text)
    os.utime(path, ns=(10**18, 10**18))
    task = shout(cache, "r2", source)
    if text == "HELLO":
        assert build(task)
        return
    with pytest.raises(ConfigError, match="was changed since it was made, though nothing"):
        build(task)
    assert runs(cache) == 1


def test_records_are_sorted_by_use(cache: Path, source: Path) -> None:
    for number, word in enumerate(("a", "b", "c")):
        task = shout(cache, "r1", source, word)
        build(task)
        record = read_record(task.kept.view)
        assert record
        os.utime(task.kept.folder / record.id / RECORD, (number, number))
    words = [record.derivation.settings["words"] for record in task.kept.records()]
    assert words == ['["c"]', '["b"]', '["a"]']
    assert not build(shout(cache, "r2", source, "a"))
    words = [record.derivation.settings["words"] for record in task.kept.records()]
    assert words == ['["a"]', '["c"]', '["b"]']


def test_a_record_may_be_seen_without_its_product(made: CachedTask, tmp_path: Path) -> None:
    record = read_record(made.kept.view)
    assert record
    kept = Kept(made.kept.folder, tmp_path / "view")
    kept.see(record)
    kept.see(record)
    assert [path.name for path in kept.view.iterdir()] == [RECORD]
    assert read_record(kept.view) == record
    assert not (kept.view / RECORD).samefile(product(made) / RECORD)


def test_damage_in_words(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a", "b")]
    for path in paths:
        path.write_text("x")
    files = describe_files(paths)
    assert find_damage(tmp_path, files) is None
    assert find_damage(tmp_path, ()) is None
    paths[1].unlink()
    assert find_damage(tmp_path, files) == Damage("b is missing")
    assert find_damage(tmp_path / "gone", files) == Damage("a is missing")


@pytest.mark.parametrize("count", [2, 6])
def test_makers_of_one_product_make_it_once(cache: Path, source: Path, count: int) -> None:
    makers = [start("build_there", cache, f"r{n}", source, 0.3) for n in range(count)]
    said = [finish(maker) for maker in makers]
    assert runs(cache) == 1
    assert sum("ran: True" in text for text in said) >= 1
    assert all("HELLO THERE" in text for text in said)
    assert sum("it has not been made before" in text for text in said) == 1


def test_makers_of_a_damaged_product_mend_it_once(
    made: CachedTask, cache: Path, source: Path
) -> None:
    emptied(product(made))
    makers = [start("build_there", cache, f"p{n}", source, 0.2) for n in range(4)]
    said = [finish(maker) for maker in makers]
    assert runs(cache) == 2
    assert sum("loud.txt is damaged" in text for text in said) == 1
    assert (product(made) / "loud.txt").read_text() == "HELLO THERE"

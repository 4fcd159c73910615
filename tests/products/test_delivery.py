"""Results lie in the user's folder as they were made, and what becomes of them there is seen."""

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aimager.files import Readers, sha256
from aimager.products.cache import describe_files
from aimager.products.delivery import DeliveredTask, Delivery
from aimager.products.derivation import Derivation
from aimager.products.record import Record
from tests.support.staged import build, runs, shout, write_later

MIB = 1 << 20


@pytest.fixture(params=["beside", "/dev/shm"])
def out(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """The user's folder, also on another file system than the cache."""
    if request.param == "beside":
        yield tmp_path / "out/image"
        return
    if not Path(request.param).is_dir():
        pytest.skip(f"there is no {request.param}")
    folder = Path(tempfile.mkdtemp(dir=request.param))
    yield folder / "image"
    shutil.rmtree(folder)


@pytest.fixture
def delivery(tmp_path: Path, out: Path) -> Delivery:
    """What was brought there is remembered in the cache."""
    return Delivery(out, tmp_path / "cache/delivered/image.json")


def loud(cache: Path, run: str, source: Path, delivery: Delivery, *words: str) -> DeliveredTask:
    """The task whose product is brought."""
    task = shout(cache, run, source, *words)
    return DeliveredTask(task.task, task.subject, task.title, task.stage, task.kept, delivery)


def again(cache: Path, source: Path, delivery: Delivery) -> str:
    """Build in a new run; returns why it ran."""
    task = loud(cache, os.urandom(4).hex(), source, delivery)
    reason = task.explain()
    assert build(task) == bool(reason)
    assert (delivery.folder / "loud.txt").read_text() == "HELLO THERE"
    assert loud(cache, os.urandom(4).hex(), source, delivery).explain() == ""
    return reason


def test_it_is_brought(cache: Path, source: Path, delivery: Delivery, out: Path) -> None:
    task = loud(cache, "r1", source, delivery)
    assert build(task)
    assert [path.name for path in out.iterdir()] == ["loud.txt"]
    assert (out / "loud.txt").read_text() == "HELLO THERE"
    assert (out / "loud.txt").stat().st_mode & 0o777 == 0o600
    assert out.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("readers", "file", "folder"),
    [(Readers.nobody, 0o600, 0o700), (Readers.group, 0o640, 0o750), (Readers.all, 0o644, 0o755)],
)
def test_who_may_read_results_is_said_and_said_anew(
    cache: Path,
    source: Path,
    delivery: Delivery,
    out: Path,
    readers: Readers,
    file: int,
    folder: int,
) -> None:
    """Of those that are there, too, such as from the time when all could be read by all."""
    build(loud(cache, "r1", source, replace(delivery, readers=Readers.all)))
    for run in ("r2", "r3"):
        task = loud(cache, run, source, replace(delivery, readers=readers))
        assert task.is_done()
        assert (out / "loud.txt").stat().st_mode & 0o7777 == file
        assert out.stat().st_mode & 0o7777 == folder
    kept = [path for path in cache.rglob("*") if path.name == "loud.txt"]
    assert kept
    assert all(path.parent.stat().st_mode & 0o077 == 0 for path in kept if "work" not in path.parts)


def test_two_folders_never_share_a_file(
    cache: Path, source: Path, delivery: Delivery, tmp_path: Path, out: Path
) -> None:
    build(loud(cache, "r1", source, delivery))
    second = Delivery(tmp_path / "second", cache / "delivered/second.json")
    build(loud(cache, "r2", source, second))
    assert not (out / "loud.txt").samefile(second.folder / "loud.txt")
    (out / "loud.txt").write_text("mine")
    assert (second.folder / "loud.txt").read_text() == "HELLO THERE"


def test_what_lies_there_is_not_touched(
    cache: Path, source: Path, delivery: Delivery, out: Path
) -> None:
    build(loud(cache, "r1", source, delivery))
    before = (out / "loud.txt").stat()
    assert again(cache, source, delivery) == ""
    after = (out / "loud.txt").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_a_folder_that_is_gone_is_filled_without_a_run(
    cache: Path, source: Path, delivery: Delivery, out: Path
) -> None:
    build(loud(cache, "r1", source, delivery))
    shutil.rmtree(out)
    assert again(cache, source, delivery) == ""
    assert runs(cache) == 1


def remove(path: Path) -> str:
    path.unlink()
    return "loud.txt is missing"


def change(path: Path) -> str:
    write_later(path, b"HELLO THERF")
    return "loud.txt was changed since it was made"


def cut(path: Path) -> str:
    path.write_text("HE")
    return "loud.txt is damaged: it has 2 bytes and not 11"


@pytest.mark.parametrize("spoil", [remove, change, cut])
def test_what_became_of_it_is_told_and_mended(
    cache: Path, source: Path, delivery: Delivery, out: Path, spoil: object
) -> None:
    task = loud(cache, "r1", source, delivery)
    build(task)
    is_shared = (out / "loud.txt").samefile(task.kept.view / "loud.txt")
    said = spoil(out / "loud.txt")  # type: ignore[operator]
    if is_shared and (out / "loud.txt").exists():
        # What was written went to the cache's file, too.
        assert again(cache, source, delivery) == said
        assert runs(cache) == 2
    else:
        assert again(cache, source, delivery) == f"{out}: {said}"
        assert runs(cache) == 1


def test_a_touched_result_is_the_same(
    cache: Path, source: Path, delivery: Delivery, out: Path
) -> None:
    build(loud(cache, "r1", source, delivery))
    os.utime(out / "loud.txt", (1, 1))
    assert again(cache, source, delivery) == ""


def test_what_else_lies_there_stays(
    cache: Path, source: Path, delivery: Delivery, out: Path
) -> None:
    out.mkdir(parents=True)
    (out / "mine").write_text("mine")
    (out / "loud.txt").write_text("mine")
    assert again(cache, source, delivery) == "it has not been made before"
    assert (out / "mine").read_text() == "mine"


def test_another_product_between_is_replaced(
    cache: Path, source: Path, delivery: Delivery, out: Path
) -> None:
    build(loud(cache, "r1", source, delivery))
    build(loud(cache, "r2", source, delivery, "other"))
    assert (out / "loud.txt").read_text() == "HELLO THERE OTHER"
    assert again(cache, source, delivery) == ""
    assert runs(cache) == 2


def test_it_is_brought_to_each_folder(
    cache: Path, source: Path, delivery: Delivery, tmp_path: Path
) -> None:
    build(loud(cache, "r1", source, delivery))
    second = Delivery(tmp_path / "second", cache / "delivered/second.json")
    assert again(cache, source, second) == ""
    assert again(cache, source, delivery) == ""
    assert runs(cache) == 1


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"id": 3}', b"\xff"])
def test_a_memory_that_is_none_is_forgotten(
    cache: Path, source: Path, delivery: Delivery, content: bytes
) -> None:
    build(loud(cache, "r1", source, delivery))
    delivery.memory.write_bytes(content)
    assert again(cache, source, delivery) == ""


def test_a_cache_that_was_moved_brings_it_anew(
    cache: Path, source: Path, delivery: Delivery, tmp_path: Path
) -> None:
    build(loud(cache, "r1", source, delivery))
    cache.rename(tmp_path / "moved")
    moved = replace(delivery, memory=tmp_path / "moved/delivered/image.json")
    shutil.rmtree(delivery.folder)
    assert again(tmp_path / "moved", source, moved) == ""
    assert runs(tmp_path / "moved") == 1


def test_why_brings_nothing(cache: Path, source: Path, delivery: Delivery, out: Path) -> None:
    build(loud(cache, "r1", source, delivery))
    (out / "loud.txt").unlink()
    assert loud(cache, "r2", source, delivery).explain() == f"{out}: loud.txt is missing"
    assert not (out / "loud.txt").exists()
    shutil.rmtree(out)
    assert loud(cache, "r3", source, delivery).explain() == ""
    assert not out.exists()


def sparse_product(tmp_path: Path) -> tuple[Path, Record]:
    """A product of 64 MiB, nearly all of which are holes."""
    folder = tmp_path / "view"
    folder.mkdir()
    with (folder / "disk.img").open("wb") as stream:
        stream.truncate(64 * MIB)
        for place in (0, 5 * MIB + 123, 63 * MIB):
            stream.seek(place)
            stream.write(b"data")
    record = Record(
        *("make", "x", "0" * 32, False, Derivation("make", "Make", {}, {}, {})),
        *({}, {}, {}, describe_files([folder / "disk.img"])),
    )
    return folder, record


def test_holes_stay_holes(tmp_path: Path, delivery: Delivery, out: Path) -> None:
    folder, record = sparse_product(tmp_path)
    delivery.bring(folder, record)
    found = (out / "disk.img").stat()
    assert found.st_size == 64 * MIB
    assert found.st_blocks * 512 < MIB
    assert sha256(out / "disk.img") == record.files[0].sha256


def test_a_result_never_lies_there_by_half(
    tmp_path: Path, delivery: Delivery, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, record = sparse_product(tmp_path)
    out.mkdir(parents=True)
    (out / "disk.img").write_text("before")

    def fail(source: Path, target: Path) -> None:
        target.write_bytes(source.read_bytes()[:MIB])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("aimager.products.delivery._bring", fail)
    with pytest.raises(OSError, match="No space left"):
        delivery.bring(folder, record)
    assert [(path.name, path.read_text()) for path in out.iterdir()] == [("disk.img", "before")]
    assert not delivery.memory.exists()
    monkeypatch.undo()
    delivery.bring(folder, record)
    assert sha256(out / "disk.img") == record.files[0].sha256


def test_a_task_that_only_has_to_bring_says_something(
    cache: Path,
    source: Path,
    delivery: Delivery,
    out: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert build(loud(cache, "r1", source, delivery))
    shutil.rmtree(out)
    capsys.readouterr()
    loud(cache, "r2", source, delivery).run()  # as if it had failed when it was asked for
    assert capsys.readouterr().out == "shout:x: it is there by now\n"


def test_two_builds_bring_one_after_the_other(
    tmp_path: Path, delivery: Delivery, out: Path
) -> None:
    folder, record = sparse_product(tmp_path)
    bringers = [threading.Thread(target=delivery.bring, args=(folder, record)) for _ in range(4)]
    for bringer in bringers:
        bringer.start()
    for bringer in bringers:
        bringer.join()
    assert [path.name for path in out.iterdir()] == ["disk.img"]
    assert delivery.fault(record) == ""
    assert sha256(out / "disk.img") == record.files[0].sha256

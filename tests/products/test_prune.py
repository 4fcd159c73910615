"""Room is made by what was not used for longest, and nothing is taken from a run."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from aimager.commands.cache import read_limit
from aimager.errors import ConfigError
from aimager.files import publish_text
from aimager.model.lock import Lock, write_lock
from aimager.products.cache import guard
from aimager.products.inventory import disk_usages
from aimager.products.prune import Limit, Pruned, prune
from aimager.products.record import read_record
from aimager.products.task import CachedTask
from tests.products.test_inventory import fetch, keep
from tests.support.locked import make_package
from tests.support.staged import build, finish, hear, product, runs, shout, start
from tests.support.waiting import is_waited_for, wait_until

ALL = Limit(size=0)
DAY = 86400


def prune_all(cache: Path, limit: Limit = ALL) -> Pruned:
    """Prune a cache as ``doit cache-prune`` does."""
    return prune(cache / "product", cache / "pkg", cache / "work", limit)


def names(pruned: Pruned) -> list[str]:
    """The folders that were removed, in order."""
    return [item.folder.name for item in pruned.items]


def test_an_empty_cache(tmp_path: Path) -> None:
    assert prune_all(tmp_path) == Pruned((), 0)


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    for name, used in (("a", 30), ("b", 10), ("c", 20)):
        (keep(tmp_path / "product", f"make/x/{name}", used) / "file").write_bytes(b"x" * 100_000)
    limit = disk_usages([tmp_path / "product"]) - 100_000
    pruned = prune_all(tmp_path, Limit(size=limit))
    assert names(pruned) == ["b"]
    assert pruned.left == disk_usages([tmp_path / "product"]) <= limit
    assert names(prune_all(tmp_path, Limit(size=limit))) == []
    assert names(prune_all(tmp_path)) == ["c", "a"]


def test_what_is_older_goes_and_nothing_else(tmp_path: Path) -> None:
    for name, used in (("a", 10), ("b", 20), ("c", 30)):
        keep(tmp_path / "product", f"make/x/{name}", used)
    assert names(prune_all(tmp_path, Limit(since=20))) == ["a"]
    assert names(prune_all(tmp_path, Limit(since=30, size=1 << 30))) == ["b"]
    assert names(prune_all(tmp_path, Limit())) == []


@pytest.mark.parametrize("limit", [Limit(size=20_000), Limit(since=50), ALL])
def test_no_package_goes_before_a_lock_that_names_it(tmp_path: Path, limit: Limit) -> None:
    packages = [make_package(name) for name in ("zlib", "bash", "less")]
    for number, package in enumerate(packages):
        fetch(tmp_path / "pkg", package, number)
    keep(tmp_path / "product", "resolve/x/old", 40, *packages[:2])
    keep(tmp_path / "product", "resolve/x/new", 60, *packages[1:2])
    gone = names(prune_all(tmp_path, limit))
    assert gone
    locks = {"old": packages[:2], "new": packages[1:2]}
    for name, named in locks.items():
        for package in named:
            if package.sha256 in gone:
                assert gone.index(name) < gone.index(package.sha256)
    assert gone.index(packages[2].sha256) == 0


def test_empty_folders_and_locks_go_too(tmp_path: Path) -> None:
    keep(tmp_path / "product", "make/x/a", 1)
    (tmp_path / "product/make/x/.a.lock").touch()
    fetch(tmp_path / "pkg", make_package("zlib"), 1)
    assert prune_all(tmp_path).left == 0
    assert [path.name for path in (tmp_path / "product").iterdir()] == [".lock"]
    assert not list(tmp_path.glob("pkg/*"))


def test_what_a_run_sees_stays_until_its_end(cache: Path, source: Path) -> None:
    running = start("build_there", cache, "live", source, 0)
    assert hear(running) == "shout:x: it has not been made before"
    assert hear(running) == "ran: True, HELLO THERE"
    build(shout(cache, "dead", source, "other"))
    seen = read_record(cache / "work/live/view/shout/x")
    assert seen
    assert seen.id not in names(prune_all(cache))
    assert product(shout(cache, "r", source)).name == seen.id
    finish(running)
    assert names(prune_all(cache)) == [seen.id]


def test_the_packages_of_a_lock_that_a_run_sees_stay(cache: Path, source: Path) -> None:
    package, other = make_package("zlib"), make_package("bash")
    for each in (package, other):
        fetch(cache / "pkg", each, 1)
    with start("build_there", cache, "live", source, 0) as running:
        hear(running)
        hear(running)
        view = cache / "work/live/view/resolve-packages/x"
        publish_text(view / "lock.json", write_lock(Lock("p", (), (package,))))
        assert names(prune_all(cache)) == [other.sha256]
        running.kill()
    assert package.sha256 in names(prune_all(cache))


def test_a_product_under_way_is_not_disturbed(cache: Path, source: Path) -> None:
    build(shout(cache, "dead", source, "other"))
    running = start("build_there", cache, "live", source, cache / "go")
    while runs(cache) < 2:
        assert running.poll() is None
    for _ in range(10):
        prune_all(cache)
    (cache / "go").touch()
    assert "HELLO THERE" in finish(running)


def test_nothing_is_removed_between_finding_and_using(cache: Path, source: Path) -> None:
    build(shout(cache, "dead", source))
    with guard(cache / "product", shared=True):
        pruner = threading.Thread(target=prune_all, args=(cache,))
        pruner.start()
        wait_until(lambda: is_waited_for(cache / "product/.lock") or not pruner.is_alive())
        assert pruner.is_alive()
        assert product(shout(cache, "r", source)).exists()
    pruner.join()
    assert not (cache / "product/shout").exists()


def test_builds_and_prunes_at_once(cache: Path, source: Path) -> None:
    over = threading.Event()

    def prune_on() -> int:
        count = 0
        while not over.is_set():
            count += len(prune_all(cache).items)
        return count

    with ThreadPoolExecutor(1) as pool:
        pruned = pool.submit(prune_on)
        try:
            words = ("a", "b", "a", "b", "a", "b")
            builders = [
                start("build_there", cache, f"r{n}", source, 0.1, w) for n, w in enumerate(words)
            ]
            for word, builder in zip(words, builders, strict=True):
                assert f"HELLO THERE {word.upper()}" in finish(builder)
        finally:
            over.set()
    assert pruned.result() <= 6


def test_a_product_that_is_being_made_again_has_one_maker(cache: Path, source: Path) -> None:
    """The lock between makers must outlive the damaged product that is pruned meanwhile."""
    build(shout(cache, "dead", source))
    (product(shout(cache, "r", source)) / "loud.txt").write_text("")
    makers = [start("build_there", cache, "r0", source, cache / "go")]
    while runs(cache) < 2:
        assert makers[0].poll() is None
    assert len(prune_all(cache).items) == 1
    makers.append(start("build_there", cache, "r1", source, 0))
    locks = cache / "product/shout"
    wait_until(lambda: runs(cache) > 2 or any(map(is_waited_for, locks.glob(".*.lock"))))
    (cache / "go").touch()
    assert "ran: True, HELLO THERE" in finish(makers[1])
    assert "ran: True, HELLO THERE" in finish(makers[0])
    assert runs(cache) == 2


def test_what_a_killed_maker_left_goes(
    cache: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = shout(cache, "dead", source)
    interrupt_keeping(task, monkeypatch)
    assert list(task.kept.folder.glob(".*.*"))
    assert list(task.kept.folder.parent.glob(".*.lock"))
    assert prune_all(cache).left == 0
    assert not task.kept.folder.parent.exists()


def interrupt_keeping(task: CachedTask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Build, but as if killed before the product gets its name."""

    class Killed(BaseException):
        pass

    def kill(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Path, "rename", renames_files_only(kill))
        patch.setattr("aimager.products.cache.shutil.rmtree", lambda *_: None)
        build(task)


def renames_files_only(kill: object) -> object:
    rename = Path.rename

    def renamed(path: Path, target: Path) -> Path:
        return rename(path, target) if path.is_file() else kill()  # type: ignore[operator]

    return renamed


def test_what_two_products_share_is_freed_with_the_last(tmp_path: Path) -> None:
    """As a system's archive that is its base's own."""
    for name, used in (("base/x/a", 1), ("system/x/b", 2), ("other/x/c", 3)):
        keep(tmp_path / "product", name, used)
    big = tmp_path / "product/base/x/a/file"
    big.write_bytes(b"x" * 1_000_000)
    shared = tmp_path / "product/system/x/b/file"
    shared.unlink()
    shared.hardlink_to(big)
    pruned = prune_all(tmp_path, Limit(size=500_000))
    assert names(pruned) == ["a", "b"]
    assert pruned.left < 500_000


def test_unreadable_views_protect_nothing(cache: Path, source: Path) -> None:
    with start("hold_there", cache / "work/live") as running:
        hear(running)
        view = cache / "work/live/view/shout/x"
        view.mkdir(parents=True)
        (view / "record.json").write_text("{")
        (view / "lock.json").write_text("{")
        build(shout(cache, "dead", source))
        assert len(prune_all(cache).items) == 1
        running.kill()


@pytest.mark.parametrize(
    ("words", "limit"),
    [
        ({"size": "10GiB"}, Limit(size=10 << 30)),
        ({"older": "30d"}, Limit(since=100 * DAY - 30 * DAY)),
        ({"older": "0h"}, Limit(since=100 * DAY)),
        ({"older": "12h", "size": "1M"}, Limit(size=1 << 20, since=100 * DAY - DAY / 2)),
        ({"older": "2w", "distro": "arch", "out": "x"}, Limit(since=86 * DAY)),
    ],
)
def test_what_is_to_be_left_of_the_cache(words: dict[str, str], limit: Limit) -> None:
    assert read_limit(words, 100 * DAY) == limit


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({}, "cache-prune needs to know what to remove"),
        ({"distro": "arch"}, "cache-prune needs to know what to remove"),
        ({"size": "all"}, "size=all is not a size"),
        ({"size": "0"}, "size=0 is not a size"),
        ({"older": "month"}, "older=month is not a length of time"),
        ({"older": "", "size": "1G"}, "older= is not a length of time"),
    ],
)
def test_a_limit_that_is_none(words: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_limit(words, 0.0)
    assert caught.value.message == message
    assert caught.value.hint

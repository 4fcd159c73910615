"""Why something is made again is told by what changed, as the user calls it."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from aimager.model.lock import Lock, write_lock
from aimager.products.derivation import Derivation
from aimager.products.reasons import differences, locked_packages, origins_of, versions_of
from aimager.products.record import Record
from tests.products.test_record import make_record
from tests.support.locked import make_package

VARIABLES = {"setup.users": "useradd", "setup.passwords": "chpasswd", "packages": "install-pkgs"}
VARIABLES |= {f"setup.{name}": name for name in ("hostname", "locales")}
OLD = Derivation("make", "Make", {"aimager/a.py": "1"}, {"level": "3"}, {"source": "s"})


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """The product that was used last."""
    return make_record(tmp_path / "last", derivation=OLD)


def write(folder: Path, **versions: str) -> Path:
    """A lock of these packages."""
    folder.mkdir(exist_ok=True)
    packages = tuple(make_package(name, version=v) for name, v in versions.items())
    (folder / "lock.json").write_text(write_lock(Lock("p", (), packages)))
    return folder / "lock.json"


def reason(record: Record, now: Derivation, sources: Mapping[str, Path] | None = None) -> str:
    """What is told where ``record`` is of the product that was used last."""
    return differences([record], now, sources or {}, VARIABLES)


def told(record: Record, **settings: object) -> str:
    """What is told when these settings, as values, are the new ones; None: there is none."""
    texts = {name.replace("__", "."): json.dumps(value) for name, value in settings.items()}
    old = {"setup.hostname": '"pi"', "setup.locales": '["a", "b"]', "setup.users": "[]"}
    before = dataclasses.replace(OLD, settings=old)
    now = dataclasses.replace(OLD, settings={**old, **texts})
    return reason(dataclasses.replace(record, derivation=before), now)


def test_there_was_none() -> None:
    assert differences([], OLD, {}, VARIABLES) == "it has not been made before"


def test_it_was_removed(record: Record) -> None:
    assert reason(record, OLD) == "the cache does not hold it any more"


def test_what_tells_of_others_is_a_reason_alone(record: Record) -> None:
    alone = "the words that its manifest tells changed"
    assert told(record, recipe__words=[["hostname", "pi"]]) == alone
    both = told(record, recipe__words=[["hostname", "pc"]], setup__hostname="pc")
    assert both == "hostname: pi -> pc"


def test_packages(record: Record, tmp_path: Path) -> None:
    last = dataclasses.replace(record, packages={"bash": "1", "vim": "1", "zlib": "1"})
    lock = write(tmp_path, zlib="2", vim="1", nano="3")
    assert reason(last, OLD, {"lock": lock}) == ("bash 1 removed; nano 3 added; zlib 1 -> 2")


def test_packages_of_the_same_version(record: Record, tmp_path: Path) -> None:
    old = write(tmp_path / "old", bash="1", vim="1", zlib="1")
    packages = {"bash": "1", "vim": "1", "zlib": "1"}
    last = dataclasses.replace(
        record, packages=packages, origins=origins_of(locked_packages({"lock": old}))
    )
    locked = [
        make_package("bash", version="1", sha256="1" * 64),
        make_package("vim", version="1", repository="extra"),
        make_package("zlib", version="1"),
    ]
    new = tmp_path / "new.json"
    new.write_text(write_lock(Lock("p", (), tuple(locked))))
    said = "bash 1 rebuilt; vim 1 moved from core to extra"
    assert reason(last, OLD, {"lock": new}) == said
    before = dataclasses.replace(last, origins={})  # of a record that did not tell them
    assert reason(before, OLD, {"lock": new}) == "the cache does not hold it any more"


@pytest.mark.parametrize(("count", "end"), [(5, "p4 1 added"), (7, "2 more packages")])
def test_many_packages_are_counted(record: Record, tmp_path: Path, count: int, end: str) -> None:
    lock = write(tmp_path, **{f"p{number}": "1" for number in range(count)})
    said = reason(record, OLD, {"lock": lock}).split("; ")
    assert len(said) == min(count, 6)
    assert said[-1] == end


def test_versions_are_those_of_all_locks(tmp_path: Path) -> None:
    locks = {"lock": write(tmp_path / "a", zlib="1"), "below_lock": write(tmp_path / "b", vim="2")}
    (tmp_path / "other.json").write_text("{}")
    assert versions_of(locked_packages({**locks, "other": tmp_path / "other.json"})) == {
        "zlib": "1",
        "vim": "2",
    }


def test_settings_are_called_as_on_the_command_line(record: Record) -> None:
    assert told(record, setup__hostname="pc") == "hostname: pi -> pc"
    assert told(record, setup__hostname="") == "hostname: pi -> (none)"
    assert told(record, setup__locales=["a", "c"]) == "locales: c added, b removed"
    assert told(record, setup__locales=["b", "a"]) == "locales: another order"
    assert told(record, setup__users=[{"arguments": ["x"]}]) == "useradd changed"
    assert told(record, root_size=7) == "root-size: (none) -> 7"
    assert told(record, setup__hostname="pc", setup__locales=[]) == (
        "hostname: pi -> pc; locales: a removed, b removed"
    )
    assert told(record, packages=["x"]) == "install-pkgs: x added"
    assert told(record, setup__passwords=[{"user": "x"}]) == "chpasswd changed"


def test_code(record: Record) -> None:
    code = {"aimager/a.py": "2", "aimager/b.py": "1"}
    now = dataclasses.replace(OLD, code=code)
    assert reason(record, now) == "the code of aimager/a.py, aimager/b.py changed"
    many = dataclasses.replace(OLD, code={f"{number}.py": "1" for number in range(8)})
    assert reason(record, many) == (
        "the code of 0.py, 1.py, 2.py, 3.py, 4.py and 4 more files changed"
    )


def test_what_tasks_made_is_told_of_only_when_nothing_else_is(
    record: Record, tmp_path: Path
) -> None:
    make_record(tmp_path / "made", task="keyring-init")
    (tmp_path / "plain").touch()
    inputs = {"source": "t", "second": "1", "third": "1", "gone": "1"}
    sources = {
        "source": tmp_path / "made/file",
        "second": tmp_path / "made/file",
        "third": tmp_path / "plain",
    }
    now = dataclasses.replace(OLD, inputs=inputs)
    assert reason(record, now, sources) == ("gone changed; keyring-init changed; plain added")
    other = dataclasses.replace(now, settings={"level": "4"})
    assert reason(record, other, sources) == "level: 3 -> 4; plain added"


def test_the_product_used_last_is_compared(record: Record) -> None:
    older = dataclasses.replace(record, derivation=dataclasses.replace(OLD, settings={}))
    now = dataclasses.replace(OLD, settings={"level": "9"})
    assert differences([record, older], now, {}, VARIABLES) == "level: 3 -> 9"
    assert differences([older, record], now, {}, VARIABLES) == "level: (none) -> 9"


def test_files_of_the_users_own_are_named(record: Record, tmp_path: Path) -> None:
    """As they are, become or are no more, whatever else changed."""
    path = tmp_path / "site.tar"
    without = dataclasses.replace(OLD, settings={"archive": "null", "level": "3"})
    given = dataclasses.replace(OLD, inputs={"source": "s", "archive": "1"})
    changed = dataclasses.replace(given, inputs={"source": "s", "archive": "2"})

    def told(before: Derivation, now: Derivation) -> str:
        sources = {"archive": path} if "archive" in now.inputs else {}
        return differences(
            [dataclasses.replace(record, derivation=before)], now, sources, VARIABLES
        )

    assert told(without, given) == "site.tar added"
    assert told(given, changed) == "site.tar changed"
    assert told(given, without) == "archive removed"
    louder = dataclasses.replace(changed, settings={"level": "4"})
    assert told(given, louder) == "level: 3 -> 4; site.tar changed"
    other = dataclasses.replace(given, stage="Reuse")
    assert told(without, other) == "Reuse is to make it in place of Make (site.tar added)"


def test_a_product_that_is_not_read_any_more(record: Record) -> None:
    before = dataclasses.replace(OLD, inputs={"below.0": "b", "below.1": "l"})
    last = dataclasses.replace(record, derivation=before, ancestors={"base:p": "b", "layer:p": "l"})
    now = dataclasses.replace(OLD, inputs={"below.0": "b"})
    assert reason(last, now) == "layer:p left out"

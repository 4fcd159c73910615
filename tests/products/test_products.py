"""A product that one machine made is taken by another, if it is the very same."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from aimager.model.lock import LockedPackage
from aimager.model.remote import RecordTrust, Remote
from aimager.model.workshop import Workshop, environment
from aimager.products.cache import Kept
from aimager.products.record import Record, read_record
from aimager.products.task import CachedTask
from aimager.stages import (
    borrow_root,
    check_root_archive,
    fetch_packages,
    fetch_pacman_static,
    install_packages,
    keyring_backup,
    keyring_init,
    make_rootfs_archive,
    pack_image,
    resolve_packages,
    reuse_root,
    sync_databases,
    take_lock,
)
from tests.support.cells import flip_byte
from tests.support.locked import make_file, make_workshop
from tests.support.signers import UNSIGNED, trust_in
from tests.support.staged import Shout, build, other_subject, product, runs, shout

PACKAGE = make_file("bash", b"a package")


@dataclass(frozen=True)
class Common(Shout):
    """Is for all machines."""

    shared: ClassVar[bool] = True


@dataclass(frozen=True)
class Verifier(Shout):
    """Checks a package's signature."""

    workshop: Workshop = environment()

    def verified(self) -> tuple[LockedPackage, ...]:
        """The package."""
        return (PACKAGE,)


def task_on(
    machine: Path,
    source: Path,
    kind: type[Shout] = Common,
    *,
    trust: RecordTrust | None = None,
    words: tuple[str, ...] = (),
    **more: Any,
) -> CachedTask:
    """The task on one of the machines, which share a folder beside them, and a key."""
    task = shout(machine, "run", source, *words)
    fields = {f.name: getattr(task.stage, f.name) for f in dataclasses.fields(task.stage)}
    stage = kind(**fields, **more)
    trust = trust or trust_in(machine.parent)
    remote = Remote((machine.parent / "store").as_uri(), machine / "work/run/remote", trust)
    return dataclasses.replace(task, stage=stage, remote=remote)


def files_in(store: Path) -> set[str]:
    """The names of all files in the store."""
    return {path.name for path in store.rglob("*") if path.is_file()}


def test_one_makes_it_and_the_other_takes_it(
    tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = (task_on(tmp_path / name, source) for name in ("one", "two"))
    assert two.remote
    own = RecordTrust(allowed=two.remote.trust.allowed)
    two = dataclasses.replace(two, remote=dataclasses.replace(two.remote, trust=own))
    assert build(one)
    assert capsys.readouterr().out == "shout:x: it has not been made before\n"
    assert two.explain() == "it has not been made before"  # the store is not asked for that
    assert build(two)
    assert capsys.readouterr().out == "shout:x: taken from the remote store, 11 B\n"
    assert (runs(tmp_path / "one"), runs(tmp_path / "two")) == (1, 0)
    assert (two.kept.view / "loud.txt").read_text() == "HELLO THERE"
    records = [read_record(product(task)) for task in (one, two)]
    times = [dataclasses.replace(r, files=()) for r in records if r]
    assert times[0] == times[1]
    assert not build(dataclasses.replace(two))


def test_what_was_made_of_the_same_for_another_subject_is_taken(
    tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build(task_on(tmp_path / "one", source))
    other = other_subject(task_on(tmp_path / "two", source), "run")
    capsys.readouterr()
    assert build(other)
    assert capsys.readouterr().out == "shout:y: taken from the remote store, 11 B\n"
    assert runs(tmp_path / "two") == 0
    record = read_record(product(other))
    assert record
    assert record.subject == "y"
    assert (other.kept.view / "loud.txt").read_text() == "HELLO THERE"


def test_what_is_given_was_not_read_back(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = task_on(tmp_path / "one", source)
    asked: list[str] = []
    find = Kept.find

    def find_told(kept: Kept, product: str) -> Record | None:
        asked.append(product)
        return find(kept, product)

    monkeypatch.setattr(Kept, "find", find_told)
    build(task)
    assert len(asked) == 2, "before it is made: when doit asks, and when the right is had"
    assert "loud.txt" in files_in(tmp_path / "store")


def test_what_was_made_from_other_bytes_is_not_taken(tmp_path: Path, source: Path) -> None:
    """Its id may be the same: that of an input which is known by its own id."""
    build(task_on(tmp_path / "one", source, trust=UNSIGNED))
    (record,) = (tmp_path / "store").rglob("record.json")
    text = record.read_text()
    record.write_text(text.replace('"source": "', '"source": "0'))
    assert record.read_text() != text
    build(task_on(tmp_path / "two", source, trust=UNSIGNED))
    assert runs(tmp_path / "two") == 1
    assert record.read_text() == text


@pytest.mark.parametrize("name", ["../../../../evil", "loud.txt.sh", ""])
def test_what_has_other_files_is_not_taken(tmp_path: Path, source: Path, name: str) -> None:
    build(task_on(tmp_path / "one", source, trust=UNSIGNED))
    (record,) = (tmp_path / "store").rglob("record.json")
    record.write_text(record.read_text().replace("loud.txt", name))
    build(task_on(tmp_path / "two", source, trust=UNSIGNED))
    assert runs(tmp_path / "two") == 1
    assert not list(tmp_path.rglob("evil"))


def test_what_is_damaged_is_made_anew_and_put_there_again(
    tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build(task_on(tmp_path / "one", source))
    (shared,) = (tmp_path / "store").rglob("loud.txt")
    flip_byte(shared)
    capsys.readouterr()
    build(task_on(tmp_path / "two", source))
    assert "loud.txt is damaged: it has sha256 " in capsys.readouterr().out
    assert runs(tmp_path / "two") == 1
    build(task_on(tmp_path / "three", source))
    assert runs(tmp_path / "three") == 0
    assert shared.read_text() == "HELLO THERE"


def test_what_is_not_shared_stays(tmp_path: Path, source: Path) -> None:
    build(task_on(tmp_path / "one", source, Shout))
    assert files_in(tmp_path / "store") == set()
    build(task_on(tmp_path / "two", source, Shout))
    assert runs(tmp_path / "two") == 1


def test_packages_are_put_there_once_they_are_verified(tmp_path: Path, source: Path) -> None:
    workshop = make_workshop(tmp_path / "one")
    PACKAGE.path(workshop.store).parent.mkdir(parents=True)
    PACKAGE.path(workshop.store).write_bytes(b"a package")
    PACKAGE.signature(workshop.store).write_bytes(b"\x89signed")
    build(task_on(tmp_path / "one", source, Verifier, workshop=workshop))
    assert files_in(tmp_path / "store") == {PACKAGE.file, f"{PACKAGE.file}.sig", "record.json"}


def test_only_what_holds_no_secret_and_checks_no_signature_is_shared() -> None:
    """The keyring has a secret key, images have the hashes of passwords."""
    stages = [
        *(borrow_root.BorrowRoot, check_root_archive.CheckRootArchive),
        *(fetch_packages.FetchPackages, reuse_root.ReuseRoot),
        *(fetch_pacman_static.FetchPacmanStatic, install_packages.InstallPackages),
        *(keyring_backup.KeyringBackup, keyring_init.KeyringInit),
        *(make_rootfs_archive.MakeRootfsArchive, pack_image.PackImage),
        *(resolve_packages.ResolvePackages, sync_databases.SyncDatabases, take_lock.TakeLock),
    ]
    shared = {stage.__name__ for stage in stages if getattr(stage, "shared", False)}
    assert shared == {"InstallPackages", "MakeRootfsArchive"}

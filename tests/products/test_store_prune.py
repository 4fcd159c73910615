"""A shared store is pruned of what was not used for longest, and nothing else is touched."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimager.errors import AimagerError
from aimager.model.remote import Remote
from aimager.products.prune import Limit, Pruned
from aimager.products.remote import prune
from aimager.products.remote.prune import prune_store
from aimager.products.remote.store import Entry, describe, find, put, take
from aimager.products.remote.transport import StoreError, write
from aimager.products.remote.used import note_use
from tests.support.entries import connect_anew
from tests.support.signers import UNSIGNED
from tests.support.stores import BUCKET, bucket_client, keys_of, serving_s3, serving_ssh

DAY = 24 * 3600.0
A, B, C = (f"product/shout/{letter * 4}" for letter in "abc")
PACKAGE = f"pkg/ab/{'ab' * 32}"


@pytest.fixture(autouse=True)
def _anew() -> None:
    connect_anew()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The folder of a store."""
    return tmp_path / "store"


@pytest.fixture
def remote(store: Path, tmp_path: Path) -> Remote:
    """That store."""
    return Remote(store.as_uri(), tmp_path / "run", UNSIGNED)


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The environment of a server that speaks S3."""
    with serving_s3() as settings:
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        yield settings


def fill(remote: Remote, source: Path, folder: str, size: int = 1000) -> Entry:
    """Put an entry there, whose file has this size."""
    source.mkdir(exist_ok=True)
    (source / "it").write_bytes(b"x" * size)
    entry = Entry((describe(source / "it"),))
    put(remote, folder, entry, source)
    return entry


def age(folder: Path, days: float, *names: str) -> None:
    """Let files of an entry, or all, be so old."""
    then = time.time() - days * DAY
    for path in folder.iterdir():
        if not names or path.name in names:
            os.utime(path, (then, then))


def gone(pruned: Pruned) -> list[str]:
    """The folders of what was removed."""
    return [str(item.folder) for item in pruned.items]


def test_what_is_old_goes(remote: Remote, store: Path, tmp_path: Path) -> None:
    for folder, days in ((A, 40.0), (B, 2.0), (PACKAGE, 31.0)):
        fill(remote, tmp_path / "source", folder)
        age(store / folder, days)
    pruned = prune_store(remote, Limit(since=time.time() - 30 * DAY))
    assert gone(pruned) == [A, PACKAGE]
    assert pruned.left == sum(path.stat().st_size for path in (store / B).iterdir())
    assert sorted(path.name for path in store.rglob("*")) == sorted(
        ["product", "shout", B[-4:], "it", "record.json", "pkg"]
    )


def test_of_too_much_what_was_used_longest_ago_goes(
    remote: Remote, store: Path, tmp_path: Path
) -> None:
    for folder, days in ((A, 5.0), (B, 9.0), (C, 7.0)):
        fill(remote, tmp_path / "source", folder, 10_000)
        age(store / folder, days)
    assert gone(prune_store(remote, Limit(size=1 << 20))) == []
    pruned = prune_store(remote, Limit(size=12_000))
    assert gone(pruned) == [B, C]
    assert pruned.left < 12_000


def test_what_is_used_stays(remote: Remote, store: Path, tmp_path: Path) -> None:
    for folder in (A, B):
        fill(remote, tmp_path / "source", folder)
        age(store / folder, 40.0)
    note_use(remote, A)
    marked = (store / A / "used").stat()
    note_use(remote, A)
    assert (store / A / "used").stat() == marked, "once a day"
    assert gone(prune_store(remote, Limit(since=time.time() - 30 * DAY))) == [B]
    (store / A / "used").write_text("2001-01-01\n")
    age(store / A, 40.0)
    note_use(remote, A)
    assert gone(prune_store(remote, Limit(since=time.time() - 30 * DAY))) == []


def test_who_may_not_write_notes_no_use_and_says_nothing(
    remote: Remote, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "store").write_text("a file in the place of a folder")
    note_use(remote, A)
    note_use(remote, B)
    assert capsys.readouterr().out == ""


def test_what_is_being_put_there_stays_and_what_broke_off_goes(remote: Remote, store: Path) -> None:
    for folder in (A, B, PACKAGE):
        write(remote, f"{folder}/it", b"half")
    for folder in (B, PACKAGE):
        age(store / folder, 1.5)
    assert gone(prune_store(remote, Limit(size=1))) == [B, PACKAGE]
    assert (store / A / "it").exists()


def test_claims_that_were_left_behind_go(remote: Remote, store: Path, tmp_path: Path) -> None:
    fill(remote, tmp_path / "source", A)
    for name in (f"{A}/claim.1", f"{A}/claim.2", f"{B}/claim.1", f"{C}/claim.1"):
        write(remote, name, b"{}")
    age(store / A, 1.5, "claim.1")
    age(store / B, 1.5)
    prune_store(remote, Limit(size=1 << 20))
    assert {str(path.relative_to(store)) for path in store.rglob("claim*")} == {
        f"{A}/claim.2",
        f"{C}/claim.1",
    }


def test_nobody_finds_half_of_it(
    remote: Remote, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record goes first, then its signature."""
    entry = fill(remote, tmp_path / "source", A)
    write(remote, f"{A}/record.json.sig", b"signed")
    write(remote, f"{A}/claim.1", b"{}")
    age(store / A, 3.0)
    removed: list[str] = []
    unlink = os.unlink

    def unlink_told(name: str, **more: int) -> None:
        removed.append(name)
        unlink(name, **more)
        assert find(remote, A) is None

    monkeypatch.setattr(os, "unlink", unlink_told)
    prune_store(remote, Limit(size=1))
    assert removed == ["record.json", "record.json.sig", "it", "claim.1"]
    monkeypatch.undo()
    assert not take(remote, A, entry.files[0], tmp_path / "got")


def test_nothing_else_is_touched(remote: Remote, store: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    for name in ("aaaa/it", "aaaa/record.json", "shout/aaaa/record.json"):
        (other / name).parent.mkdir(parents=True, exist_ok=True)
        (other / name).write_text("{}")
    fill(remote, tmp_path / "source", A)
    (store / "product/linked").symlink_to(other)
    (store / "product/shout/linked").symlink_to(other / "aaaa")
    (store / A / "linked").symlink_to(other / "aaaa/it")
    (store / "notes.txt").write_text("mine")
    (store / "product/record.json").write_text("{}")
    (store / A / "deeper").mkdir()
    (store / A / "deeper/record.json").write_text("{}")
    before = {path: path.read_text() for path in other.rglob("*") if path.is_file()}
    age(store / A, 3.0, "record.json", "it", "linked")
    assert gone(prune_store(remote, Limit(size=0, since=time.time()))) == [A]
    assert {path: path.read_text() for path in other.rglob("*") if path.is_file()} == before
    assert {path.name for path in store.rglob("*") if not path.is_dir()} == {
        "notes.txt",
        "record.json",
    }


def test_a_link_in_the_place_of_all_products(remote: Remote, store: Path, tmp_path: Path) -> None:
    (tmp_path / "other/shout/aaaa").mkdir(parents=True)
    (tmp_path / "other/shout/aaaa/record.json").write_text("{}")
    store.mkdir()
    (store / "product").symlink_to(tmp_path / "other")
    with pytest.raises(AimagerError, match="cannot be pruned: "):
        prune_store(remote, Limit(size=1))
    assert (tmp_path / "other/shout/aaaa/record.json").exists()


def test_in_a_bucket(s3: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remote = Remote(f"s3://{BUCKET}/x/y", tmp_path / "run", UNSIGNED)
    for folder in (A, B, PACKAGE):
        fill(remote, tmp_path / "source", folder)
    write(remote, f"{C}/it", b"half")
    client = bucket_client(s3)
    for key in ("x/z/product/shout/aaaa/record.json", "x/y/product/one", "x/y/pkg/1/2/3/4"):
        client.put_object(Bucket=BUCKET, Key=key, Body=b"mine")
    for key in (f"x/y/{A}/it", "other"):
        client.create_multipart_upload(Bucket=BUCKET, Key=key)
    assert gone(prune_store(remote, Limit(since=time.time() - DAY))) == []
    assert len(keys_of(s3)) == 10
    later = time.time() + 2 * DAY
    monkeypatch.setattr(time, "time", lambda: later)
    assert sorted(gone(prune_store(remote, Limit(since=later)))) == sorted([A, B, C, PACKAGE])
    assert sorted(keys_of(s3)) == [
        "x/y/pkg/1/2/3/4",
        "x/y/product/one",
        "x/z/product/shout/aaaa/record.json",
    ]
    uploads = client.list_multipart_uploads(Bucket=BUCKET)["Uploads"]
    assert [upload["Key"] for upload in uploads] == ["other"]


def test_by_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    with serving_ssh(home) as port:
        url = f"ssh://alice@127.0.0.1:{port}{tmp_path}/store"
        remote = Remote(url, tmp_path / "run", UNSIGNED)
        for folder in (A, B):
            fill(remote, tmp_path / "source", folder)
        age(tmp_path / "store" / A, 3.0)
        assert gone(prune_store(remote, Limit(since=time.time() - 2 * DAY))) == [A]
        assert find(remote, A) is None
        assert find(remote, B)


def refused(*_: object) -> None:
    raise StoreError("Forbidden")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:1/x", "can only be read by http"),
        ("file:///nowhere/at/all", "cannot be pruned: [Errno 2] No such file"),
        ("s3://never-made/x", "cannot be pruned: "),
    ],
)
def test_why_it_cannot_be_pruned_is_said(
    s3: dict[str, str], tmp_path: Path, url: str, said: str
) -> None:
    with pytest.raises(AimagerError) as caught:
        prune_store(Remote(url, tmp_path / "run"), Limit(size=1))
    assert said in caught.value.message
    assert caught.value.hint


def test_what_may_not_be_removed(
    remote: Remote, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(remote, tmp_path / "source", A)
    monkeypatch.setattr(prune, "remove_files", refused)
    with pytest.raises(AimagerError, match="cannot be pruned: Forbidden"):
        prune_store(remote, Limit(size=1))

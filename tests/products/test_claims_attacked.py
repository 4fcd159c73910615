"""A store, and whoever writes to it, can hold a build up for a while, and no longer."""

import errno
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from aimager.model.remote import RecordTrust
from aimager.products.remote import exclusive, turns
from aimager.products.remote.claims import LASTS, new_claim, write_claim
from aimager.products.remote.transport import StoreError
from tests.support.claiming import FOLDER, Machines, hurry, refuse
from tests.support.entries import connect_anew
from tests.support.stores import BUCKET, serving_s3


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


@pytest.fixture
def machines(tmp_path: Path) -> Machines:
    """Those that share a folder."""
    return Machines((tmp_path / "store").as_uri(), tmp_path)


CLAIM = replace(new_claim(FOLDER), process=None)


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"gibberish", b"5", b"[" * 4000, b"x" * (1 << 20), b"\xff\xfe", b"{}"),
        write_claim(replace(CLAIM, folder="product/shout/4567")),
        write_claim(replace(CLAIM, age=-1)),
        write_claim(replace(CLAIM, host="h" * 5000)),
        write_claim(replace(CLAIM, host="h" * 100)),
        write_claim(replace(CLAIM, owner="")),
        write_claim(replace(CLAIM, lasts=-(10**50))),
        write_claim(CLAIM).replace(b'"lasts": 60', b'"lasts": 1e400'),
        write_claim(CLAIM).replace(b'"lasts": 60', b'"lasts": NaN'),
    ],
    ids=lambda content: repr(content[:20]),
)
def test_what_is_not_a_claim_holds_nobody_up(
    machines: Machines, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    machines.leave_claim(content)
    before = time.monotonic()
    machines.need("one")
    assert time.monotonic() - before < LASTS
    assert machines.made == ["one"]
    assert machines.claims() == []
    assert capsys.readouterr().out == ""


def test_an_empty_one_in_a_bucket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of which S3 has no range."""
    connect_anew()
    with serving_s3() as settings:
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        machines = Machines(f"s3://{BUCKET}/x", tmp_path)
        machines.leave_claim(b"")
        capsys.readouterr()
        machines.need("one")
        assert (machines.made, machines.claims()) == (["one"], [])
    assert capsys.readouterr().out == ""


def test_a_name_that_a_terminal_would_obey_is_escaped(machines: Machines) -> None:
    machines.leave_claim(replace(CLAIM, lasts=1, host="a\x1b[2J\nb"))
    machines.need("one")
    assert machines.told == [r"a\x1b[2J\nb has just begun to make it: waiting"]


def test_no_more_claims_are_made_than_are_read(machines: Machines) -> None:
    for number in range(1, 30):
        machines.leave_claim(number=number)
    machines.need("one")
    assert machines.made == ["one"]


def test_a_store_that_holds_a_run_up_is_no_longer_heeded(
    machines: Machines, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(turns, "ALL_WAITING", 3)
    ended = threading.Event()

    def rewrite() -> None:
        age = 0
        while not ended.wait(0.2):
            age += 1
            machines.leave_claim(replace(CLAIM, owner=str(age // 2), lasts=10**9, age=age))

    machines.leave_claim(CLAIM)
    rewriter = threading.Thread(target=rewrite)
    rewriter.start()
    try:
        before = time.monotonic()
        machines.need("one")
        assert 3 <= time.monotonic() - before < turns.ALL_WAITING * 60
        told = len(machines.told)
        machines.made.clear()
        (machines.folder / "store" / FOLDER / "record.json").unlink()
        machines.need("one")
        assert len(machines.told) == told <= 5
    finally:
        ended.set()
        rewriter.join()
    assert machines.made == ["one"]
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert "has kept the build waiting for 0 min; the build no longer waits for others\n" in said


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_where_no_claim_can_be_written(
    machines: Machines,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: int,
) -> None:
    monkeypatch.setattr(exclusive, "_write_beside", refuse(number))
    machines.need("one")
    assert machines.made == ["one"]
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert f"cannot be written: [Errno {number}] " in said
    assert said.endswith("; nothing more is put there\n")


def test_where_no_file_can_be_made_only_once(
    machines: Machines, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ways = (refuse(errno.ENOSYS), exclusive._replace_in_folder)
    monkeypatch.setitem(exclusive._WAYS, "file", ways)
    machines.all_need(["one", "two", "three", "four"])
    assert len(machines.made) == 1
    said = capsys.readouterr().out.splitlines()
    assert said
    assert all(line.endswith("; two machines may make the same at the same time") for line in said)


def test_a_store_that_fails_while_it_is_made(machines: Machines, tmp_path: Path) -> None:
    def work() -> None:
        (tmp_path / "store").rename(tmp_path / "gone")
        (tmp_path / "store").write_text("")
        time.sleep(0.5)

    with pytest.raises(StoreError):  # by the test's own writing, not by a claim
        machines.need("one", work=work)
    assert machines.made == ["one"]


def test_a_store_that_becomes_read_only(
    machines: Machines, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The maker can no longer end its claim: others wait until it is stale, and go on without."""

    def work() -> None:
        monkeypatch.setattr(exclusive, "_write_beside", refuse(errno.EROFS))
        monkeypatch.setattr(turns, "remove", read_only)

    def read_only(*_: object, **__: object) -> None:
        raise StoreError("Read-only file system")

    machines.trust = RecordTrust(key=machines.folder)
    machines.need("one", work=work)
    (machines.folder / "store" / FOLDER / "record.json").unlink()
    before = time.monotonic()
    machines.need("two", work=lambda: None)
    assert time.monotonic() - before > 1
    assert machines.made == ["one", "two"]
    assert capsys.readouterr().out.endswith("Read-only file system; nothing more is put there\n")

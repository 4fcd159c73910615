"""Records: what is read back is what was written, and anything else is refused."""

import dataclasses
import json
import random
from pathlib import Path

import pytest

from aimager.codec import encode
from aimager.files import sha256
from aimager.model.lock import Lock, write_lock
from aimager.products.cache import describe_files
from aimager.products.derivation import Derivation
from aimager.products.record import (
    RECORD,
    KeptFile,
    Record,
    identity_of,
    provenance,
    read_record,
    record_of,
    sha256_of,
    write_record,
)
from tests.support.locked import make_package

EMPTY = Derivation("make", "Make", {}, {}, {})


def make_record(folder: Path, name: str = "file", **changes: object) -> Record:
    """A product of one file in ``folder``, with its record beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f"{name} in {folder.name}")
    record = Record(
        task="make",
        subject=folder.name,
        id=EMPTY.id,
        by_content=False,
        derivation=EMPTY,
        made_from={},
        ancestors={},
        packages={},
        files=describe_files([folder / name]),
    )
    record = dataclasses.replace(record, **changes)  # type: ignore[arg-type]
    write_record(record, folder)
    return record


@pytest.mark.parametrize("seed", range(10))
def test_any_record_is_read_back(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)

    def text() -> str:
        return "".join(dice.choices('ab"\\\n\x00é\U0001f600{}', k=dice.randrange(8)))

    def texts() -> dict[str, str]:
        return {text(): text() for _ in range(dice.randrange(4))}

    record = Record(
        *(text(), text(), text(), dice.random() < 0.5),
        Derivation(text(), text(), texts(), texts(), texts()),
        *(texts(), texts(), texts()),
        tuple(
            KeptFile(text(), text(), dice.randrange(1 << 50), dice.randrange(1 << 62))
            for _ in range(dice.randrange(3))
        ),
    )
    write_record(record, tmp_path)
    assert read_record(tmp_path) == record


def test_a_record_is_text_that_a_diff_can_read(tmp_path: Path) -> None:
    make_record(tmp_path / "x")
    text = (tmp_path / "x" / RECORD).read_text()
    assert text == json.dumps(json.loads(text), indent=1, sort_keys=True) + "\n"
    assert str(tmp_path) not in text


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"\0" * 500, b"{}", b"[]", b"null", b"3", b"\xff\xfe", b'"text"', b"{", b"[" * 99),
        b'{"task": "make"}',
    ],
)
def test_garbage_is_no_record(tmp_path: Path, content: bytes) -> None:
    (tmp_path / RECORD).write_bytes(content)
    assert read_record(tmp_path) is None


def test_where_there_is_none(tmp_path: Path) -> None:
    assert read_record(tmp_path) is None
    assert read_record(tmp_path / "missing") is None
    (tmp_path / RECORD).mkdir()
    assert read_record(tmp_path) is None


def test_no_cut_of_a_record_is_a_record(tmp_path: Path) -> None:
    make_record(tmp_path)
    whole = (tmp_path / RECORD).read_bytes()
    for size in range(len(whole) - 1):
        (tmp_path / RECORD).write_bytes(whole[:size])
        assert read_record(tmp_path) is None, size


@pytest.mark.parametrize("field", [f.name for f in dataclasses.fields(Record)])
def test_a_record_of_another_shape_is_none(tmp_path: Path, field: str) -> None:
    data = encode(make_record(tmp_path))
    for wrong in (7, {"x": 7}, [7], None):
        (tmp_path / RECORD).write_text(json.dumps({**data, field: wrong}))
        assert read_record(tmp_path) is None
    if field in ("origins", "earlier"):  # which older records do not have
        return
    (tmp_path / RECORD).write_text(json.dumps({k: v for k, v in data.items() if k != field}))
    assert read_record(tmp_path) is None
    (tmp_path / RECORD).write_text(json.dumps({**data, "more": 1}))
    assert read_record(tmp_path) is None


@pytest.mark.parametrize("seed", range(5))
def test_flipped_bytes_of_a_record_raise_nothing(tmp_path: Path, seed: int) -> None:
    make_record(tmp_path)
    whole = (tmp_path / RECORD).read_bytes()
    dice = random.Random(seed)
    for _ in range(200):
        content = bytearray(whole)
        content[dice.randrange(len(content))] = dice.randrange(256)
        (tmp_path / RECORD).write_bytes(content)
        record = read_record(tmp_path)
        assert record is None or dataclasses.fields(record)


def test_a_product_is_known_by_its_id_or_by_its_bytes(tmp_path: Path) -> None:
    record = make_record(tmp_path / "x")
    content = sha256(tmp_path / "x/file")
    assert identity_of(tmp_path / "x/file") == record.id
    make_record(tmp_path / "x", by_content=True)
    assert identity_of(tmp_path / "x/file") == content


def test_a_file_that_is_no_product_is_known_by_its_bytes(tmp_path: Path) -> None:
    make_record(tmp_path)
    (tmp_path / "other").write_text("other")
    assert record_of(tmp_path / "other") is None
    assert identity_of(tmp_path / "other") == sha256(tmp_path / "other")
    assert sha256_of(tmp_path / "other") == sha256(tmp_path / "other")


def test_of_a_product_the_recorded_sum_is_taken(tmp_path: Path) -> None:
    record = make_record(tmp_path)
    (tmp_path / "file").unlink()
    assert sha256_of(tmp_path / "file") == record.files[0].sha256
    assert record_of(tmp_path / "file") == record


def test_provenance_ends_at_what_is_known_by_its_content(tmp_path: Path) -> None:
    old = {"sync:x": "1" * 32}
    lock = make_record(tmp_path / "lock", by_content=True, ancestors=old)
    root = make_record(tmp_path / "root", ancestors={"fetch:x": "2" * 32}, id="3" * 32)
    (tmp_path / "plain").touch()
    paths = [tmp_path / "root/file", tmp_path / "lock/file", tmp_path / "plain"]
    assert provenance(paths) == {
        "fetch:x": "2" * 32,
        "make:lock": lock.files[0].sha256,
        "make:root": root.id,
    }
    assert list(provenance(paths)) == sorted(provenance(paths))


def test_a_lock_keeps_its_bytes(tmp_path: Path) -> None:
    """What of a record depends on content only is the same wherever it was made."""
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "lock.json").write_text(write_lock(Lock("p", (), (make_package("zlib"),))))
    one, other = (describe_files([tmp_path / name / "lock.json"])[0] for name in ("a", "b"))
    assert dataclasses.replace(one, mtime_ns=0) == dataclasses.replace(other, mtime_ns=0)

"""A product of a shared store is taken if its record is signed by whom the user allows to."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from aimager.model.remote import RecordTrust, Remote
from aimager.products.remote import signed, store
from tests.products.test_products import files_in, task_on
from tests.support.signers import UNSIGNED, agent, allow, make_key, public, ssh_keygen
from tests.support.staged import build, runs
from tests.support.store_attacks import (
    ATTACKS,
    Place,
    allowed,
    forge,
    forge_unsigned,
    forge_with_another_key,
)


@pytest.fixture(autouse=True)
def _without_an_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@pytest.fixture
def place(tmp_path: Path, source: Path) -> Place:
    """One has made it."""
    build(task_on(tmp_path / "one", source))
    return Place(tmp_path, source)


@pytest.mark.parametrize(
    "attack",
    ATTACKS,
    ids=lambda attack: attack.__name__,
)
def test_what_is_not_signed_well_is_built_here(
    place: Place, attack: Callable[[Place], str], capsys: pytest.CaptureFixture[str]
) -> None:
    two = place.other()
    reason = attack(place)
    before = {path: path.stat().st_mtime_ns for path in (place.folder / "store").rglob("*")}
    capsys.readouterr()
    assert build(two)
    said = capsys.readouterr().out
    lines = [line for line in said.splitlines() if " is not taken: " in line]
    assert len(lines) == 1
    assert lines[0].startswith("   the remote store's product/shout/")
    assert reason in lines[0]
    assert lines[0].isprintable()
    assert "shout:x: it has not been made before" in said
    assert runs(place.folder / "two") == 1
    assert (two.kept.view / "loud.txt").read_text() == "HELLO THERE"
    after = {path: path.stat().st_mtime_ns for path in (place.folder / "store").rglob("*")}
    assert after == before, "who has no key puts nothing there"


def test_nothing_of_a_record_is_read_before_its_signature_is_good(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[bytes] = []
    parse = store.parse_entry

    def parse_told(content: bytes) -> store.Entry | None:
        read.append(content)
        return parse(content)

    monkeypatch.setattr(signed, "parse_entry", parse_told)
    forge_with_another_key(place)
    build(place.other())
    assert read == []
    build(task_on(place.folder / "three", place.source))
    build(task_on(place.folder / "four", place.source))
    assert len(read) == 1


def test_a_record_without_an_end_is_not_read_to_it(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    place.record.write_bytes(b"")
    with place.record.open("ab") as stream:
        stream.truncate(1 << 40)
    build(place.other())
    assert runs(place.folder / "two") == 1


def test_who_has_a_key_mends_what_is_not_signed_well(place: Place) -> None:
    forge_unsigned(place)
    build(task_on(place.folder / "two", place.source))
    build(task_on(place.folder / "three", place.source))
    assert (runs(place.folder / "two"), runs(place.folder / "three")) == (1, 0)


def test_a_damaged_file_of_a_signed_record_is_refused(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    forge(place.record.with_name("loud.txt"))
    two = place.other()
    assert build(two)
    assert "loud.txt is damaged: it has sha256 " in capsys.readouterr().out
    assert (two.kept.view / "loud.txt").read_text() == "HELLO THERE"
    assert "loud.txt" in place.record.read_text(), "a signed record is not made void"


@pytest.mark.parametrize("kind", ["ecdsa", "rsa"])
def test_a_good_one_is_taken_by_whatever_kind_of_key(
    tmp_path: Path, source: Path, kind: str
) -> None:
    key = make_key(tmp_path / "key", "-t", kind)
    trust = RecordTrust(key=key, allowed=allow(tmp_path / "list", key))
    build(task_on(tmp_path / "one", source, trust=trust))
    build(task_on(tmp_path / "two", source, trust=RecordTrust(allowed=trust.allowed)))
    assert runs(tmp_path / "two") == 0


def test_an_agent_and_a_certificate(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, key = make_key(tmp_path / "authority"), make_key(tmp_path / "key")
    ssh_keygen("-q", "-s", authority, "-I", "ci", "-n", "ci@example.org", "-V", "+1d", public(key))
    allowed = allow(
        tmp_path / "list", authority, options="cert-authority", principals="*@example.org"
    )
    with agent(tmp_path / "run", key) as socket:
        key.unlink()
        monkeypatch.setenv("SSH_AUTH_SOCK", socket)
        trust = RecordTrust(key=tmp_path / "key-cert.pub", allowed=allowed)
        build(task_on(tmp_path / "one", source, trust=trust))
    build(task_on(tmp_path / "two", source, trust=RecordTrust(allowed=allowed)))
    assert runs(tmp_path / "two") == 0


def test_a_revoked_key(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    trust = RecordTrust(allowed=allowed(place), revoked=public(place.key))
    build(place.other(trust))
    assert f"is not taken: its key is one of those in {trust.revoked}" in capsys.readouterr().out
    assert runs(place.folder / "two") == 1


def test_who_names_no_signers_takes_none_and_gives(place: Place) -> None:
    shutil.rmtree(place.folder / "store")
    build(place.other(RecordTrust(key=place.key)))
    assert files_in(place.folder / "store") == {"loud.txt", "record.json", "record.json.sig"}
    build(task_on(place.folder / "three", place.source, trust=RecordTrust(key=place.key)))
    assert runs(place.folder / "three") == 1


def test_a_key_that_cannot_sign_is_told_of_once_and_nothing_is_given(
    tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = make_key(tmp_path / "key", passphrase="hunter2")
    for word in ("a", "b"):
        task = task_on(tmp_path / "one", source, trust=RecordTrust(key=key), words=(word,))
        build(task)
    said = capsys.readouterr().out
    assert said.count("is not given what cannot be signed: the key ") == 1
    assert "; nothing more is put there" in said
    assert "record.json" not in files_in(tmp_path / "store")


def test_an_unsigned_store_is_used_where_it_is_asked_for_and_that_is_said(
    tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build(task_on(tmp_path / "one", source, trust=UNSIGNED))
    assert files_in(tmp_path / "store") == {"loud.txt", "record.json"}
    capsys.readouterr()
    build(task_on(tmp_path / "two", source, trust=UNSIGNED))
    said = capsys.readouterr().out
    assert (
        f"the remote store {(tmp_path / 'store').as_uri()} is used unsigned, as remote-unsigned=yes"
        " asks; whoever can write there decides what is in the images" in said
    )
    assert runs(tmp_path / "two") == 0
    build(task_on(tmp_path / "three", source))
    assert runs(tmp_path / "three") == 1
    build(task_on(tmp_path / "four", source))
    assert runs(tmp_path / "four") == 0, "who has a key has signed it since"


def test_what_is_signed_may_come_by_plain_http(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Remote, "is_exposed", True)
    build(place.other())
    assert runs(place.folder / "two") == 0
    build(task_on(place.folder / "three", place.source, trust=UNSIGNED))
    assert runs(place.folder / "three") == 1
    assert "is read by plain http" in capsys.readouterr().out

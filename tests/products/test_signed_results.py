"""sign= lets the results have a signature that receivers check with ssh-keygen alone."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from aimager.errors import ConfigError, HostError
from aimager.files import sha256
from aimager.model.product import CHECKSUMS, SIGNATURE
from aimager.products.cache import Kept
from aimager.products.delivery import DeliveredTask, Delivery
from tests.support.signers import ALICE, allow, make_key, ssh_keygen
from tests.support.staged import Shout, build, runs


@pytest.fixture(autouse=True)
def _without_an_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@dataclass(frozen=True)
class Results:
    """A product whose checksums are brought to a folder, by builds with one key or another."""

    cache: Path
    source: Path

    @property
    def folder(self) -> Path:
        """The user's."""
        return self.cache.parent / "out/image"

    @property
    def signature(self) -> Path:
        """What is looked for."""
        return self.folder / SIGNATURE

    def task(self, key: Path | None, *words: str) -> DeliveredTask:
        """The task in a run of its own."""
        self.cache.mkdir(exist_ok=True)
        view = self.cache / "work" / os.urandom(4).hex() / "view/shout/x"
        kept = Kept(self.cache / "product/shout/x", view)
        target = view / CHECKSUMS
        stage = Shout(self.source, words, target, diary=self.cache / "shout", pause=0)
        delivery = Delivery(self.folder, self.cache / "delivered/image.json", key)
        return DeliveredTask("shout", "x", "shout:x", stage, kept, delivery)

    def build(self, key: Path | None, *words: str) -> bool:
        """Build, and return whether the task ran."""
        return build(self.task(key, *words))

    def check(self, key: Path) -> None:
        """Do as a receiver does."""
        allowed = allow(self.cache.parent / "allowed", key)
        words = ("-Y", "verify", "-f", allowed, "-I", ALICE, "-n", "file", "-s", self.signature)
        said = ssh_keygen(*words, input=(self.folder / CHECKSUMS).read_bytes())
        assert said.startswith(b'Good "file" signature for alice@example.org')


@pytest.fixture
def results(tmp_path: Path, source: Path) -> Results:
    """Nothing has been built yet."""
    return Results(tmp_path / "cache", source)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """The user's."""
    return make_key(tmp_path / "home/id")


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_receiver_can_check(results: Results, tmp_path: Path, kind: str) -> None:
    key = make_key(tmp_path / "home/id", "-t", kind)
    assert results.build(key)
    results.check(key)
    before = results.signature.read_bytes(), results.signature.stat().st_mtime_ns
    assert not results.build(key), "it is signed once, also where each signature is another"
    assert before == (results.signature.read_bytes(), results.signature.stat().st_mtime_ns)


def test_another_key_signs_anew_and_nothing_is_made(results: Results, tmp_path: Path) -> None:
    keys = [make_key(tmp_path / f"home/{name}") for name in ("one", "two")]
    for key in (None, *keys, keys[0]):
        results.build(key)
        if key:
            results.check(key)
    assert runs(results.cache) == 1
    assert len(list((results.cache / "product/shout/x").glob("[!.]*"))) == 1


def test_a_new_key_in_the_same_file_is_another_key(results: Results, key: Path) -> None:
    results.build(key)
    for half in (key, key.with_name("id.pub")):
        half.unlink()
    make_key(key)
    assert not results.build(key)
    results.check(key)


def test_without_sign_none_is_left(results: Results, key: Path) -> None:
    results.build(key)
    assert not results.build(None)
    assert sorted(path.name for path in results.folder.iterdir()) == [CHECKSUMS]
    results.build(key)
    results.build(None, "other")
    assert not results.signature.exists()


def test_other_results_are_signed_anew(results: Results, key: Path) -> None:
    for words in ((), ("other",), ()):
        results.build(key, *words)
        results.check(key)


@pytest.mark.parametrize(
    "spoil", [Path.unlink, lambda it: it.write_text("x"), lambda it: it.touch()]
)
def test_what_became_of_it_is_mended(results: Results, key: Path, spoil: object) -> None:
    results.build(key)
    spoil(results.signature)  # type: ignore[operator]
    assert not results.build(key)
    results.check(key)


def test_what_is_signed_is_what_was_made(results: Results, key: Path) -> None:
    """Not what somebody has written into the folder since."""
    results.build(None)
    (results.folder / CHECKSUMS).unlink()
    (results.folder / CHECKSUMS).write_text("FORGED")
    results.build(key)
    assert (results.folder / CHECKSUMS).read_text() == "HELLO THERE"
    results.check(key)


def test_what_was_changed_in_the_cache_is_not_signed(results: Results, key: Path) -> None:
    """Even where the time of the file is that of the record."""
    results.build(None)
    (kept,) = (results.cache / "product").rglob(CHECKSUMS)
    times = kept.stat()
    kept.write_text("HELLO EVIL!")
    os.utime(kept, ns=(times.st_atime_ns, times.st_mtime_ns))
    with pytest.raises(HostError, match="was changed since it was made, and is not signed"):
        results.build(key)
    assert not results.signature.exists()


def test_a_signature_by_hand_stays_until_it_is_stale(results: Results, key: Path) -> None:
    results.build(None)
    ssh_keygen("-q", "-Y", "sign", "-f", key, "-n", "file", results.folder / CHECKSUMS)
    before = results.signature.read_bytes()
    results.build(None)
    assert results.signature.read_bytes() == before
    results.build(None, "other")
    assert not results.signature.exists()


def test_it_is_cleaned_with_the_results(results: Results, key: Path) -> None:
    results.build(key)
    results.task(None).forget(results=True)
    assert not results.folder.exists()


def test_a_key_that_cannot_sign_ends_the_task_and_leaves_no_old_signature(
    results: Results, tmp_path: Path, key: Path
) -> None:
    results.build(key)
    locked = make_key(tmp_path / "home/locked", passphrase="hunter2")
    for words in ((), ("other",)):
        with pytest.raises(ConfigError, match="has a passphrase, and the ssh agent does not"):
            results.build(locked, *words)
        assert not results.signature.exists()
    results.build(key, "other")
    results.check(key)


def test_the_key_is_nowhere_in_the_cache_and_in_no_id(results: Results, key: Path) -> None:
    results.build(key)
    secret = key.read_bytes()
    lines = [line for line in secret.splitlines() if len(line) > 60]
    for path in (path for path in results.cache.parent.rglob("*") if path.is_file()):
        if path != key:
            assert not any(line in path.read_bytes() for line in lines)
    (record,) = (results.cache / "product").rglob("record.json")
    assert str(key) not in record.read_text()
    assert sha256(key) not in (results.cache / "delivered/image.json").read_text()

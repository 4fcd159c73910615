"""What a newer keyring revoked stays revoked, and an older one is used only if asked for."""

from pathlib import Path

import pytest

from aimager.errors import TrustError
from aimager.model.distro import Keyring
from aimager.model.lock import Lock
from aimager.packages.keyring_files import KeyringFiles
from aimager.packages.keyring_memory import Memory, circumstances, recall, remember
from tests.support.locked import make_package

KEYRING = Keyring("demo", "demo-keyring", ("A" * 40,))
OLD = KeyringFiles(b"", ("A" * 40,), ("B" * 40,), "20250101-1", 1000)
NEW = KeyringFiles(b"", ("A" * 40,), ("C" * 40,), "20260101-1", 2000)
PLATFORM = "demo-x86_64.keyring"


def after(*used: KeyringFiles) -> Memory:
    memory = Memory()
    for files in used:
        memory = memory.with_used(PLATFORM, KEYRING, files)
    return memory


def test_an_older_keyring_is_refused_by_name() -> None:
    with pytest.raises(TrustError) as caught:
        after(NEW).refuse_older(PLATFORM, KEYRING, OLD)
    assert caught.value.message == (
        "demo-keyring 20250101-1 is older than 20260101-1, which was used for demo-x86_64.keyring"
        " before: keys that were revoked since would be trusted again"
    )
    assert "older-keyring=yes" in caught.value.hint


@pytest.mark.parametrize("used", [(), (OLD,), (OLD, NEW)])
def test_equal_and_newer_ones_are_not(used: tuple[KeyringFiles, ...]) -> None:
    after(*used).refuse_older(PLATFORM, KEYRING, NEW)


def test_platforms_have_mirrors_of_their_own() -> None:
    after(NEW).refuse_older("other-x86_64.keyring", KEYRING, OLD)


def test_keys_of_the_users_own_have_no_age() -> None:
    own = Keyring("demo", "", ("A" * 40,))
    files = KeyringFiles(b"", ("A" * 40,), ())
    Memory().with_used(PLATFORM, own, NEW).refuse_older(PLATFORM, own, files)


def test_revocations_add_up_whatever_comes_later() -> None:
    both = ("B" * 40, "C" * 40)
    assert after(OLD, NEW).revoked == {"demo": both}
    assert after(NEW, OLD).revoked == {"demo": both}
    assert after(NEW, OLD).newest == after(NEW).newest


def lock_of(files: KeyringFiles) -> Lock:
    package = make_package("demo-keyring", version=files.version, build_date=files.built)
    return Lock(PLATFORM, (), (package,))


def test_a_keyring_is_made_again_only_where_newer_ones_make_a_difference() -> None:
    for used in ((), (OLD,), (NEW,), (OLD, NEW)):
        newest = used[-1] if used else OLD
        before = circumstances(after(*used[:-1]), lock_of(newest), [KEYRING])
        assert not before, "having been made makes no difference"
    assert not circumstances(after(OLD), lock_of(OLD), [KEYRING])
    assert circumstances(after(OLD, NEW), lock_of(OLD), [KEYRING]) == {
        "demo": {"newest": "20260101-1", "revoked": ("B" * 40, "C" * 40)}
    }
    elsewhere = after(NEW).with_used("other", KEYRING, OLD)
    assert circumstances(elsewhere, lock_of(NEW), [KEYRING]) == {
        "demo": {"newest": "20260101-1", "revoked": ("B" * 40,)}
    }


def test_it_is_kept_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "folder/keyrings.json"
    assert recall(path) == Memory()
    remember(path, after(OLD, NEW))
    assert recall(path) == after(OLD, NEW)
    written = path.stat().st_mtime_ns
    remember(path, after(OLD, NEW))
    assert path.stat().st_mtime_ns == written


def test_of_two_builds_at_the_same_time_neither_forgets() -> None:
    both = after(OLD, NEW)
    assert after(OLD).merged(after(NEW)) == both
    assert after(NEW).merged(after(OLD)) == both
    assert Memory().merged(both) == both.merged(Memory()) == both


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"newest": 1}', b"\xff"])
def test_a_damaged_file_is_not_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "keyrings.json"
    path.write_bytes(content)
    with pytest.raises(TrustError) as caught:
        recall(path)
    assert f"{path}" in caught.value.message

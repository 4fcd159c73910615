"""Keys that the user names must be in a keyring, of this platform or of another one of the run,
and not be revoked: by gpg and without it."""

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from aimager import process
from aimager.errors import TrustError
from aimager.model.distro import Keyring
from aimager.packages.keyring import key_members
from aimager.packages.keyring_memory import Memory
from aimager.packages.keyring_trust import trusted_keys
from aimager.packages.user_key_check import Elsewhere
from tests.packages.test_keyring_trust import each_way, listed, naming, refusal
from tests.packages.test_pinned_levels import WAYS, lay, publish
from tests.support.packagers import Packagers

pytestmark = pytest.mark.skipif(
    not shutil.which("gpg", path=process.ENVIRONMENT["PATH"]),
    reason="gpg is missing: NOTHING of the keys that the user names is tested",
)


@pytest.fixture(scope="module")
def revoked_by_owner(packagers: Packagers) -> str:
    """A key that its owner has revoked."""
    packagers.revoke()
    return packagers.revoked


@each_way
def test_a_key_that_the_user_names_must_be_there(
    packagers: Packagers, tmp_path: Path, way: str
) -> None:
    made = publish(packagers, tmp_path, listed(*packagers.masters), packagers.packager)
    told = refusal(naming(made, "AB" * 20), way)
    assert told.startswith(f"the key {'AB' * 20}, which you trust, is not among the ")
    assert told.endswith(" keys of the keyring demo (demo-keyring 1000-1 (k.pkg.tar))")


@each_way
@pytest.mark.parametrize("named", [["other"], ["packager", "other"], ["other", "lost"]])
def test_it_may_be_in_the_keyring_of_another_platform_of_the_run(
    packagers: Packagers,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    way: str,
    named: list[str],
) -> None:
    """What it does not hold is trusted by the pinned keys; what is in neither is told."""
    other = packagers.make_key(f"other-{way}-{named}", "never")
    keys = {"packager": packagers.packager, "other": other, "lost": "AB" * 20}
    users = [keys[name] for name in named]
    trusted = {"trusted": listed(*packagers.masters).encode()}
    sign = partial(packagers.sign, packagers.packager)
    ring = packagers.export(*packagers.masters, packagers.packager)
    made = lay(tmp_path, {"gpg": ring, **trusted}, sign)
    there = lay(tmp_path, {"gpg": packagers.export(other), **trusted}, sign, 2000)
    pinned = Keyring("demo", "demo-keyring", packagers.masters, user_keys=tuple(users))
    made = replace(made, keyring=pinned)
    elsewhere = [Elsewhere((pinned,), replace(there.lock, platform="else-aarch64"))]
    assert "which you trust, is not among the 4 keys of the keyring demo (" in refusal(made, way)
    if "lost" in named:
        with pytest.raises(TrustError) as caught:
            WAYS[way](made, Memory(), elsewhere=elsewhere)
        assert caught.value.message == (
            f"the key {'AB' * 20}, which you trust, is not among the 5 keys of the keyring demo"
            " (demo-keyring 1000-1 (k.pkg.tar)) or demo (demo-keyring 2000-1 (k.pkg.tar))"
        )
        return
    WAYS[way](made, Memory(), elsewhere=elsewhere)
    assert capsys.readouterr().out.splitlines()[0] == (
        f"   the key {other}, which you trust, is not in demo-keyring 1000-1 (k.pkg.tar), but in a"
        " keyring of else-aarch64"
    )
    laid = dict(key_members(trusted_keys([pinned], made.lock, tmp_path, None, elsewhere)))
    assert laid["demo-trusted"] == listed(*sorted(packagers.masters)).encode()


@each_way
@pytest.mark.parametrize("how", ["primary", "key id", "subkey", "memory", "owner", "master"])
def test_a_revoked_key_that_the_user_names_is_told(
    packagers: Packagers,
    revoked_by_owner: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    way: str,
    how: str,
) -> None:
    """Not announced as trusted."""
    key = packagers.packager if how != "owner" else revoked_by_owner
    subkey = packagers.add_subkey(key, "never") if how == "subkey" else key
    name = {"key id": key[-16:], "subkey": subkey}.get(how, key)
    masters = (key, *packagers.masters) if how == "master" else packagers.masters
    lines = "" if how in ("memory", "owner") else f"{name}\n"
    made = publish(packagers, tmp_path, listed(*masters), packagers.master, revoked=lines)
    memory = Memory(revoked={"demo": (name,)} if how == "memory" else {})
    with pytest.raises(TrustError) as caught:
        WAYS[way](naming(made, key), memory)
    source = "demo-keyring 1000-1 (k.pkg.tar)"
    by = {
        "memory": f"a keyring demo that was used before {source}",
        "owner": f"its owner, as {source} has it",
    }.get(how, f"the keyring demo ({source})")
    assert caught.value.message == f"the key {key}, which you trust, has been revoked by {by}"
    assert caught.value.hint.startswith("leave it out of trust-key=")
    assert capsys.readouterr().out == ""

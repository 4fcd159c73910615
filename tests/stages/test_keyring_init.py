"""A keyring is made where newer ones make a difference, and remembers what it was made of."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from aimager import process
from aimager.archive import pack_members
from aimager.errors import TrustError
from aimager.model.distro import Keyring
from aimager.model.lock import Lock, write_lock
from aimager.packages.keyring_memory import MEMORY, recall
from aimager.products.stage import settings
from aimager.stages.borrow_root import BorrowRoot
from aimager.stages.keyring_init import KeyringInit
from tests.support.locked import make_package, make_workshop
from tests.support.packagers import Packagers

pytestmark = pytest.mark.skipif(
    not shutil.which("gpg", path=process.ENVIRONMENT["PATH"]),
    reason="gpg is missing: NOTHING of keyring-init is tested",
)


def stage_of(packagers: Packagers, folder: Path, built: int, revoked: str) -> KeyringInit:
    """The stage for a keyring package of this date."""
    workshop = make_workshop(folder)
    package = make_package(
        "demo-keyring",
        version=f"{built}-1",
        file="k.pkg.tar",
        build_date=built,
        sha256=f"{built:064x}",
    )
    name = "usr/share/pacman/keyrings/demo"
    trusted = "".join(f"{master}:4:\n" for master in packagers.masters)
    info = f"pkgname = demo-keyring\npkgver = {built}-1\nbuilddate = {built}\n"
    content = pack_members(
        [
            (".PKGINFO", info.encode()),
            (f"{name}.gpg", packagers.export()),
            (f"{name}-trusted", trusted.encode()),
            (f"{name}-revoked", revoked.encode()),
        ]
    )
    path = package.path(workshop.store)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    package.signature(workshop.store).write_bytes(packagers.sign(packagers.master, content))
    lock = folder / f"{built}.json"
    lock.write_text(write_lock(Lock("demo-x86_64", (), (package,))))
    return KeyringInit(
        keyrings=(Keyring("demo", "demo-keyring", packagers.masters),),
        lock=lock,
        targets=(folder / "keyring.tar", folder / "keys.tar"),
        borrowed=None,
        older=False,
        workshop=workshop,
    )


def test_it_remembers(packagers: Packagers, tmp_path: Path) -> None:
    old = stage_of(packagers, tmp_path, 1000, "")
    new = stage_of(packagers, tmp_path, 2000, f"{packagers.packager}\n")
    before = settings(old)
    old.run()
    assert settings(old) == before
    kept = old.targets[1].read_bytes()
    new.run()
    assert recall(tmp_path / MEMORY).revoked == {"demo": (packagers.packager,)}
    assert settings(old) != before, "the old one that is kept is not used again"
    with pytest.raises(TrustError, match=r"^demo-keyring 1000-1 is older than 2000-1"):
        old.run()
    replace(old, older=True).run()
    assert packagers.packager.encode() in old.targets[1].read_bytes()
    assert old.targets[1].read_bytes() != kept
    assert settings(new) == {"keyrings": new.keyrings, "elsewhere": ()}


def test_the_borrowed_programs_are_not_verified_with_an_older_one(
    packagers: Packagers, tmp_path: Path
) -> None:
    """They come first on a machine whose cache knows a newer keyring, and gpg is among them."""
    old, new = (stage_of(packagers, tmp_path, built, "") for built in (1000, 2000))
    package = make_package("tool", file="tool.pkg.tar")
    path = package.path(new.workshop.store)
    path.parent.mkdir(parents=True)
    content = pack_members([(".PKGINFO", b"x"), ("usr/bin/true", b"#!/bin/sh\n")])
    path.write_bytes(content)
    package.signature(new.workshop.store).write_bytes(packagers.sign(packagers.packager, content))
    lock = tmp_path / "borrowed.json"
    lock.write_text(write_lock(Lock("demo-x86_64", (), (package,))))
    borrowing = BorrowRoot(
        keyrings=new.keyrings,
        keyring_lock=new.lock,
        lock=lock,
        target=tmp_path / "borrowed.tar",
        older=False,
        workshop=new.workshop,
    )
    new.run()
    borrowing.run()
    assert borrowing.target.exists()
    with pytest.raises(TrustError, match=r"^demo-keyring 1000-1 is older than 2000-1"):
        replace(borrowing, keyring_lock=old.lock).run()


def test_a_key_that_another_platforms_keyring_has(
    packagers: Packagers, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Where programs are borrowed as where a keyring is made."""
    here = stage_of(packagers, tmp_path, 1000, "")
    key = packagers.make_key("elsewhere", "never")
    there = stage_of(packagers, tmp_path, 2000, "")
    keyrings = (replace(here.keyrings[0], user_keys=(key,)),)
    making = replace(here, keyrings=keyrings)
    borrowing = BorrowRoot(
        keyrings=keyrings,
        keyring_lock=here.lock,
        lock=here.lock,
        target=tmp_path / "borrowed.tar",
        older=False,
        workshop=here.workshop,
    )
    told = f"   the key {key}, which you trust, is not in demo-keyring 1000-1 (k.pkg.tar), but "
    for stage in (making, borrowing):
        with pytest.raises(TrustError, match=rf"^the key {key}, which you trust, is not among"):
            stage.run()
        assert told not in capfd.readouterr().out
        replace(stage, elsewhere=((keyrings, there.lock),)).run()
        assert told in capfd.readouterr().out

"""A keyring is opened for pacman only where pacman is to verify packages."""

import io
from dataclasses import replace
from pathlib import Path

import pytest

from aimager.model.lock import UNSIGNED, LockedPackage
from aimager.model.workshop import Workshop
from aimager.system import package_trust
from aimager.system.package_trust import are_verified
from aimager.toolbox import Toolbox
from tests.support.locked import make_package, make_workshop

SIGNED, OWN = make_package("a"), make_package("b", repository=UNSIGNED)


class Keyring:
    """What decides in the place of keys: which packages there is doubt of, and what was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.doubt = ""
        self.asked: list[LockedPackage] = []
        self.opened: list[Path] = []
        monkeypatch.setattr(package_trust, "find_doubt", self.find)
        monkeypatch.setattr(package_trust, "open_home", lambda *at: self.opened.append(at[-1]))

    def find(self, keys: Path, packages: list[LockedPackage], store: Path) -> str:
        self.asked += packages
        return self.doubt

    def verify(self, workshop: Workshop, log: io.BytesIO) -> bool:
        given = (Toolbox(None), [SIGNED, OWN], workshop, log)
        return are_verified(*given, keys=Path("keys"), keyring=Path("keyring"))


def test_what_is_trusted_needs_no_gpg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keyring, log = Keyring(monkeypatch), io.BytesIO()
    assert keyring.verify(make_workshop(tmp_path), log)
    assert (keyring.asked, keyring.opened, log.getvalue()) == ([SIGNED], [], b"")


def test_gpg_is_asked_in_doubt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keyring, log = Keyring(monkeypatch), io.BytesIO()
    keyring.doubt = "a is odd"
    workshop = make_workshop(tmp_path)
    assert not keyring.verify(workshop, log)
    assert keyring.opened == [workshop.work / "gnupg"]
    assert log.getvalue().endswith(b": a is odd\n")


def test_pacman_can_be_had_to_verify(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = Keyring(monkeypatch)
    workshop = replace(make_workshop(tmp_path), pacman_verifies=True)
    assert not keyring.verify(workshop, io.BytesIO())
    assert (keyring.asked, keyring.opened) == ([], [workshop.work / "gnupg"])

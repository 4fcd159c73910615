"""What is verified is built anew with packages that are there, and leaves nothing."""

import errno
from pathlib import Path

import pytest

from aimager.commands.verify.published import read_published
from aimager.commands.verify.rebuild import _link_packages, find_words, rebuilt
from aimager.errors import ImageError
from aimager.graph import artifacts
from tests.commands.test_verify import PACKAGES, given, lock_file, publish


def test_a_build_that_fails_verifies_nothing_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """It says what stops it itself: here the lock file does not have the board's packages."""
    published = read_published(publish(tmp_path / "p"))
    monkeypatch.setattr(artifacts, "RUN", tmp_path / "run")
    monkeypatch.setattr(artifacts, "CACHE", tmp_path / "cache")
    stored = PACKAGES[0].path(artifacts.store())
    stored.parent.mkdir(parents=True)
    stored.write_text("package")
    words = find_words(published, given(tmp_path), tmp_path)
    with (
        pytest.raises(ImageError, match="could not be built again, so nothing is verified"),
        rebuilt(published, words, lock_file(*PACKAGES), tmp_path),
    ):
        pass
    assert "ERROR: the lock file does not hold linux" in capfd.readouterr().err
    linked = PACKAGES[0].path(tmp_path / "run/verify/cache/pkg")
    assert linked.stat().st_ino == stored.stat().st_ino
    assert not (tmp_path / "cache/product").exists()


def test_packages_on_another_disk_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    monkeypatch.setattr(artifacts, "CACHE", tmp_path / "cache")
    stored = PACKAGES[0].path(artifacts.store())
    stored.parent.mkdir(parents=True)
    stored.write_text("package")
    _link_packages(lock_file(*PACKAGES), tmp_path / "pkg")
    assert PACKAGES[0].path(tmp_path / "pkg").read_text() == "package"

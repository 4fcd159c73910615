"""Files of a boot tree have the same modes under any umask."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimager.sandbox.tree import Tree
from aimager.system.bootloader.boot_files import copy, copy_tree, write


@pytest.fixture(autouse=True)
def strict_umask() -> Iterator[None]:
    """One that leaves nothing to others."""
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.fixture
def boot(tmp_path: Path) -> Path:
    """The boot tree, whose own mode is its maker's."""
    (tmp_path / "boot").mkdir(mode=0o700)
    return tmp_path / "boot"


def listing(top: Path) -> dict[str, tuple[int, str]]:
    """The mode of everything below ``top``, and the text of files."""
    return {
        str(path.relative_to(top)): (
            path.stat().st_mode & 0o7777,
            path.read_text() if path.is_file() else "",
        )
        for path in top.rglob("*")
    }


def test_a_file_is_written_with_its_folders(boot: Path, tmp_path: Path) -> None:
    write(Tree(tmp_path), "loader/entries/linux.conf", "title x\n")
    write(Tree(tmp_path), "top", "")
    assert listing(boot) == {
        "loader": (0o755, ""),
        "loader/entries": (0o755, ""),
        "loader/entries/linux.conf": (0o644, "title x\n"),
        "top": (0o644, ""),
    }
    assert boot.stat().st_mode & 0o7777 == 0o700


def test_a_tree_is_copied(boot: Path, tmp_path: Path) -> None:
    (tmp_path / "dtb/vendor").mkdir(parents=True)
    (tmp_path / "dtb/vendor/a.dtb").write_text("a")
    (tmp_path / "dtb/b.dtb").write_text("b")
    (tmp_path / "dtb/empty").mkdir()
    copy_tree(Tree(tmp_path), "dtb", "dtbs/linux")
    copy(Tree(tmp_path), "dtb/b.dtb", "b.dtb")
    assert listing(boot) == {
        "b.dtb": (0o644, "b"),
        "dtbs": (0o755, ""),
        "dtbs/linux": (0o755, ""),
        "dtbs/linux/b.dtb": (0o644, "b"),
        "dtbs/linux/vendor": (0o755, ""),
        "dtbs/linux/vendor/a.dtb": (0o644, "a"),
    }

"""Files and folders that words name are found from where they start, or refused by name."""

from collections.abc import Callable
from pathlib import Path

import pytest

from aimager.config import paths
from aimager.errors import ConfigError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two archives, a folder, and a file that is not text."""
    for name in ("a.tar", "b.tar.zst", "c.zip"):
        (tmp_path / name).touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "binary").write_bytes(b"\xff")
    return tmp_path


@pytest.mark.parametrize(
    ("read", "text", "expected"),
    [
        (paths.read_archives, "a.tar, b.tar.zst", ("a.tar", "b.tar.zst")),
        (paths.read_archives, "", ()),
        (paths.read_archive, "a.tar", "a.tar"),
        (paths.read_archive, "", None),
        (paths.read_folder, "folder", "folder"),
        (paths.read_folder, "", None),
        (paths.read_new_file, "folder/new.html", "folder/new.html"),
        (paths.read_new_file, "a.tar", "a.tar"),
        (paths.read_new_file, "", None),
    ],
)
def test_what_is_found(
    folder: Path, read: Callable[..., object], text: str, expected: str | tuple[str, ...] | None
) -> None:
    found = read(text, folder, variable="x")
    if isinstance(expected, tuple):
        assert found == tuple(folder / name for name in expected)
    else:
        assert found == (folder / expected if expected else None)


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (paths.read_archives, "c.zip", "x=c.zip is not an archive of a known form"),
        (paths.read_archives, "d.tar", "x={}/d.tar: there is no such file"),
        (paths.read_archive, "a.tar,b.tar.zst", "x= names 2 archives, and takes one"),
        (paths.read_folder, "a.tar", "x=a.tar: there is no such folder"),
        (paths.read_new_file, "folder", "x=folder cannot be written"),
        (paths.read_new_file, "none/new.html", "x=none/new.html cannot be written"),
    ],
)
def test_what_is_refused(
    folder: Path, read: Callable[..., object], text: str, message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read(text, folder, variable="x")
    assert caught.value.message == message.format(folder)


def test_text(folder: Path) -> None:
    (folder / "text").write_bytes(b"a\r\n")
    assert paths.read_text(folder / "text", "x") == "a\n"
    assert paths.read_text(folder / "text", "x", newline="") == "a\r\n"
    for name, message in (
        ("none", "x= cannot read {}/none: No such file or directory"),
        ("binary", "x= takes text, which {}/binary is not"),
    ):
        with pytest.raises(ConfigError) as caught:
            paths.read_text(folder / name, "x")
        assert caught.value.message == message.format(folder)

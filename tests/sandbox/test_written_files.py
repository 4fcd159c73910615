"""Files that somebody could write to are known, whether or not they tell it by their times."""

import os
from pathlib import Path

import pytest

from aimager.sandbox import syscalls
from aimager.sandbox.tree import Tree
from aimager.sandbox.written_files import WrittenFiles
from tests.support.layered_trees import write_untold


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A tree of two files."""
    (tmp_path / "tree/folder").mkdir(parents=True)
    for name in ("tree/one", "tree/folder/other"):
        (tmp_path / name).write_text("content")
    return tmp_path / "tree"


def test_they_are_those_that_were_open_for_writing(top: Path) -> None:
    written = WrittenFiles(Tree(top))
    (top / "one").read_text()
    write_untold(top / "folder/other")
    (top / "new").write_text("new")
    (top / "new folder").mkdir()
    (top / "new folder/file").write_text("it is new as its folder is")
    written.end()
    assert written.paths == {"folder/other", "new"}
    assert written.complete


def test_more_than_the_kernel_keeps(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WrittenFiles, "_read_on", lambda self: None)
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    written = WrittenFiles(Tree(top))
    names = (top / "one", top / "folder/other")  # the same again would be one event
    for number in range(most + 2):
        os.close(os.open(names[number % 2], os.O_WRONLY))
    written.end()
    assert not written.complete


def test_more_folders_than_may_be_watched(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(syscalls, "inotify_add_watch", refuse)
    written = WrittenFiles(Tree(top))
    (top / "one").write_text("x")
    written.end()
    assert not written.complete

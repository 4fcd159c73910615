"""What depmod is given of a kernel's folder, and which of it need not be copied."""

import os
from pathlib import Path

import pytest

from aimager.sandbox.program_files import UnknownFilesError
from aimager.sandbox.tree import Tree
from aimager.system import module_index
from aimager.system.module_index import MODULES, ModuleIndexes

VERSION = "6.1-x"
FOLDER = f"{MODULES}/{VERSION}"
GIVEN = ("kernel/a.ko", "kernel/net/b.ko", "modules.order", "vmlinuz.d/c.ko")
LEFT_OUT = ("vmlinuz", "build/Makefile", "modules.dep", "modules.dep.bin")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree with such a folder, where depmod needs no file of its own."""
    monkeypatch.setattr(module_index, "program_files", lambda *_, **__: ())
    for name in (*GIVEN, *LEFT_OUT):
        path = tmp_path / FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
        path.chmod(0o644)
    return tmp_path


def given(root: Path, *, for_this: bool) -> dict[str, bool]:
    """What there is of the folder, and whether it has a twin, which then is the file itself."""
    tree, found = Tree(root), {}
    for file in ModuleIndexes(tree, tree, for_this=for_this).run_for(VERSION).given():
        assert (
            file.twin is None
            or Path(f"/proc/self/fd/{file.twin}").resolve() == (root / file.path).parent
        ), file
        if not file.is_link:
            assert file.content == (root / file.path).read_bytes()
            found[file.path.removeprefix(f"{FOLDER}/")] = file.twin is not None
    return found


def test_of_a_tree_of_others_all_is_copied(root: Path) -> None:
    """Programs may write to it meanwhile."""
    assert given(root, for_this=False) == dict.fromkeys(GIVEN, False)


def test_modules_are_linked_from_a_tree_of_ours_unless_they_would_be_others(root: Path) -> None:
    (root / FOLDER / GIVEN[0]).chmod(0o600)
    assert given(root, for_this=True) == dict.fromkeys(GIVEN, True) | {GIVEN[0]: False}


def test_the_key_is_the_same(root: Path) -> None:
    tree = Tree(root)
    (root / FOLDER / GIVEN[0]).chmod(0o600)
    runs = [ModuleIndexes(tree, tree, for_this=it).run_for(VERSION) for it in (True, False)]
    assert runs[0].key() == runs[1].key()


def test_what_is_too_large_is_not_read(root: Path) -> None:
    os.truncate(root / FOLDER / GIVEN[0], (64 << 20) + 1)
    with pytest.raises(UnknownFilesError, match=r"a\.ko has more than 64 MiB"):
        given(root, for_this=True)

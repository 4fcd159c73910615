"""Hooks of a root's own that ours take the place of are told."""

from pathlib import Path

import pytest

from aimager.packages.hooks import copy_links
from aimager.sandbox.tree import Tree
from aimager.system.initramfs import tell_overridden, universal
from tests.support.trees import bare_chroot


@pytest.mark.parametrize("name", ["00-universal-initramfs.hook", "90-dracut-install.hook"])
def test_hooks_of_the_roots_own_that_ours_replace_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    root = tmp_path / "root"
    folders = ("usr/share/libalpm/hooks", "etc/pacman.d/hooks")
    for folder in folders:
        (root / folder).mkdir(parents=True)
        (root / folder / name).symlink_to("/usr/share/own.hook")
    (root / "usr/share/own.hook").write_text("[Action]\n")
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    copy_links(Tree(root), folders, Tree(hooks))
    with universal(bare_chroot(root), hooks):
        tell_overridden(Tree(root), folders)
        assert "own.hook" not in str((hooks / name).resolve())
        assert (hooks / name).read_text() != "[Action]\n"
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"   the hook /etc/pacman.d/hooks/{name} is not run while")

"""What of ours reads or changes a root's hooks, and the configurations of initramfs makers."""

from pathlib import Path

from aimager.packages.hooks import copy_links, hook_folders, unseen_links
from aimager.sandbox.tree import Tree
from aimager.system.initramfs import tell_overridden
from aimager.system.remade_initramfs import initramfs_configuration
from aimager.system.universal_conf import universal_conf


def take_hooks(root: Path) -> None:
    (root.parent / "work").mkdir()
    own = Tree(root.parent / "work")
    folders = hook_folders(Tree(root))
    copy_links(Tree(root), folders, own)
    unseen_links(Tree(root), folders, own)
    tell_overridden(Tree(root), folders)


def ask_makers(root: Path) -> None:
    (root.parent / "work").mkdir()
    for name in ("mkinitcpio", "booster", "dracut"):
        (root / "usr/bin" / name).touch()
    initramfs_configuration(Tree(root))
    with universal_conf(Tree(root), Tree(root.parent / "work")):
        pass

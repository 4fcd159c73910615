"""Files of a root's /boot, with modes that do not come from the umask."""

from pathlib import PurePath

from aimager.sandbox.tree import Tree

BOOT = "boot"
"""The folder that becomes the boot partition."""


def write(tree: Tree, name: str, content: str | bytes) -> None:
    """Write the file ``name`` of /boot and make the folders that it lies in."""
    folders = PurePath(name).parents
    for folder in (f"{BOOT}/{folder}" for folder in reversed(folders) if folder.name):
        tree.mkdir(folder)
        tree.chmod(folder, 0o755)
    tree.write(f"{BOOT}/{name}", content, 0o644)


def copy(tree: Tree, source: str, name: str) -> None:
    """Copy the content of the root's file ``source`` to the file ``name`` of /boot."""
    write(tree, name, tree.read_bytes(source))


def copy_tree(tree: Tree, source: str, name: str) -> None:
    """Copy all files below the root's folder ``source`` to the folder ``name`` of /boot."""
    for below, _ in sorted(tree.walk(source)):
        if tree.is_file(f"{source}/{below}"):
            copy(tree, f"{source}/{below}", f"{name}/{below}")

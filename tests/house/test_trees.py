"""No path of a root that packages filled is joined to a path of the host: `sandbox.tree` does it.

A link in such a root, which `Path` would follow, leads wherever a package wants.
"""

import ast
from collections.abc import Iterator

import pytest

from tests.support.modules import MODULES, tree

WALKERS = ("aimager.system", "aimager.image")
OTHERS = ("aimager.packages.pacman", "aimager.packages.local_database")
ROOMS = [
    name for name in MODULES if name in OTHERS or any(name.startswith(f"{w}.") for w in WALKERS)
]

ROOTS = {"root", "tree", "boot", "self.root", "self.tree", "image.root", "tree.path"}
"""What such a root is called there."""

OF_PATH = {"iterdir", "rglob", "joinpath", "read_text", "read_bytes", "write_text", "write_bytes"}
OF_PATH |= {"mkdir", "unlink", "chmod", "rename", "touch", "symlink_to", "hardlink_to", "resolve"}
BY_PATH = {"shutil.rmtree", "os.walk", "os.truncate", "os.chmod", "os.scandir", "os.listdir"}

EXCEPTIONS = {
    # The top itself, which is ours.
    ("aimager.packages.pacman", "root.mkdir(parents=True, exist_ok=True)"),
    # mcopy is given paths that lead through folders to files: what is a link is copied elsewhere.
    ("aimager.image.filesystem.fat", "tree.path / path"),
    # Counts what no link was followed to: lstat(2) says what is a folder.
    ("aimager.image.filesystem.usage", "os.scandir(folder)"),
    # Such a folder is one in the image, too, and none that a link leads to.
    ("aimager.image.finished.personalise", "tree.path / top"),
    ("aimager.image.plain_images", "tree.path / point"),
    # The folder that becomes the root's file system, whole.
    ("aimager.image.filesystem.btrfs", "tree.rename(top / root.name)"),
}


def joins(module: ast.Module) -> Iterator[str]:
    """What joins a path to a root's, or takes one of a root for one of the host."""
    paths = ROOTS - {"self.tree", *_trees(module)}
    for node in ast.walk(module):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            wrong = ast.unparse(node.left) in ROOTS
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            owner, _, method = called.rpartition(".")
            joined = called in {"Path", "os.path.join"} and bool(node.args)
            wrong = (
                called in BY_PATH
                or (owner in paths and method in OF_PATH)
                or (joined and ast.unparse(node.args[0]) in ROOTS)
            )
        else:
            wrong = False
        if wrong:
            yield ast.unparse(node)


def _trees(module: ast.Module) -> Iterator[str]:
    """The names that are a Tree's there, whose methods have the names of a Path's."""
    for node in ast.walk(module):
        if isinstance(node, ast.arg) and node.annotation:
            if ast.unparse(node.annotation) == "Tree":
                yield node.arg
        elif isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("Tree("):
            yield from (ast.unparse(target) for target in node.targets)


@pytest.mark.parametrize("name", ROOMS)
def test_no_path_is_joined_to_a_root(name: str) -> None:
    found = {(name, text) for text in joins(tree(MODULES[name]))}
    assert not found - EXCEPTIONS


def test_the_exceptions_are_needed() -> None:
    found = {(name, text) for name in ROOMS for text in joins(tree(MODULES[name]))}
    assert found >= EXCEPTIONS


@pytest.mark.parametrize(
    "code",
    [
        'root / "etc/fstab"',
        '(root / "etc").read_text()',
        "image.root / name",
        "tree.path / name",
        'Path(root, "etc")',
        "os.path.join(root, name)",
        "root.rglob('*')",
        "shutil.rmtree(path)",
        "def f(boot: Path): boot.mkdir()",
    ],
)
def test_it_is_seen(code: str) -> None:
    assert list(joins(ast.parse(code)))


def test_what_a_tree_does_is_not_taken_for_it() -> None:
    code = "def f(tree: Tree, root: Path): return tree.read_text('etc/fstab') and tree.mkdir('x')"
    assert not list(joins(ast.parse(code)))

"""Files of a boot tree, with modes that do not come from the umask."""

import shutil
from pathlib import Path


def write(boot: Path, name: str, text: str) -> None:
    """Write the file ``name`` of ``boot`` and make the folders that it lies in."""
    path = boot / name
    make_folder(boot, path.parent)
    path.write_text(text)
    path.chmod(0o644)


def copy(source: Path, boot: Path, name: str) -> None:
    """Copy the content of ``source`` to the file ``name`` of ``boot``."""
    path = boot / name
    make_folder(boot, path.parent)
    shutil.copyfile(source, path)
    path.chmod(0o644)


def copy_tree(source: Path, boot: Path, name: str) -> None:
    """Copy all files below ``source`` to the folder ``name`` of ``boot``."""
    for path in sorted(source.rglob("*")):
        if path.is_file():
            copy(path, boot, f"{name}/{path.relative_to(source)}")


def make_folder(boot: Path, folder: Path) -> None:
    """Make ``folder``, which is ``boot`` or lies below it, and those above it."""
    if folder != boot:
        make_folder(boot, folder.parent)
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)

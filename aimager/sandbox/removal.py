"""Removing trees of whatever depth: what packages run may nest folders as deep as it likes."""

import os
import shutil
from pathlib import Path


def remove_tree(folder: Path) -> None:
    """Remove a folder and all below it; no link is followed.

    :raises OSError: when something cannot be removed
    """
    try:
        shutil.rmtree(folder)
    except (RecursionError, OSError):  # ENAMETOOLONG and EMFILE come with depth, too
        _flatten(folder)
        shutil.rmtree(folder)


def _flatten(folder: Path) -> None:
    """Leave no folder in those of ``folder``: each is brought up, and emptied in turn."""
    top = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    brought = 0
    try:
        while names := _folders(top):
            for name in names:
                below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
                try:
                    for inner in _folders(below):
                        brought += 1
                        new = f".removed-{os.getpid()}-{brought}"
                        os.rename(inner, new, src_dir_fd=below, dst_dir_fd=top)
                    for file in os.listdir(below):  # noqa: PTH208 - it is a descriptor
                        os.unlink(file, dir_fd=below)
                finally:
                    os.close(below)
                os.rmdir(name, dir_fd=top)
    finally:
        os.close(top)


def _folders(descriptor: int) -> list[str]:
    with os.scandir(descriptor) as entries:
        return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]

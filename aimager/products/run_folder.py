"""A folder for one run of doit: its view of the products, and the trees that its stages work on.

Whoever runs holds a lock (flock(2)) on the folder, which ends with the process however it ends.
A run's folder is removed at its end, and should it be killed, by the next run.
"""

import atexit
import fcntl
import os
import shutil
from contextlib import suppress
from pathlib import Path

from aimager.errors import HostError
from aimager.sandbox.namespace import remove_tree

_held: dict[Path, int] = {}


def hold(folder: Path) -> None:
    """Make ``folder``, remove those beside it that killed runs left, and hold it to the end.

    Does nothing when it is held already.
    """
    if folder in _held:
        return
    descriptor = None
    while descriptor is None:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = _lock(folder, fcntl.LOCK_EX)
    _held[folder] = descriptor
    atexit.register(_release, folder, os.getpid())
    for other in folder.parent.iterdir():
        if other != folder:
            _sweep(other)


def _lock(folder: Path, operation: int) -> int | None:
    """Lock ``folder``; None: another run has removed it in between."""
    descriptor = None
    with suppress(FileNotFoundError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            fcntl.flock(descriptor, operation)
            if os.path.samestat(os.fstat(descriptor), folder.stat()):
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            raise
    if descriptor is not None:
        os.close(descriptor)
    return None


def _sweep(folder: Path) -> None:
    """Remove what a killed run left, and hold it meanwhile: its run may just be starting."""
    with suppress(BlockingIOError, NotADirectoryError, PermissionError):
        descriptor = _lock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if descriptor is None:
            return
        try:
            remove(folder)
        finally:
            os.close(descriptor)


def is_held(folder: Path) -> bool:
    """Whether a run that is under way holds ``folder``."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def remove(folder: Path) -> None:
    """Remove the folder of a run that has ended, unless something still works in it."""
    with suppress(HostError, FileNotFoundError):  # a call's supervisor is just removing it
        for work in folder.iterdir():
            remove_tree(work)
        shutil.rmtree(folder)


def _release(folder: Path, process: int) -> None:
    if os.getpid() == process:
        remove(folder)

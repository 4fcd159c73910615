"""A folder for one run of doit: its view of the products, and the trees that its stages work on.

Whoever runs holds the folder's lock (`aimager.locks`), which ends with the process.
A run's folder is removed at its end, and should it be killed, by the next run.
"""

import atexit
import os
import shutil
from contextlib import suppress
from pathlib import Path

from aimager.errors import HostError
from aimager.files import FOLDER
from aimager.locks import lock_folder
from aimager.sandbox.namespace import remove_tree

_held: dict[Path, int] = {}


def hold_run_folder(folder: Path) -> None:
    """Make ``folder``, remove those beside it that killed runs left, and hold it to the end.

    Does nothing when it is held already.
    """
    if folder in _held:
        return
    _held[folder] = lock_folder(folder, mode=FOLDER)
    atexit.register(_release, folder, os.getpid())
    for other in folder.parent.iterdir():
        if other != folder:
            _sweep(other)


def _sweep(folder: Path) -> None:
    """Remove what a killed run left, and hold it meanwhile: its run may just be starting."""
    with suppress(BlockingIOError, FileNotFoundError, NotADirectoryError, PermissionError):
        descriptor = lock_folder(folder, make=False, wait=False)
        try:
            remove_run_folder(folder)
        finally:
            os.close(descriptor)


def is_held(folder: Path) -> bool:
    """Whether a run that is under way holds ``folder``."""
    try:
        os.close(lock_folder(folder, make=False, shared=True, wait=False))
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def remove_run_folder(folder: Path) -> None:
    """Remove the folder of a run that has ended, unless something still works in it."""
    with suppress(HostError, FileNotFoundError):  # a call's supervisor is just removing it
        for work in folder.iterdir():
            if work.is_dir():  # what a call has made goes with the folder
                remove_tree(work)
        shutil.rmtree(folder)


def _release(folder: Path, process: int) -> None:
    if os.getpid() == process:
        remove_run_folder(folder)

"""Locks between processes: flock(2) on files and folders, which end with whoever holds them.

A lock belongs to a file, not to its name. While one process waits, the holder may remove the file,
and a third may make another one of that name. So whoever gets a lock looks whether the file still
has the name, and starts again if not.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def locked(
    path: Path, *, shared: bool = False, wait: bool = True, keep: bool = False
) -> Iterator[bool]:
    """Hold the lock of the file ``path``, made if missing; yields whether another held it first.

    The file is removed at the end, unless it is to be kept, or others may share the lock.

    :raises BlockingIOError: when another holds it, and we do not ``wait``
    """

    def open_file() -> int:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)

    descriptor, waited = _take(path, open_file, shared=shared, wait=wait, make=True)
    try:
        yield waited
    finally:
        if not (keep or shared):
            path.unlink(missing_ok=True)
        os.close(descriptor)


def lock_folder(
    folder: Path,
    *,
    make: bool = True,
    mode: int = 0o777,
    shared: bool = False,
    wait: bool = True,
) -> int:
    """Lock a folder, and return the descriptor that holds the lock until it is closed.

    :raises BlockingIOError: when another holds it, and we do not ``wait``
    :raises FileNotFoundError: when it does not exist, and we do not ``make`` it
    :raises NotADirectoryError: when it is a file or a symbolic link
    """

    def open_folder() -> int:
        if make:
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir(mode, exist_ok=True)
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)

    return _take(folder, open_folder, shared=shared, wait=wait, make=make)[0]


def _take(
    path: Path, open_it: Callable[[], int], *, shared: bool, wait: bool, make: bool
) -> tuple[int, bool]:
    """The locked descriptor of what has the name ``path``, and whether another held it first."""
    operation = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    waited = False
    while True:
        try:
            descriptor = open_it()
        except FileNotFoundError:  # its folder was removed after it was made
            if not make:
                raise
            continue
        try:
            try:
                fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
            except BlockingIOError:
                if not wait:
                    raise
                waited = True
                fcntl.flock(descriptor, operation)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), path.stat()):
                    return descriptor, waited
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)

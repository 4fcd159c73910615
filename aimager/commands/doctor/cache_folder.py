"""Whether the file system of the cache can do what the cache and the trees in it need."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aimager.errors import HostError

_ELSEWHERE = "AIMAGER_CACHE=FOLDER names another one, on ext4, btrfs or xfs, say"


@contextmanager
def _trial(folder: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=".trial-", dir=folder) as name:
        yield Path(name)


def check_names(folder: Path) -> str:
    """Check that names which differ only in case are two files.

    :raises HostError: when they are not
    """
    with _trial(folder) as trial:
        (trial / "Name").touch()
        if (trial / "name").exists():
            raise HostError(
                f"the file system of {folder} does not tell Name from name", hint=_ELSEWHERE
            )
    return "tells Name from name"


def check_links(folder: Path) -> str:
    """Check that hard links and symbolic links can be made.

    :raises HostError: when it cannot
    """
    with _trial(folder) as trial:
        (trial / "name").touch()
        try:
            (trial / "other").hardlink_to(trial / "name")
            (trial / "link").symlink_to("name")
        except OSError as error:
            raise HostError(
                f"the file system of {folder} makes no links: {error.strerror}", hint=_ELSEWHERE
            ) from error
    return "has hard links and symbolic links"


def check_locks(folder: Path) -> str:
    """Check that flock(2) keeps a second process out.

    :raises HostError: when it does not
    """
    with _trial(folder) as trial:
        path = trial / "lock"
        with path.open("w") as first, path.open("w") as second:
            try:
                fcntl.flock(first, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise HostError(
                    f"the file system of {folder} has no locks: {error.strerror}", hint=_ELSEWHERE
                ) from error
            try:
                fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return "has locks"
    raise HostError(f"locks do not hold in the file system of {folder}", hint=_ELSEWHERE)


def check_programs(folder: Path) -> str:
    """Check that programs below ``folder`` may be run.

    :raises HostError: when it is mounted noexec
    """
    if os.statvfs(folder).f_flag & os.ST_NOEXEC:
        raise HostError(
            f"the file system of {folder} is mounted noexec", hint=f"{_ELSEWHERE}, without noexec"
        )
    return "runs programs"

"""The borrowed root: programs of the host's own platform that stages run instead of the host's."""

from collections.abc import Sequence
from pathlib import Path
from typing import IO

from aimager import progress
from aimager.memory import tmpfs_size
from aimager.model.lock import Lock, read_lock
from aimager.model.workshop import Workshop
from aimager.sandbox import syscalls
from aimager.sandbox.kept_tmpfs import keep_tree, mount_tree
from aimager.sandbox.mounts import RUN
from aimager.sandbox.namespace_child import bind
from aimager.sandbox.native_programs_table import LENT
from aimager.sandbox.program_archive import unpack_programs
from aimager.toolbox import Toolbox

WANTED = (
    "pacman",
    "gnupg",
    "e2fsprogs",
    "dosfstools",
    "mtools",
    "util-linux",
    "tar",
    "openssl",
    "xz",
    "zstd",
)
"""Packages to borrow, as far as the repositories have them."""

WANTED_FOR_FOREIGN = ("qemu-user-static", *(lent.package for lent in LENT))
"""The same, where programs of another architecture have to run."""

_LENDER = RUN / "lender"
_BORROWED = RUN / "borrowed"
"""Where the tree is seen in a namespace: as it is, and, by programs, read-only."""

_MORE = 64 << 20
_UNPACKED = {".zst": 6, ".xz": 6, ".gz": 6}

LOCK = "lock.json"
"""What the borrowed root says of its own packages, in its top folder."""


def lender_lock(borrowed: Path) -> Lock | None:
    """The packages of an unpacked borrowed root; None if it does not list them.

    :raises ConfigError: when the file is damaged
    """
    path = borrowed / LOCK
    return read_lock(path) if path.exists() else None


def open_toolbox(
    archive: Path | None,
    work: Path,
    folders: Sequence[Path],
    log: IO[bytes],
    *,
    memory: int | None = None,
    jobs: int = 1,
) -> Toolbox:
    """A toolbox with ``archive`` unpacked, for use inside a namespace.

    ``folders``, among them what ``work`` lies in, are seen by the programs at their own paths; so
    is what is mounted below ``work`` later. The tree is kept in memory for later calls, or, where
    memory is short or not wanted (``memory``, see `tmpfs_size`), unpacked below ``work``.
    """
    if archive is None:
        return Toolbox(None, log, jobs=jobs)
    limit = tmpfs_size(_unpacked_size(archive), wish=memory, jobs=jobs)
    lender = work / "tools" if limit is None else _LENDER
    if limit is None or not mount_tree(_name(archive), lender, size=limit):
        progress.step("unpacking the programs that do it")
        unpack_programs(archive, lender)
        if limit is not None:
            keep_tree(_name(archive), lender)
    seen = (*folders, Path("/proc"), Path("/dev"), Path("/run"))
    for folder in seen:
        (lender / folder.relative_to("/")).mkdir(parents=True, exist_ok=True)
    root = lender
    if limit is not None:
        root = _BORROWED
        bind(lender, root, read_only=True)
    syscalls.mount(None, work, None, syscalls.MS_REC | syscalls.MS_SHARED)
    for folder in seen:
        bind(folder, root / folder.relative_to("/"))
    return Toolbox(root, log, lender=lender, jobs=jobs)


def lend(tree: Path, archive: Path) -> None:
    """Save the next `open_toolbox` from unpacking ``archive``: ``tree`` is mounted and holds it."""
    keep_tree(_name(archive), tree)


def equip(workshop: Workshop, archive: Path | None, log: IO[bytes], *folders: Path) -> Toolbox:
    """`open_toolbox` by what a stage's ``workshop`` has; ``folders`` are seen beside its cache."""
    return open_toolbox(
        archive,
        workshop.work,
        (workshop.cache, *folders),
        log,
        memory=workshop.memory,
        jobs=workshop.jobs,
    )


def _unpacked_size(archive: Path) -> int:
    """About how many bytes an unpacked archive of programs has, with what `kit` adds."""
    return archive.stat().st_size * _UNPACKED.get(archive.suffix, 1) + _MORE


def _name(archive: Path) -> str:
    """What the tree of an archive is kept by: a file of another content is another file."""
    status = archive.stat()
    return f"{status.st_dev} {status.st_ino} {status.st_size} {status.st_mtime_ns}"

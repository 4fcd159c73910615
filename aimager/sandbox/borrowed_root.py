"""The borrowed root: programs of the host's own platform that stages run instead of the host's."""

import os
from pathlib import Path
from typing import IO

from aimager import progress
from aimager.memory import tmpfs_size
from aimager.model.lock import Lock, read_lock
from aimager.model.workshop import Workshop
from aimager.sandbox.binding import bind
from aimager.sandbox.kept_tmpfs import archive_name, keep_tree, mount_tree
from aimager.sandbox.mounts import RUN
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
    "kmod",
    "tar",
    "openssl",
    "xz",
    "zstd",
    "gzip",
    "bzip2",
    "lz4",
)
"""Packages to borrow, as far as the repositories have them."""

WANTED_FOR_FOREIGN = ("qemu-user-static", *(lent.package for lent in LENT))
"""The same, where programs of another architecture have to run."""

_TOOLS_OWN = {"usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "etc", "nix", "gnu"}
"""What of the worker's root is the tools', and so is the borrowed ones' in theirs."""

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
    log: IO[bytes],
    *,
    memory: int | None = None,
    jobs: int = 1,
) -> Toolbox:
    """A toolbox with ``archive`` unpacked, for use inside a namespace.

    The programs see what the worker sees, at its own paths. The tree is kept in memory for later
    calls, or, where memory is short or not wanted (``memory``, see `tmpfs_size`), unpacked below
    ``work``.
    """
    if archive is None:
        return Toolbox(None, log, jobs=jobs)
    limit = tmpfs_size(_unpacked_size(archive), wish=memory, jobs=jobs)
    lender = work / "tools" if limit is None else _LENDER
    if limit is None or not mount_tree(archive_name(archive), lender, size=limit):
        progress.step("unpacking the programs that do it")
        unpack_programs(archive, lender)
        if limit is not None:
            keep_tree(archive_name(archive), lender)
    names = sorted(set(os.listdir("/")) - _TOOLS_OWN, key=lambda name: name != "run")  # noqa: PTH208
    seen = [Path("/", name) for name in names]  # /run first, before it has the others in it, too
    for folder in seen:
        (lender / folder.relative_to("/")).mkdir(parents=True, exist_ok=True)
    bind(lender, _BORROWED, read_only=True)
    for folder in seen:
        bind(folder, _BORROWED / folder.relative_to("/"))
    return Toolbox(_BORROWED, log, lender=lender, jobs=jobs)


def lend(tree: Path, archive: Path) -> None:
    """Save the next `open_toolbox` from unpacking ``archive``: ``tree`` is mounted and holds it."""
    keep_tree(archive_name(archive), tree)


def equip(workshop: Workshop, archive: Path | None, log: IO[bytes]) -> Toolbox:
    """`open_toolbox` by what a stage's ``workshop`` has."""
    memory, jobs = workshop.memory, workshop.jobs
    return open_toolbox(archive, workshop.work, log, memory=memory, jobs=jobs)


def _unpacked_size(archive: Path) -> int:
    """About how many bytes an unpacked archive of programs has, with what `kit` adds."""
    return archive.stat().st_size * _UNPACKED.get(archive.suffix, 1) + _MORE

"""What a root of its own consists of: a list that can be printed, and what carries it out.

A root is made beside the old one, as a file system in memory on which is mounted what is to be
seen, and then takes its place (pivot_root(2)); the old one is detached. Mounts that come from the
old root, seen from a new user namespace, hang together: those below a mount can neither be
uncovered nor bound without (mount_namespaces(7), "Restrictions on mount namespaces"). So every
bind here is recursive.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from aimager.sandbox.binding import bind, make_read_only
from aimager.sandbox.restrictions import explain
from aimager.sandbox.syscalls import (
    MNT_DETACH,
    MS_BIND,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_RDONLY,
    MS_REC,
    mount,
    pivot_root,
    umount2,
)

RUN = Path("/run")
TOP = Path("/")

_BASE = Path("/tmp")
"""Covered while a root is made, as bubblewrap does: every root has it."""

_DEVICES = ("null", "zero", "full", "random", "urandom")
_DEVICE_LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "ptmx": "pts/ptmx",
}

_SHARED_MEMORY = 256 << 20


@dataclass(frozen=True)
class Bind:
    """``source`` of the old root is seen at ``target``, which is made if it is missing."""

    source: Path
    target: Path
    read_only: bool = False
    optional: bool = False
    """A refusal, or that there is no ``source``, does not matter."""


@dataclass(frozen=True)
class Tmpfs:
    """A new, empty file system in memory at ``target``, of at most ``size`` bytes."""

    target: Path
    mode: int = 0o755
    size: int | None = None


@dataclass(frozen=True)
class Proc:
    """The processes of this PID namespace at ``target``; the old root's where that is refused.

    It is refused where the host's /proc is partly covered, as in most containers. The old root's
    is read-only with ``own_only``: some files of a process ask for its owner's id alone.
    """

    target: Path
    own_only: bool = False


@dataclass(frozen=True)
class Sys:
    """The machine's devices at ``target``, read-only, without what a host has mounted there."""

    target: Path
    optional: bool = True


@dataclass(frozen=True)
class Terminals:
    """Pseudoterminals of its own at ``target``."""

    target: Path
    optional: bool = True


@dataclass(frozen=True)
class ReadOnly:
    """What is at ``target``, and all below, cannot be written; it need not be there."""

    target: Path


@dataclass(frozen=True)
class Masked:
    """What is at ``target`` cannot be seen; it need not be there."""

    target: Path


@dataclass(frozen=True)
class Directory:
    """A directory, made if it is missing."""

    target: Path
    mode: int = 0o755


@dataclass(frozen=True)
class Link:
    """A symbolic link that says ``text``."""

    target: Path
    text: str


@dataclass(frozen=True)
class Text:
    """A file of ``content``."""

    target: Path
    content: str


Operation = Bind | Tmpfs | Proc | Sys | Terminals | ReadOnly | Masked | Directory | Link | Text


def device_mounts(dev: Path = Path("/dev")) -> tuple[Operation, ...]:
    """The devices that every program may expect, and no more; no terminal but its own."""
    return (
        Tmpfs(dev, size=1 << 20),
        *(Bind(Path("/dev", name), dev / name) for name in _DEVICES),
        Directory(dev / "pts"),
        Terminals(dev / "pts"),
        *(Link(dev / name, text) for name, text in _DEVICE_LINKS.items()),
        Tmpfs(dev / "shm", mode=0o1777, size=_SHARED_MEMORY),
    )


def enter_root(operations: Sequence[Operation]) -> None:
    """Make a new root by ``operations``, and go there; nothing of the old one stays seen.

    Sources of binds are paths in the old root, free of symbolic links; targets are in the new one.
    Where the first operation is a bind at the top, that tree is the new root, and what is mounted
    on it needs mount points there.

    :raises HostError: when the kernel refuses one that is not optional
    """
    old, new = TOP / "old", TOP / "new"
    try:
        mount(None, TOP, None, MS_REC | MS_PRIVATE)
        mount("tmpfs", _BASE, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
        for folder in (old, new):
            (_BASE / folder.name).mkdir()
        pivot_root(_BASE, _BASE / old.name)
        os.chdir(TOP)
        if not (operations and operations[0].target == TOP):
            mount("tmpfs", new, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
    except OSError as error:
        raise explain("a root of its own", error) from error
    carry_out(operations, old=old, new=new)
    try:
        os.chdir(new)
        pivot_root(".", ".")  # the old root now lies over the new one, at the same place
        umount2(".", MNT_DETACH)
    except OSError as error:
        raise explain("a root of its own", error) from error
    os.chdir(TOP)


def carry_out(operations: Iterable[Operation], *, old: Path = TOP, new: Path = TOP) -> None:
    """Do what ``operations`` say, one after the other: sources are below ``old``, targets ``new``.

    :raises HostError: when the kernel refuses one that is not optional
    """
    for operation in operations:
        moved: Operation = replace(operation, target=_below(new, operation.target))
        if isinstance(moved, Bind):
            moved = replace(moved, source=_below(old, moved.source))
        try:
            _carry_out(moved, old)
        except OSError as error:
            if not getattr(operation, "optional", False):
                doing = f"{type(operation).__name__} at {operation.target}"
                raise explain(doing, error) from error


def _below(folder: Path, path: Path) -> Path:
    return folder / path.relative_to(TOP)


def _carry_out(operation: Operation, old: Path) -> None:
    match operation:
        case Bind(source, target, read_only):
            bind(source, target)
            if read_only:
                make_read_only(target, old)
        case Tmpfs():
            _mount_tmpfs(operation)
        case Proc(target, own_only):
            _mount_proc(target, old, read_only=own_only)
        case Sys(target):
            target.mkdir(exist_ok=True)
            mount("sysfs", target, "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY)
        case Terminals(target):
            mount("devpts", target, "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666")
        case ReadOnly() | Masked():
            _cover(operation, old)
        case _:
            _make(operation)


def _cover(operation: ReadOnly | Masked, old: Path) -> None:
    target = operation.target
    if not target.exists():
        return
    if isinstance(operation, ReadOnly):
        bind(target, target)
        make_read_only(target, old)
    elif target.is_dir():
        mount("tmpfs", target, "tmpfs", MS_RDONLY, "size=0")
    else:
        bind(old / "dev/null", target)


def _make(operation: Directory | Link | Text) -> None:
    target = operation.target
    if isinstance(operation, Directory):
        target.mkdir(parents=True, exist_ok=True)
        target.chmod(operation.mode)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(operation, Link):
        target.symlink_to(operation.text)
    else:
        target.write_text(operation.content)


def _mount_tmpfs(operation: Tmpfs) -> None:
    data = f"mode={operation.mode:o}"
    if operation.size is not None:
        data += f",size={operation.size}"
    operation.target.mkdir(parents=True, exist_ok=True)
    mount("tmpfs", operation.target, "tmpfs", 0, data)


def _mount_proc(target: Path, old: Path, *, read_only: bool) -> None:
    target.mkdir(exist_ok=True)
    try:
        mount("proc", target, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    except PermissionError:
        mount(old / "proc", target, None, MS_BIND | MS_REC)
        if read_only:
            make_read_only(target, old)

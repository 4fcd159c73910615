"""What is mounted in a namespace: a list that can be printed, and what carries it out.

A host's mounts, seen from a new user namespace, hang together: those below a mount can neither be
uncovered nor bound without (mount_namespaces(7), "Restrictions on mount namespaces"). So every
bind here is recursive.
"""

import os
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from aimager.errors import HostError
from aimager.sandbox.restrictions import explain
from aimager.sandbox.syscalls import (
    AT_RECURSIVE,
    MNT_DETACH,
    MOUNT_ATTR_RDONLY,
    MS_BIND,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_PRIVATE,
    MS_REC,
    mount,
    mount_setattr,
    umount2,
)

RUN = Path("/run")
TEMPORARY = RUN / "tmp"
"""Where programs may put temporary files, /tmp being the host's."""

_OCTAL = re.compile(rb"\\([0-7]{3})")


@dataclass(frozen=True)
class Private:
    """No mount or unmount at ``target`` or below is seen elsewhere from now on."""

    target: Path


@dataclass(frozen=True)
class ReadOnly:
    """``target`` and all below cannot be written, as far as the kernel can do that."""

    target: Path


@dataclass(frozen=True)
class Writable:
    """``target``, below something that is read-only, can be written as on the host."""

    target: Path


@dataclass(frozen=True)
class Bind:
    """``source`` is seen at ``target`` as well, which is made if it is missing."""

    source: Path
    target: Path
    read_only: bool = False
    optional: bool = False
    """A refusal does not matter."""


@dataclass(frozen=True)
class Tmpfs:
    """A new, empty file system in memory at ``target``; what was there at ``keep`` stays seen."""

    target: Path
    mode: int = 0o755
    size: int | None = None
    keep: tuple[Path, ...] = ()
    optional: bool = False


@dataclass(frozen=True)
class Proc:
    """The processes of this PID namespace at ``target``; the host's where that is refused.

    It is refused where the host's /proc is partly covered, as in most containers.
    """

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


Operation = Private | ReadOnly | Writable | Bind | Tmpfs | Proc | Directory | Link


def outermost(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Those of ``paths`` that are not below another of them, in order."""
    kept: list[Path] = []
    for path in sorted(set(paths)):
        if not any(path.is_relative_to(other) for other in kept):
            kept.append(path)
    return tuple(kept)


def namespace_mounts(
    *, work: Path, tmpfs: int | None, writable: Sequence[Path], needed: Sequence[Path]
) -> tuple[Operation, ...]:
    """What a build sees: its host, read-only, with places of its own.

    ``needed`` are further paths that must stay seen when /run is covered. All are absolute and
    free of symbolic links.
    """
    below_run = [path for path in (work, *writable, *needed) if path.is_relative_to(RUN)]
    place = Tmpfs(work, mode=0o700, size=tmpfs) if tmpfs is not None else Writable(work)
    return (
        Private(Path("/")),
        ReadOnly(Path("/")),
        Tmpfs(RUN, keep=outermost(below_run)),
        Directory(RUN / "user"),
        Directory(RUN / "user/0", 0o700),  # where GnuPG puts its sockets
        Directory(TEMPORARY, 0o1777),
        Tmpfs(Path("/dev/shm"), mode=0o1777, optional=True),
        Proc(Path("/proc")),
        *(Writable(path) for path in sorted(set(writable))),
        place,
    )


def carry_out(operations: Iterable[Operation]) -> None:
    """Do what ``operations`` say, one after the other.

    :raises HostError: when the kernel refuses one that is not optional
    """
    for operation in operations:
        try:
            _carry_out(operation)
        except OSError as error:
            if not getattr(operation, "optional", False):
                raise explain(f"{type(operation).__name__} at {operation.target}", error) from error


def unmount(target: Path) -> None:
    """Take away the topmost mount at ``target`` and all below, also while they are in use."""
    umount2(target, MNT_DETACH)


def _carry_out(operation: Operation) -> None:
    match operation:
        case Private(target):
            mount(None, target, None, MS_REC | MS_PRIVATE)
        case ReadOnly(target):
            _make_read_only(target)
        case Writable(target):
            mount(target, target, None, MS_BIND | MS_REC)
            _make_writable(target)
        case Bind(source, target, read_only):
            _bind(source, target)
            if read_only:
                _make_read_only(target)
        case Tmpfs():
            _mount_tmpfs(operation)
        case Proc(target):
            _mount_proc(target)
        case Directory(target, mode):
            target.mkdir(exist_ok=True)
            target.chmod(mode)
        case Link(target, text):
            target.symlink_to(text)


def _bind(source: Path, target: Path) -> None:
    if not target.exists():
        _make_mount_point(target, directory=source.is_dir())
    mount(source, target, None, MS_BIND | MS_REC)


def _make_mount_point(target: Path, *, directory: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if directory:
        target.mkdir()
    else:
        target.touch()


def _make_read_only(target: Path) -> None:
    try:
        mount_setattr(target, AT_RECURSIVE, attr_set=MOUNT_ATTR_RDONLY)
    except OSError:
        # One refusal undoes the whole: take those that do not refuse. None: older than 5.12.
        for path in (target, *_mounts_below(target)):
            with suppress(OSError):
                mount_setattr(path, attr_set=MOUNT_ATTR_RDONLY)


def _make_writable(target: Path) -> None:
    try:
        mount_setattr(target, AT_RECURSIVE, attr_clr=MOUNT_ATTR_RDONLY)
    except OSError:
        with suppress(OSError):  # one below it may be read-only on the host itself
            mount_setattr(target, attr_clr=MOUNT_ATTR_RDONLY)
    if os.statvfs(target).f_flag & os.ST_RDONLY:
        raise HostError(
            f"{target} is on a read-only file system", hint="build in another directory"
        )


def _mounts_below(target: Path) -> list[Path]:
    """Mount points below ``target``: field 5 of /proc/self/mountinfo (proc_pid_mountinfo(5))."""
    points = mount_points(Path("/proc/self/mountinfo").read_bytes())
    return [point for point in points if point != target and point.is_relative_to(target)]


def mount_points(mountinfo: bytes) -> list[Path]:
    """All mount points, in whose paths the kernel writes blanks and the like in octal."""
    fields = (line.split(b" ")[4] for line in mountinfo.splitlines())
    return [Path(os.fsdecode(_OCTAL.sub(lambda it: bytes([int(it[1], 8)]), f))) for f in fields]


def _mount_tmpfs(operation: Tmpfs) -> None:
    data = f"mode={operation.mode:o}"
    if operation.size is not None:
        data += f",size={operation.size}"
    handles = []
    try:
        for path in operation.keep:
            handles.append((path, path.is_dir(), os.open(path, os.O_PATH)))
        mount("tmpfs", operation.target, "tmpfs", 0, data)
        for path, directory, handle in handles:
            _make_mount_point(path, directory=directory)
            mount(f"/proc/self/fd/{handle}", path, None, MS_BIND | MS_REC)
    finally:
        for _, _, handle in handles:
            os.close(handle)


def _mount_proc(target: Path) -> None:
    try:
        mount("proc", target, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    except PermissionError:
        mount("/proc", target, None, MS_BIND | MS_REC)

"""Letting what is in one place be seen in another (mount(2), MS_BIND), and there be read-only."""

import os
import re
from contextlib import suppress
from pathlib import Path

from aimager.sandbox.syscalls import (
    AT_RECURSIVE,
    MOUNT_ATTR_RDONLY,
    MS_BIND,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_RDONLY,
    MS_REC,
    MS_REMOUNT,
    mount,
    mount_setattr,
)

_OCTAL = re.compile(rb"\\([0-7]{3})")


def bind(source: Path, target: Path, *, read_only: bool = False) -> None:
    """Let ``source`` and all that is mounted below be seen at ``target``, made if missing.

    :raises OSError: when the kernel refuses it
    """
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            target.mkdir()
        else:
            target.touch()
    mount(source, target, None, MS_BIND | MS_REC)
    if read_only:
        make_read_only(target, Path("/"))


def make_read_only(target: Path, old: Path) -> None:
    """Let ``target`` and all that is mounted below be seen read-only; /proc is below ``old``.

    :raises OSError: when the kernel refuses it
    """
    try:
        mount_setattr(target, AT_RECURSIVE, attr_set=MOUNT_ATTR_RDONLY)
    except OSError:  # one refusal undoes the whole; or the kernel is older than 5.12
        _remount_read_only(target)
        for path in _mounts_below(target, old):
            with suppress(OSError):
                _remount_read_only(path)


def _remount_read_only(target: Path) -> None:
    """What the mount must not do already stays so, else the kernel refuses (mount(2))."""
    kept = os.statvfs(target).f_flag & (MS_NOSUID | MS_NODEV | MS_NOEXEC)
    mount(None, target, None, MS_REMOUNT | MS_BIND | MS_RDONLY | kept)


def _mounts_below(target: Path, old: Path) -> list[Path]:
    """Mount points below ``target``: field 5 of /proc/self/mountinfo (proc_pid_mountinfo(5))."""
    points = mount_points((old / "proc/self/mountinfo").read_bytes())
    return [point for point in points if point != target and point.is_relative_to(target)]


def mount_points(mountinfo: bytes) -> list[Path]:
    """All mount points, in whose paths the kernel writes blanks and the like in octal."""
    fields = (line.split(b" ")[4] for line in mountinfo.splitlines())
    return [Path(os.fsdecode(_OCTAL.sub(lambda it: bytes([int(it[1], 8)]), f))) for f in fields]

"""The system calls that Python's library lacks, under the kernel's own names.

Constants and signatures are those of unshare(2), mount(2), umount2(2), mount_setattr(2) and
prctl(2), and of the kernel's headers ``linux/mount.h``, ``linux/prctl.h`` and ``linux/sched.h``.
A call that fails raises the OSError of its errno, with the path that it was about.
"""

import ctypes
import os

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
MS_SHARED = 1 << 20

MNT_DETACH = 0x2

MOUNT_ATTR_RDONLY = 0x1
AT_FDCWD = -100
AT_RECURSIVE = 0x8000

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

_NR_MOUNT_SETATTR = 442  # the same on every architecture: asm-generic/unistd.h

_libc = ctypes.CDLL(None, use_errno=True)


class _MountAttr(ctypes.Structure):
    """``struct mount_attr`` (linux/mount.h), in its first version."""

    _fields_ = [
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    ]


def _check(result: int, path: str | None = None) -> None:
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)


def _bytes(text: str | os.PathLike[str] | None) -> bytes | None:
    return None if text is None else os.fsencode(text)


def unshare(flags: int) -> None:
    """Give this process new namespaces, CLONE_NEWPID its children only."""
    _check(_libc.unshare(ctypes.c_int(flags)))


def mount(
    source: str | os.PathLike[str] | None,
    target: str | os.PathLike[str],
    filesystemtype: str | None = None,
    mountflags: int = 0,
    data: str | None = None,
) -> None:
    """Mount, bind or change a mount: mount(2)."""
    result = _libc.mount(
        _bytes(source),
        _bytes(target),
        _bytes(filesystemtype),
        ctypes.c_ulong(mountflags),
        _bytes(data),
    )
    _check(result, os.fspath(target))


def umount2(target: str | os.PathLike[str], flags: int = 0) -> None:
    """Unmount; with MNT_DETACH also what is busy, as soon as it no longer is."""
    _check(_libc.umount2(_bytes(target), ctypes.c_int(flags)), os.fspath(target))


def mount_setattr(
    path: str | os.PathLike[str], flags: int = 0, *, attr_set: int = 0, attr_clr: int = 0
) -> None:
    """Change the attributes of a mount, with AT_RECURSIVE of all below it: Linux 5.12."""
    attributes = _MountAttr(attr_set, attr_clr, 0, 0)
    result = _libc.syscall(
        ctypes.c_long(_NR_MOUNT_SETATTR),
        ctypes.c_int(AT_FDCWD),
        _bytes(path),
        ctypes.c_uint(flags),
        ctypes.byref(attributes),
        ctypes.c_size_t(ctypes.sizeof(attributes)),
    )
    _check(result, os.fspath(path))


def prctl(option: int, argument: int) -> None:
    """Change a trait of this process; the options here take one number."""
    zero = ctypes.c_ulong(0)
    _check(_libc.prctl(ctypes.c_int(option), ctypes.c_ulong(argument), zero, zero, zero))

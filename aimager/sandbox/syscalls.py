"""The system calls that Python's library lacks, under the kernel's own names.

Constants and signatures are those of unshare(2), mount(2), umount2(2), pivot_root(2),
mount_setattr(2), open_tree(2), move_mount(2), openat2(2), prctl(2), capset(2), keyctl(2),
personality(2), rename(2) and inotify(7), and of the kernel's headers ``linux/mount.h``,
``linux/openat2.h``, ``linux/prctl.h``, ``linux/sched.h``, ``linux/keyctl.h``,
``linux/personality.h``, ``linux/inotify.h`` and ``linux/fs.h``.
A call that fails raises the OSError of its errno, with the path that it was about.
"""

import ctypes
import errno
import os
from collections.abc import Sequence
from pathlib import Path

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_REMOUNT = 0x20
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000

MNT_DETACH = 0x2

MOUNT_ATTR_RDONLY = 0x1
AT_FDCWD = -100
AT_RECURSIVE = 0x8000

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4

PER_LINUX32 = 0x0008

RENAME_EXCHANGE = 0x2

OPEN_TREE_CLONE = 0x1
OPEN_TREE_CLOEXEC = 0x80000
MOVE_MOUNT_F_EMPTY_PATH = 0x4

RESOLVE_NO_XDEV = 0x01
RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_NO_SYMLINKS = 0x04
RESOLVE_BENEATH = 0x08
RESOLVE_IN_ROOT = 0x10

IN_ATTRIB = 0x00000004
IN_CLOSE_WRITE = 0x00000008
IN_Q_OVERFLOW = 0x00004000
IN_ONLYDIR = 0x01000000

_KEYCTL_JOIN_SESSION_KEYRING = 1

_MACHINE = os.uname().machine
# asm-generic/unistd.h, and the tables of the machines that are older than it.
_NR_PIVOT_ROOT = {"x86_64": 155, "i686": 217, "armv7l": 218}.get(_MACHINE, 41)
_NR_KEYCTL = {"x86_64": 250, "i686": 288, "armv7l": 311}.get(_MACHINE, 219)
# The same on every architecture.
_NR_OPEN_TREE = 428
_NR_MOVE_MOUNT = 429
_NR_OPENAT2 = 437
_NR_MOUNT_SETATTR = 442

_libc = ctypes.CDLL(None, use_errno=True)


class _MountAttr(ctypes.Structure):
    """``struct mount_attr`` (linux/mount.h), in its first version."""

    _fields_ = [
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    ]


class _OpenHow(ctypes.Structure):
    """``struct open_how`` (linux/openat2.h), in its first version."""

    _fields_ = [
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    ]


_TRIES = 1000


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


def open_tree(path: str | os.PathLike[str]) -> int:
    """A descriptor of a copy of the mount at ``path`` that is attached nowhere: Linux 5.2."""
    flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC
    result: int = _libc.syscall(
        ctypes.c_long(_NR_OPEN_TREE),
        ctypes.c_int(AT_FDCWD),
        _bytes(path),
        ctypes.c_uint(flags),
    )
    _check(result, os.fspath(path))
    return result


def move_mount(descriptor: int, path: str | os.PathLike[str]) -> None:
    """Attach a mount of `open_tree` at ``path``, once: Linux 5.2."""
    result = _libc.syscall(
        ctypes.c_long(_NR_MOVE_MOUNT),
        ctypes.c_int(descriptor),
        b"",
        ctypes.c_int(AT_FDCWD),
        _bytes(path),
        ctypes.c_uint(MOVE_MOUNT_F_EMPTY_PATH),
    )
    _check(result, os.fspath(path))


def pivot_root(new_root: str | os.PathLike[str], put_old: str | os.PathLike[str]) -> None:
    """Make the mount ``new_root`` the root, and the old one a mount at ``put_old`` below it."""
    number = ctypes.c_long(_NR_PIVOT_ROOT)
    _check(_libc.syscall(number, _bytes(new_root), _bytes(put_old)), os.fspath(new_root))


def prctl(option: int, argument: int, more: int = 0) -> None:
    """Change a trait of this process; the options here take one or two numbers."""
    zero, words = ctypes.c_ulong(0), (ctypes.c_ulong(argument), ctypes.c_ulong(more))
    _check(_libc.prctl(ctypes.c_int(option), *words, zero, zero))


def capset(header: object, data: object) -> None:
    """Set the capabilities of this process: a ``__user_cap_header_struct`` and its data."""
    _check(_libc.capset(header, data))


def join_new_session_keyring() -> None:
    """Leave the session keyring that was inherited for a new one, which is empty.

    :raises OSError: also where the kernel has no keys, or a container refuses the call
    """
    join = ctypes.c_int(_KEYCTL_JOIN_SESSION_KEYRING)
    result = _libc.syscall(ctypes.c_long(_NR_KEYCTL), join, None)
    _check(0 if result > 0 else result)


def openat2(dirfd: int, path: str | os.PathLike[str], flags: int, resolve: int) -> int:
    """Open ``path`` below the folder ``dirfd``, its links resolved as ``resolve`` says: Linux 5.6.

    A ``..`` that the kernel could not follow because something was renamed or mounted meanwhile,
    anywhere on the machine, is tried again (EAGAIN).
    """
    name = os.fsencode(path)
    if b"\0" in name:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), os.fspath(path))
    how = _OpenHow(flags | os.O_CLOEXEC, 0, resolve)
    for _ in range(_TRIES):
        result: int = _libc.syscall(
            ctypes.c_long(_NR_OPENAT2),
            ctypes.c_int(dirfd),
            name,
            ctypes.byref(how),
            ctypes.c_size_t(ctypes.sizeof(how)),
        )
        if result != -1 or ctypes.get_errno() not in (errno.EAGAIN, errno.EINTR):
            break
    _check(result, os.fspath(path))
    return result


def show_arguments(words: Sequence[str]) -> None:
    """Let ps(1) show ``words`` as this process's arguments, as far as the old ones had room.

    /proc/PID/cmdline is the memory between arg_start and arg_end (proc_pid_stat(5), fields 48 and
    49), which belongs to the process.
    """
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    start, end = int(fields[45]), int(fields[46])
    text = b"".join(os.fsencode(word) + b"\0" for word in words)[: end - start - 1]
    ctypes.memmove(start, text.ljust(end - start, b"\0"), end - start)


def personality(persona: int) -> None:
    """Change what the kernel shows to this process and to those that it starts."""
    _check(_libc.personality(ctypes.c_ulong(persona)))


def exchange(one: str | os.PathLike[str], other: str | os.PathLike[str]) -> None:
    """Let two names change places at once: renameat2(2) of glibc 2.28, if the file system can."""
    here, flags = ctypes.c_int(AT_FDCWD), ctypes.c_uint(RENAME_EXCHANGE)
    _check(_libc.renameat2(here, _bytes(one), here, _bytes(other), flags), os.fspath(one))


def inotify_init() -> int:
    """A descriptor from which events are read, of which there are none yet."""
    descriptor = int(_libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
    _check(descriptor)
    return descriptor


def inotify_add_watch(descriptor: int, path: str | os.PathLike[str], mask: int) -> int:
    """Have the events of ``mask`` told; returns the number by which they name ``path``."""
    watch = int(_libc.inotify_add_watch(descriptor, os.fsencode(path), ctypes.c_uint32(mask)))
    _check(watch, os.fspath(path))
    return watch

"""Whether the kernel gives this user what a build's namespaces are made of, found by doing it.

A forked child is enough for that: it has one thread, which is what unshare(2) asks of who wants
CLONE_NEWUSER. It maps one id alone, so that this says nothing of subordinate ids.
"""

import errno
import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from aimager.errors import HostError
from aimager.sandbox import mounts, syscalls
from aimager.sandbox.restrictions import (
    RESTRICTION,
    Setting,
    allow_in_apparmor,
    apparmor_restricts,
    explain,
    read_setting,
)

_NAMESPACES = "mount, PID, UTS, IPC and network namespaces"
_PROCESS = "a process in them"
_OWN_PROC = "a /proc of its own"
_BINFMT = "a binfmt_misc of its own"


@dataclass(frozen=True)
class Tried:
    """The errno of each thing that was refused: one of the required, or some of the others."""

    refusals: dict[str, int]

    def error(self, thing: str) -> OSError | None:
        """The refusal of ``thing``; None: it was given."""
        number = self.refusals.get(thing)
        return OSError(number, os.strerror(number)) if number else None

    @property
    def own_binfmt(self) -> OSError | None:
        """The refusal of a binfmt_misc in a user namespace, as before Linux 6.7."""
        return self.error(_BINFMT)

    @property
    def is_refused(self) -> bool:
        """Whether something is refused without which no build is possible."""
        return any(thing not in (_OWN_PROC, _BINFMT) for thing in self.refusals)


def try_namespaces() -> Tried:
    """Make in a child what a build makes, and record what is refused."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.close(reader)
            try:
                refusals = _try_all()
            except OSError as error:
                refusals = {_PROCESS: error.errno or errno.EPERM}
            os.write(writer, json.dumps(refusals).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        said = answer.read()
    os.waitpid(child, 0)
    return Tried(json.loads(said or b"{}"))


def check_namespaces(tried: Tried) -> str:
    """What was given.

    :raises HostError: naming what forbids what was not
    """
    for thing in tried.refusals:
        error = tried.error(thing)
        if error and thing not in (_OWN_PROC, _BINFMT):
            raise explain(thing, error)
    covered = "; the host's /proc serves" if tried.error(_OWN_PROC) else ""
    return f"user, {_NAMESPACES}, tmpfs{covered}"


def check_apparmor(tried: Tried, program: Path, setting: Setting = read_setting) -> str:
    """How AppArmor treats the user namespaces of ordinary users.

    :raises HostError: when it forbids them to ``program``, with the profile that allows them
    """
    if not apparmor_restricts(setting):
        return "does not restrict user namespaces"
    if not tried.is_refused:
        return f"restricts user namespaces, but not those of {program}"
    raise HostError(f"{RESTRICTION} is 1", hint=allow_in_apparmor(program))


def _try_all() -> dict[str, int]:
    refusals: dict[str, int] = {}
    required: tuple[tuple[str, Callable[[], None]], ...] = (
        ("a user namespace", _enter_user_namespace),
        (_NAMESPACES, _enter_namespaces),
        ("a mount tree of its own", _own_mounts),
        ("a tmpfs", _mount_tmpfs),
    )
    for thing, step in required:
        try:
            step()
        except OSError as error:
            return {thing: error.errno or errno.EPERM}
    reader, writer = os.pipe()
    if not os.fork():  # the first one in the PID namespace, whose /proc can be mounted
        for thing, step in ((_BINFMT, _mount_binfmt), (_OWN_PROC, _mount_proc)):
            try:
                step()
            except OSError as error:
                refusals[thing] = error.errno or errno.EPERM
        os.write(writer, json.dumps(refusals).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        return dict(json.loads(answer.read() or b"{}"))


def _enter_user_namespace() -> None:
    uid, gid = os.geteuid(), os.getegid()
    syscalls.unshare(syscalls.CLONE_NEWUSER)
    with suppress(PermissionError):  # root in a namespace that may not set groups
        Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
    Path("/proc/self/gid_map").write_text(f"0 {gid} 1")


def _enter_namespaces() -> None:
    syscalls.unshare(
        syscalls.CLONE_NEWNS
        | syscalls.CLONE_NEWPID
        | syscalls.CLONE_NEWUTS
        | syscalls.CLONE_NEWIPC
        | syscalls.CLONE_NEWNET
    )


def _own_mounts() -> None:
    syscalls.mount(None, "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)


def _mount_tmpfs() -> None:
    syscalls.mount("tmpfs", mounts.RUN, "tmpfs")


def _mount_binfmt() -> None:
    place = mounts.RUN / "binfmt_misc"
    place.mkdir()
    syscalls.mount("binfmt_misc", place, "binfmt_misc")
    (place / "register").stat()


def _mount_proc() -> None:
    place = mounts.RUN / "proc"
    place.mkdir()
    syscalls.mount("proc", place, "proc")

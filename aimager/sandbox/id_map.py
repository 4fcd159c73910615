"""The user and group ids that a user namespace has, and how a process is given them.

A root file system has files of many owners, so one id is never enough: besides the user's own,
which becomes 0, come the subordinate ids that /etc/subuid and /etc/subgid grant (subuid(5)),
written by the set-uid programs newuidmap(1) and newgidmap(1). Root writes the map itself.
See user_namespaces(7), "User and group ID mappings".
"""

import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from aimager.errors import HostError

ENOUGH = 65535
"""Ids needed besides 0, so that ``nobody`` (65534) and 65535 exist."""

_FIRST_SUBORDINATE = 100000  # SUB_UID_MIN of login.defs(5)

_PACKAGES = (
    "install the package with newuidmap and newgidmap: uidmap on Debian and Ubuntu, "
    "shadow on Arch Linux, shadow-utils on Fedora"
)

NO_NEW = "this session runs with no_new_privs, which takes set-uid away: build outside of it"


@dataclass(frozen=True)
class Extent:
    """One line of uid_map: ``count`` ids from ``inside`` on are those from ``outside`` on."""

    inside: int
    outside: int
    count: int

    def __str__(self) -> str:
        return f"{self.inside} {self.outside} {self.count}"


def subordinate_ranges(text: str, owners: Iterable[str]) -> tuple[tuple[int, int], ...]:
    """The (start, count) ranges that lines of /etc/subuid grant any of ``owners``."""
    wanted = set(owners)
    ranges = []
    for line in text.splitlines():
        match line.split(":"):
            case [owner, start, count] if start.isdigit() and count.strip().isdigit():
                if owner in wanted:
                    ranges.append((int(start), int(count)))
    return tuple(dict.fromkeys(ranges))


def subordinate_map(own: int, ranges: Iterable[tuple[int, int]]) -> tuple[Extent, ...]:
    """0 is ``own``; 1 and on are the ranges, one after the other."""
    extents = [Extent(0, own, 1)]
    inside = 1
    for start, count in ranges:
        extents.append(Extent(inside, start, count))
        inside += count
    return tuple(extents)


def identity_map(uid_map: str) -> tuple[Extent, ...]:
    """The map that keeps every id of a namespace whose /proc/self/uid_map is ``uid_map``.

    Extent for extent, as the kernel refuses one that spans two of its parent's.
    """
    lines = (line.split() for line in uid_map.splitlines())
    return tuple(Extent(int(inside), int(inside), int(count)) for inside, _, count in lines)


def write_maps(pid: int) -> None:
    """Map the ids of the new user namespace of process ``pid``.

    :raises HostError: when this user has too few ids, or may not map them
    """
    if os.geteuid() == 0:
        for kind in ("uid", "gid"):
            _write_own_map(pid, kind)
    else:
        for kind in ("uid", "gid"):
            _write_subordinate_map(pid, kind)


def own_map(kind: str) -> tuple[Extent, ...]:
    """The map that root writes: all ids of ``kind``, uid or gid, that it has.

    :raises HostError: when they are too few
    """
    extents = identity_map(Path(f"/proc/self/{kind}_map").read_text())
    count = sum(extent.count for extent in extents if extent.inside <= ENOUGH)
    if count <= ENOUGH:
        raise HostError(
            f"root has only {count} {kind}s here, and a root file system needs {ENOUGH + 1}",
            hint="start the container with a map of at least 65536 ids, or build outside of it",
        )
    return extents


def _write_own_map(pid: int, kind: str) -> None:
    extents = own_map(kind)
    try:
        Path(f"/proc/{pid}/{kind}_map").write_text("".join(f"{e}\n" for e in extents))
    except OSError as error:
        raise HostError(
            f"the kernel refused the {kind}_map of a user namespace: {error.strerror}",
            hint="root needs CAP_SETUID and CAP_SETGID: start the container with --privileged",
        ) from error


def _write_subordinate_map(pid: int, kind: str) -> None:
    own = os.geteuid() if kind == "uid" else os.getegid()
    ranges = granted(kind)
    program = find_map_program(f"new{kind}map")
    words = [word for e in subordinate_map(own, ranges) for word in str(e).split()]
    done = subprocess.run(
        [program, str(pid), *words], capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        raise HostError(
            f"{program} could not map the ids of /etc/sub{kind}: {done.stderr.strip()}",
            hint=_refused_hint(kind),
        )


def _refused_hint(kind: str) -> str:
    if "NoNewPrivs:\t1" in Path("/proc/self/status").read_text():
        return NO_NEW
    return f"look for ranges in /etc/sub{kind} that overlap, and for a nosuid mount option on /usr"


def granted(kind: str) -> tuple[tuple[int, int], ...]:
    """This user's ranges in /etc/subuid or /etc/subgid, found to be enough.

    :raises HostError: when they are not
    """
    uid = os.geteuid()
    try:
        user = pwd.getpwuid(uid).pw_name
    except KeyError:
        user = str(uid)
    path = Path(f"/etc/sub{kind}")
    ranges = subordinate_ranges(_read(path), (user, str(uid)))
    count = sum(count for _, count in ranges)
    if count >= ENOUGH:
        return ranges
    message = f"{path} grants {user} " + (f"only {count} ids" if ranges else "no ids")
    start = _first_free()
    span = f"{start}-{start + 65535}"
    raise HostError(
        f"{message}, and a root file system needs {ENOUGH}",
        hint=f"as root: usermod --add-subuids {span} --add-subgids {span} {user}, which adds the"
        f" line {user}:{start}:65536 to /etc/subuid and /etc/subgid",
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace") if path.is_file() else ""
    except PermissionError as error:
        raise HostError(
            f"{path} cannot be read: {error.strerror}", hint=f"as root: chmod a+r {path}"
        ) from error


def _first_free() -> int:
    """The first id after all that are granted to anyone."""
    free = _FIRST_SUBORDINATE
    for path in (Path("/etc/subuid"), Path("/etc/subgid")):
        for line in _read(path).split("\n"):
            for start, count in subordinate_ranges(line, (line.split(":")[0],)):
                free = max(free, start + count)
    return free


def find_map_program(name: str) -> str:
    """The path of newuidmap or newgidmap.

    :raises HostError: when it is not installed, or has not the rights that it needs
    """
    found = shutil.which(name)
    if found is None:
        raise HostError(f"{name} is not installed", hint=_PACKAGES)
    status = Path(found).stat()
    if not (status.st_mode & stat.S_ISUID and status.st_uid == 0) and not _has_capabilities(found):
        raise HostError(
            f"{found} is neither set-uid root nor has file capabilities",
            hint=f"as root: chmod u+s {found}, or install its package again",
        )
    return found


def _has_capabilities(path: str) -> bool:
    try:
        return bool(os.getxattr(path, "security.capability"))
    except OSError:
        return False

"""Trees that are passed on from call to call, and what is left of them."""

import io
import os
import socket
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from aimager.archive import pack_tree, unpack_tree
from aimager.files import sha256
from aimager.sandbox import kept_tmpfs
from aimager.sandbox.kept_tmpfs import mount_new
from aimager.sandbox.settled_tree import settle
from aimager.system.laid_system import Room
from aimager.system.space import Space
from aimager.toolbox import Toolbox
from aimager.trees import walk_tree

MIB = 1 << 20
EPOCH = 1_000_000_000


@dataclass(frozen=True)
class Laying:
    """An archive whose tree is laid in a room of ``size`` bytes, and changed."""

    archive: Path
    work: Path
    size: int | None = MIB
    needed: int = MIB
    beside: str = ""
    killed: bool = False


def pass_tree(laying: Laying) -> None:
    """Make a tree with one file, and pass it on as what the archive holds."""
    room = Room(laying.work / "system", Space(laying.needed, laying.size))
    room.root.mkdir()
    (room.root / "passed").touch()
    if laying.beside:
        (room.folder / laying.beside).touch()
    room.pass_on(laying.archive)


def lay_tree(laying: Laying) -> list[str]:
    """What the tree holds, to which a file is added then."""
    room = Room(laying.work / "system", Space(laying.needed, laying.size), [laying.archive])
    room.lay(Toolbox(None, io.BytesIO()), of="the system")
    found = sorted(path.name for path in room.root.iterdir())
    (room.root / "added").touch()
    if laying.killed:
        os._exit(9)
    return found


def change_aside(laying: Laying) -> list[str]:
    """What the tree holds, to which a file is added at another place, and what that then shows."""
    room = Room(laying.work / "system", Space(laying.needed, laying.size), [laying.archive])
    room.lay(Toolbox(None, io.BytesIO()), of="the system")
    found = sorted(path.name for path in room.root.iterdir())
    overlay = room.overlay()
    if overlay is None:
        return [*found, "no overlay"]
    (overlay.merged / "added").touch()
    found += sorted(path.name for path in overlay.merged.iterdir())
    if laying.killed:
        os._exit(9)
    return found


def take_twice(name: str) -> list[bool]:
    """Whether the tree ``name`` is there, and is there again."""
    return [kept_tmpfs.take_tree(name, Path("/run/trees", str(time))) for time in range(2)]


@dataclass(frozen=True)
class Compared:
    """What two trees are, path by path."""

    settled: list[str]
    unpacked: list[str]


def compare(work: Path) -> Compared:
    """Settle a tree of all kinds of files, and what its archive unpacks to."""
    made, unpacked, archive = work / "made", work / "unpacked", work / "tree.tar"
    for folder in (made, unpacked):
        mount_new(folder, size=64 * MIB)
    fill(made)
    tools = Toolbox(None, io.BytesIO())
    settle(made, EPOCH)
    settled = list(described(made))
    pack_tree(tools, made, archive, epoch=EPOCH)
    unpack_tree(tools, archive, unpacked)
    settle(unpacked)
    return Compared(settled, list(described(unpacked)))


def count_renames(work: Path) -> list[int]:
    """How many names are changed when a tree is settled, and when it is once more."""
    made, counts = work / "made", []
    mount_new(made, size=64 * MIB)
    fill(made)
    for _ in range(2):
        with mock.patch("os.rename", wraps=os.rename) as rename:
            settle(made, EPOCH)
        counts.append(rename.call_count)
    return counts


def fill(top: Path) -> None:
    """Names in no order, links of both kinds, holes, sockets, late and odd times."""
    for name in ("zeta", "alpha", "midway", ".hidden", "Ümlaut", ".0.aside", "10", "9"):
        (top / name).write_text(name)
    for folder in ("b/deep/er", "a", "empty"):
        (top / folder).mkdir(parents=True)
    for number in (5, 3, 9, 1):
        (top / "b/deep" / f"file{number}").symlink_to(f"/absolute/{number}")
        (top / "b/deep/er" / f"up{number}").symlink_to(f"../../up/{number}")
    for number in range(2):
        for folder, names in (("forward", "xyz"), ("backward", "zyx")):
            (top / f"{folder}{number}").mkdir()
            for name in names:
                (top / f"{folder}{number}" / name).touch()
    os.link(top / "zeta", top / "a/first")
    os.link(top / "zeta", top / "second")
    with (top / "holes").open("wb") as stream:
        stream.seek(3 * MIB)
        stream.write(b"amid")
        stream.truncate(5 * MIB + 1)
    (top / "privileged").write_bytes(b"begins")
    os.truncate(top / "privileged", 200_000)
    os.chmod(top / "privileged", 0o6755)  # noqa: PTH101
    capability = bytes.fromhex("0100000200040000" + "0" * 24)
    os.setxattr(top / "privileged", "security.capability", capability)
    (top / "allocated").touch()
    with (top / "allocated").open("r+b") as stream:
        os.posix_fallocate(stream.fileno(), 0, 50_000)
        os.pwrite(stream.fileno(), b"amid", 20_000)
    (top / "hole").touch()
    os.truncate(top / "hole", 100_000)
    os.mkfifo(top / "pipe")
    place = os.open(top, os.O_PATH | os.O_DIRECTORY)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"/proc/self/fd/{place}/socket")  # its path may be too long for one
    os.close(place)
    os.chmod(top / "a", 0o2755)  # noqa: PTH101
    os.setxattr(top / "alpha", "security.capability", bytes.fromhex("0100000200040000" + "0" * 24))
    os.chown(top / "midway", 1, 2)
    for path, time in ((top / "9", EPOCH - 1), (top / "10", EPOCH + 5), (top / "a", EPOCH - 9)):
        os.utime(path, ns=(time * 10**9, time * 10**9 + 123_456_789))


def described(top: Path) -> Iterator[str]:
    """All below a folder as programs find it, in the order in which they do, and its top."""
    first: dict[int, str] = {}
    for entry in walk_tree(top):
        yield _one(entry.name, entry.status(), first, f"/proc/self/fd/{entry.folder}/{entry.name}")
    yield _one(".", top.stat(), first, str(top))


def _one(name: str, status: os.stat_result, first: dict[int, str], path: str) -> str:
    kind = stat.filemode(status.st_mode)
    names = os.listxattr(path, follow_symlinks=False)
    kept = {n: os.getxattr(path, n, follow_symlinks=False) for n in names if "selinux" not in n}
    blocks = 0 if stat.S_ISDIR(status.st_mode) else status.st_blocks
    target = Path(path).readlink() if stat.S_ISLNK(status.st_mode) else ""
    is_file = stat.S_ISREG(status.st_mode)
    content = sha256(Path(path)) if is_file else ""
    holes = _first_hole(Path(path)) if is_file and status.st_size else ""
    same = first.setdefault(status.st_ino, name)
    owner = f"{status.st_uid}:{status.st_gid}"
    found = (name, kind, owner, status.st_mtime_ns, blocks, target, content, kept, holes, same)
    return " ".join(map(str, found))


def _first_hole(path: Path) -> int:
    """Where it begins, at the latest at the end of the file (lseek(2))."""
    with path.open("rb") as stream:
        return os.lseek(stream.fileno(), 0, os.SEEK_HOLE)

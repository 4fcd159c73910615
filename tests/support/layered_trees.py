"""Trees that are changed in all ways, and what comes of them by a root archive and layers."""

import inspect
import io
import mmap
import os
import random
import shutil
import socket
import struct
import tarfile
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from aimager.archive import pack_members, pack_tree
from aimager.sandbox import syscalls
from aimager.sandbox.kept_tmpfs import mount_new
from aimager.sandbox.settled_tree import settle
from aimager.sandbox.tree import Tree
from aimager.system.layers import Growing, lay_layers, pack_layer, whole_layer
from aimager.toolbox import Toolbox
from tests.support.passed_trees import EPOCH, MIB, Compared, described, fill

CAPABILITY = bytes.fromhex("0100000200040000" + "0" * 24)
ACL = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", tag, 7, who)
    for tag, who in ((1, 2**32 - 1), (2, 3), (4, 2**32 - 1), (16, 2**32 - 1), (32, 2**32 - 1))
)
"""An access control list of linux/posix_acl_xattr.h: user 3 may do all, too."""


@dataclass(frozen=True)
class Layering:
    """``work`` is a folder, and ``seed`` tells which changes are made, 0 all kinds that we know."""

    work: Path
    seed: int = 0
    whole: bool = False
    unwatched: bool = False


def compare_layered(asked: Layering) -> Compared:
    """Change a tree twice, and lay its archive and the two layers: what both are."""
    made, laid = asked.work / "made/root", asked.work / "laid/root"
    for folder in (made, laid):
        mount_new(folder.parent, size=64 * MIB)
        folder.mkdir()
    changes = (change, change_again) if not asked.seed else (_random(asked.seed), _random(-1))
    refusing = patch.object(syscalls, "inotify_add_watch", side_effect=OSError(28, "No space"))
    with refusing if asked.unwatched else nullcontext():
        return _layered(asked, made, laid, fill, changes)


def link_in_place(work: Path) -> Compared:
    """A folder with others in it becomes a link to where there are some of the same names."""
    made, laid = work / "made/root", work / "laid/root"
    for folder in (made, laid):
        mount_new(folder.parent, size=64 * MIB)
        folder.mkdir()

    def begin(top: Path) -> None:
        for path in ("a/b/f", "z/tar/f", "usr/bin/tar/f"):
            (top / path).parent.mkdir(parents=True)
            (top / path).touch()

    def relative(top: Path) -> None:
        (top / "a").rename(top / "c")
        (top / "a").symlink_to("c")

    def absolute(top: Path) -> None:
        shutil.rmtree(top / "z")
        (top / "z").symlink_to("/usr/bin")

    return _layered(Layering(work), made, laid, begin, (relative, absolute))


def _layered(
    asked: Layering,
    made: Path,
    laid: Path,
    begin: Callable[[Path], None],
    changes: Sequence[Callable[[Path], None]],
) -> Compared:
    tools, archives = Toolbox(None, io.BytesIO()), [asked.work / "base.tar"]
    begin(made)
    settle(made, EPOCH)
    pack_tree(tools, made, archives[0], epoch=EPOCH)
    for number, step in enumerate(changes, start=1):
        tree = Tree(made)
        growing = Growing(tree)
        step(made)
        layer = growing.end()
        if asked.whole:
            layer = whole_layer(tree)
        settle(made, EPOCH + number)
        archives.append(asked.work / f"{number}.tar.zst")
        pack_layer(tools, tree, layer, archives[-1], epoch=EPOCH + number)
    lay_layers(tools, archives, laid)
    settle(laid)
    return Compared(list(described(made)), list(described(laid)))


def change(top: Path) -> None:
    """Files that become folders, links and the other way round; links, attributes and times."""
    (top / "10").unlink()
    (top / "10").mkdir()
    (top / "10/new").write_text("new")
    shutil.rmtree(top / "empty")
    (top / "empty").symlink_to("b")
    (top / "b/deep/file5").unlink()
    (top / "b/deep/file5").write_text("was a link")
    (top / "second").unlink()
    os.link(top / "alpha", top / "b/of alpha")
    (top / "b/deep/er").rename(top / "moved")
    (top / "holes").rename(top / "moved/holes")
    status = (top / "9").stat()
    (top / "9").write_text("8")
    os.utime(top / "9", ns=(status.st_atime_ns, status.st_mtime_ns))
    (top / ".hidden").chmod(0o4711)
    os.chown(top / "midway", 5, 6)
    os.removexattr(top / "privileged", "security.capability")
    os.setxattr(top / "b", "user.first", b"1")
    os.setxattr(top / "b", "system.posix_acl_default", ACL)
    os.setxattr(top / "a", "system.posix_acl_access", ACL)
    times = (top / "b/deep").stat()
    (top / "b/deep/passing").touch()
    (top / "b/deep/passing").unlink()
    os.utime(top / "b/deep", ns=(times.st_atime_ns, times.st_mtime_ns))
    with (top / "a hole").open("wb") as stream:
        stream.truncate(MIB + 1)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(top / "new socket"))
    for name in ("layer.json", "-C", "--null", "line\nbreak", "\udcff", ".wh.9", "*", "b\\n"):
        (top / name).write_text(name.encode(errors="surrogateescape").hex())
    write_untold(top / "allocated")
    top.chmod(0o711)


def write_untold(path: Path) -> None:
    """Write to a file through a mapping, which leaves no time in a tmpfs."""
    with path.open("r+b") as stream, mmap.mmap(stream.fileno(), 0) as mapped:
        assert len(mapped[0:1]) == 1
        mapped[0:1] = b"!"


def change_again(top: Path) -> None:
    """What the layer before made is changed, and taken back."""
    os.removexattr(top / "b", "user.first")
    os.removexattr(top / "b", "system.posix_acl_default")
    shutil.rmtree(top / "10")
    (top / "10").write_text("a file again")
    (top / "empty").unlink()
    (top / "empty").mkdir()
    (top / "layer.json").unlink()
    os.link(top / "zeta", top / "third")
    (top / "a/first").write_text("written by another name")
    (top / "moved").rename(top / "b/deep/er")


def _random(seed: int) -> Callable[[Path], None]:
    chance = random.Random(seed)

    def step(top: Path) -> None:
        for _ in range(60):
            _once(top, chance)

    return step


@dataclass(frozen=True)
class _Chance:
    """What may be changed: ``one`` that is there, and ``new``, which may be there."""

    random: random.Random
    top: Path
    one: Path
    new: Path

    @property
    def is_folder(self) -> bool:
        return _is_folder(self.one)

    @property
    def is_file(self) -> bool:
        return self.one.is_file() and not self.one.is_symlink()

    def write(self) -> None:
        if not self.new.is_dir():
            self.new.unlink(missing_ok=True)
            self.new.write_bytes(self.random.randbytes(self.random.randrange(3)))

    def make_folder(self) -> None:
        self.new.mkdir(exist_ok=self.new.is_dir())

    def link(self) -> None:
        where = (self.one.name, f"/{self.one.relative_to(self.top)}", f"../{self.one.name}", "..")
        self.new.symlink_to(self.random.choice(where))

    def link_hard(self) -> None:
        if self.is_file:
            os.link(self.one, self.new)

    def move(self) -> None:
        self.one.rename(self.new)

    def leave_link(self) -> None:
        self.one.rename(self.new)
        where = (self.new.name, f"/{self.new.relative_to(self.top)}", f"../{self.new.name}")
        self.one.symlink_to(self.random.choice(where))

    def remove(self) -> None:
        if self.is_folder and self.one != self.top:
            shutil.rmtree(self.one)
        elif not self.is_folder:
            self.one.unlink()

    def set_mode(self) -> None:
        if not self.one.is_symlink():
            self.one.chmod(self.random.choice([0o700, 0o755, 0o2755, 0o4755, 0]))

    def set_time(self) -> None:
        times = 1, self.random.randrange(2 * EPOCH) * 10**9
        os.utime(self.one, ns=times, follow_symlinks=False)

    def set_owner(self) -> None:
        owner = self.random.randrange(9), self.random.randrange(9)
        os.chown(self.one, *owner, follow_symlinks=False)

    def set_list(self) -> None:
        if self.is_folder:
            os.setxattr(self.one, f"system.posix_acl_{self.random.choice(_LISTS)}", ACL)

    def set_attribute(self) -> None:
        if self.is_file:
            name = self.random.choice(("user.a", "security.capability"))
            os.setxattr(self.one, name, CAPABILITY)

    def strip(self) -> None:
        for name in os.listxattr(self.one) if self.is_folder else ():
            os.removexattr(self.one, name)


_LISTS = ("default", "access")
_CHANGES = [
    value
    for name, value in vars(_Chance).items()
    if not name.startswith("_") and inspect.isfunction(value)
]


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _once(top: Path, chance: random.Random) -> None:
    """Try one change. The system refuses some, such as a name that is taken."""
    there = sorted(top.rglob("*"))
    folder = chance.choice([top, *filter(_is_folder, there)])
    one, new = chance.choice([top, *there]), folder / f"n{chance.randrange(8)}"
    with suppress(OSError):
        chance.choice(_CHANGES)(_Chance(chance, top, one, new))


@dataclass(frozen=True)
class Odd:
    """A layer that is a ``.tar`` of one file, with a link below it that leads out of the root."""

    work: Path
    name: str
    content: str


def lay_odd(odd: Odd) -> bool:
    """Whether a file that lies beside the root is still there."""
    root, outside = odd.work / "root", odd.work / "outside"
    outside.mkdir()
    (outside / "file").touch()
    with tarfile.open(odd.work / "base.tar", "w") as base:
        link = tarfile.TarInfo("./link")
        link.type, link.linkname = tarfile.SYMTYPE, str(outside)
        base.addfile(link)
    archives = [odd.work / "base.tar", odd.work / "layer.tar"]
    archives[1].write_bytes(pack_members([(odd.name, odd.content.encode())]))
    lay_layers(Toolbox(None, None), archives, root)
    return (outside / "file").exists()

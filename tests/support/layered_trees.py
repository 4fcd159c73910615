"""Trees that are changed in all ways, and what comes of them by a root archive and layers."""

import io
import mmap
import os
import random
import shutil
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aimager.archive import pack_tree
from aimager.sandbox.kept_tmpfs import mount_new
from aimager.sandbox.settled_tree import settle
from aimager.sandbox.tree import Tree
from aimager.system.layers import Growing, lay_layers, pack_layer
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


def compare_layered(asked: Layering) -> Compared:
    """Change a tree twice, and lay its archive and the two layers: what both are."""
    made, laid = asked.work / "made/root", asked.work / "laid/root"
    for folder in (made, laid):
        mount_new(folder.parent, size=64 * MIB)
        folder.mkdir()
    tools, archives = Toolbox(None, io.BytesIO()), [asked.work / "base.tar"]
    fill(made)
    settle(made, EPOCH)
    pack_tree(tools, made, archives[0], epoch=EPOCH)
    changes = (change, change_again) if not asked.seed else (_random(asked.seed), _random(-1))
    for number, step in enumerate(changes, start=1):
        tree = Tree(made)
        growing = Growing(tree, on_others=not asked.whole)
        step(made)
        layer = growing.end()
        assert growing.is_complete
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


def _once(top: Path, chance: random.Random) -> None:
    folders = [top, *(p for p in sorted(top.rglob("*")) if p.is_dir() and not p.is_symlink())]
    there = sorted(p for p in top.rglob("*"))
    folder, one = chance.choice(folders), chance.choice(there) if there else top
    new = folder / f"n{chance.randrange(8)}"
    is_folder = one.is_dir() and not one.is_symlink()
    match chance.randrange(9):
        case 0 if not new.is_dir():
            new.unlink(missing_ok=True)
            new.write_bytes(chance.randbytes(chance.randrange(3)))
        case 1 if not os.path.lexists(new):
            new.mkdir()
        case 2 if not os.path.lexists(new):
            new.symlink_to(one.name)
        case 3 if not os.path.lexists(new) and one.is_file() and not one.is_symlink():
            os.link(one, new)
        case 4 if not os.path.lexists(new) and not folder.is_relative_to(one):
            one.rename(new)
        case 5 if is_folder and one != top:
            shutil.rmtree(one)
        case 6 if not is_folder and one != top:
            one.unlink()
        case 7 if not one.is_symlink():
            one.chmod(chance.choice([0o700, 0o755, 0o4755]))
        case 8:
            os.utime(one, ns=(1, chance.randrange(2 * EPOCH) * 10**9), follow_symlinks=False)

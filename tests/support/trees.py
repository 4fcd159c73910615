"""Trees with all that an image must keep, and functions over them that run in a namespace."""

import os
import struct
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aimager import archive, files
from aimager.errors import CommandError
from aimager.image.disk import begin_disk, place_part
from aimager.image.filesystem.ext4 import make_ext4
from aimager.model.layout import Extent
from aimager.sandbox.chroot import Chroot
from aimager.sandbox.tree import Tree
from aimager.toolbox import Toolbox

EPOCH = 1700000000
UUID = "12345678-1234-8234-8234-123456789abc"
TOOLS = Toolbox(None)

CAPABILITY = struct.pack("<5I", 0x02000001, 1 << 13, 0, 0, 0)
"""cap_net_raw=ep, struct vfs_cap_data of linux/capability.h."""

ACL = struct.pack("<I" + "HHI" * 5, 2, *(1, 7, ~0 & 0xFFFFFFFF), *(2, 5, 190),
                  *(4, 5, 0xFFFFFFFF), *(0x10, 7, 0xFFFFFFFF), *(0x20, 5, 0xFFFFFFFF))  # fmt: skip
"""u::rwx,u:190:r-x,g::r-x,m::rwx,o::r-x, struct posix_acl_xattr_header and its entries."""


def make_disk(
    image: Path,
    script: str,
    parts: Sequence[tuple[Extent, Path]],
    *,
    size: int,
    base: Path | None = None,
) -> None:
    """A whole disk at once."""
    begin_disk(TOOLS, image, script, [extent for extent, _ in parts], size=size, base=base)
    for extent, part in parts:
        place_part(image, extent, part)


@dataclass(frozen=True)
class Variant:
    """A place for two trees that differ in nothing that an image shows."""

    work: Path
    umask: int = 0o022
    zone: str = "UTC"
    reverse: bool = False


def make_tree(top: Path, *, reverse: bool = False) -> None:
    """A small root: owners, links, a capability, access lists, long names, new and old times."""
    top.mkdir(parents=True)
    made = [*(f"usr/share/doc/{number:03}" for number in range(150)), "usr/bin/ping", "etc/shadow"]
    for name in reversed(made) if reverse else made:
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name * 40)
        path.chmod(0o644)
    (top / "usr/share" / ("long" * 60)).write_bytes(b"x" * 5000)
    (top / "usr/share" / ("long" * 60)).chmod(0o600)
    (top / "zeros").write_bytes(bytes(100_000))
    (top / "zeros").chmod(0o644)
    (top / "usr/bin/ping").chmod(0o4755)
    os.setxattr(top / "usr/bin/ping", "security.capability", CAPABILITY)
    os.link(top / "usr/bin/ping", top / "usr/bin/ping6")
    (top / "bin").symlink_to("usr/bin")
    (top / "etc/long").symlink_to("/" + "target/" * 30)
    (top / "var/log/journal").mkdir(parents=True)
    os.setxattr(top / "var/log/journal", "system.posix_acl_default", ACL)
    (top / "var/log/journal/inherits").write_text("")
    os.chown(top / "etc/shadow", 3, 11)
    (top / "tmp").mkdir()
    (top / "tmp/excluded").write_text("by pack_twice")
    (top / "tmp/excluded").chmod(0o644)
    for folder in [top, *(path for path in top.rglob("*") if path.is_dir())]:
        folder.chmod(0o755)
    os.utime(top / "etc/shadow", (1, EPOCH - 1000))


def _two(variant: Variant, first: str, second: str) -> tuple[Path, Path]:
    """The same tree twice, the second in other surroundings."""
    make_tree(variant.work / first)
    os.umask(variant.umask)
    os.environ["TZ"] = variant.zone
    make_tree(variant.work / second, reverse=variant.reverse)
    return variant.work / first, variant.work / second


def pack_twice(variant: Variant) -> list[str]:
    """The archive of two equal trees, and that of the first unpacked, packed by one thread."""
    sums = []
    one, two = _two(variant, "one", "deep/er/two")
    target = variant.work / "archive.tar.zst"
    for tree in (one, two):
        archive.pack_tree(TOOLS, tree, target, epoch=EPOCH, exclude=("tmp/*",))
        sums.append(files.sha256(target))
    again = variant.work / "again"
    archive.unpack_tree(TOOLS, target, again)
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    archive.pack_tree(TOOLS, again, target, epoch=EPOCH)
    assert (again / "tmp").is_dir()
    assert not list((again / "tmp").iterdir())
    assert os.getxattr(again / "usr/bin/ping", "security.capability") == CAPABILITY
    assert os.getxattr(again / "var/log/journal", "system.posix_acl_default") == ACL
    assert (again / "usr/bin/ping").stat().st_nlink == 2
    assert (again / "usr/bin/ping").stat().st_mode & 0o7777 == 0o4755
    assert (again / "etc/shadow").stat().st_uid == 3
    assert (again / "etc/shadow").stat().st_gid == 11
    assert (again / "etc/shadow").stat().st_mtime == EPOCH - 1000
    assert again.stat().st_mtime == EPOCH
    return [*sums, files.sha256(target)]


def make_ext4_twice(variant: Variant) -> list[str]:
    """The ext4 images of two equal trees, checked by fsck.ext4 and looked into by debugfs."""
    sums = []
    for tree in _two(variant, "one", "deep/er/two"):
        image = variant.work / f"{tree.name}.img"
        make_ext4(TOOLS, tree, image, size=None, uuid=UUID, label="root", epoch=EPOCH)
        check_ext4(image)
        sums.append(files.sha256(image))
    shown = debugfs(image, "stat /usr/bin/ping")
    assert "security.capability (20) = 01 00 00 02 00 20 00 00" in shown
    assert "Links: 2" in shown
    assert shown.count(f"0x{EPOCH:08x}") == 4, shown
    shadow = debugfs(image, "stat /etc/shadow")
    assert "User:     3   Group:    11" in shadow
    assert f"mtime: 0x{EPOCH - 1000:08x}" in shadow
    assert "system.posix_acl_default" in debugfs(image, "ea_list /var/log/journal")
    return sums


def overwrite_in_use(variant: Variant) -> str:
    """What a tar that fails says."""
    make_tree(variant.work / "tree")
    target = variant.work / "archive.tar"
    archive.pack_tree(TOOLS, variant.work / "tree", target, epoch=EPOCH)
    (variant.work / "again/etc/shadow").mkdir(parents=True)
    (variant.work / "again/etc/shadow/full").write_text("")
    try:
        archive.unpack_tree(TOOLS, target, variant.work / "again")
    except CommandError as error:
        return str(error)
    return ""


def check_ext4(image: Path) -> None:
    """Have fsck.ext4 check ``image``, every pass of it."""
    argv = ["fsck.ext4", "-fn", str(image)]
    done = subprocess.run(argv, capture_output=True, text=True, env=_environment(), check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def debugfs(image: Path, command: str) -> str:
    """What debugfs answers to one command."""
    argv = ["debugfs", "-R", command, str(image)]
    return subprocess.run(
        argv, capture_output=True, text=True, env=_environment(), check=True
    ).stdout


def _environment() -> dict[str, str]:
    return {**os.environ, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBUGFS_PAGER": "__none__"}


def bare_chroot(root: Path) -> Chroot:
    """A root whose own folder is its /run, for what runs nothing in it.

    Where a trap is in its place, another is, as in a jail.
    """
    run = root / "run"
    if run.is_symlink() or (run.exists() and not run.is_dir()):
        run = root.parent / "work/run"
    run.mkdir(parents=True, exist_ok=True)
    return Chroot(Tree(root), Tree(run))

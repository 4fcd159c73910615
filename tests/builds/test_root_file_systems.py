"""btrfs, EROFS and SquashFS keep a root whole, pass their checkers, and are always the same."""

import io
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from aimager import files
from aimager.errors import HostError, ImageError
from aimager.image.filesystem import btrfs, used_blocks
from aimager.image.filesystem import erofs_squashfs as read_only_images
from aimager.model.layout import gaps
from aimager.model.partition import FileSystem, MiB, Partition, Role, Subvolume
from aimager.sandbox.borrowed_root import open_toolbox
from aimager.sandbox.namespace import call
from aimager.toolbox import Toolbox
from tests.support import tool_archive, trees

BTRFS = Partition(Role.root, FileSystem.btrfs)
SUBVOLUMES = (
    Subvolume("@", "/"),
    Subvolume("@log", "/var/log"),
    Subvolume("@j", "/var/log/journal"),
)


@dataclass(frozen=True)
class Job:
    """What to make, of what, and by which programs."""

    work: Path
    programs: Path
    partition: Partition
    size: int | None = None
    zone: str = "UTC"
    large: bool = False


@pytest.fixture(scope="session")
def programs(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive of the programs."""
    return tool_archive.make_archive(mirror, tmp_path_factory.mktemp("programs"))


def tools_of(job: Job) -> Toolbox:
    return open_toolbox(job.programs, job.work, io.BytesIO())


def make(job: Job, tools: Toolbox, name: str) -> Path:
    """An image of a tree of its own."""
    tree = job.work / name / "tree"
    trees.make_tree(tree)
    for path in (tree, *tree.rglob("*")):
        if path.name != "shadow":
            os.utime(path, (1, trees.EPOCH + 9), follow_symlinks=False)
    if job.large:
        (tree / "large").write_bytes(os.urandom(200 * MiB))
    image = job.work / f"{name}.img"
    read_only = job.partition.file_system.read_only
    function = read_only_images.make_read_only if read_only else btrfs.make_btrfs
    function(tools, job.partition, tree, image, size=job.size, uuid=trees.UUID, epoch=trees.EPOCH)
    return image


def make_twice(job: Job) -> list[str]:
    """The sums of two images of equal trees, which the file system's own checker has passed."""
    tools = tools_of(job)
    sums = []
    for name in ("one", "two"):
        image = make(job, tools, name)
        check(job, tools, image)
        sums.append(files.sha256(image))
        os.environ["TZ"] = job.zone
        os.umask(0o077)
    return sums


def check(job: Job, tools: Toolbox, image: Path) -> None:
    kind = job.partition.file_system
    if kind is FileSystem.btrfs:
        tools.run(["btrfs", "check", "--force", "--check-data-csum", image])
        spoil(tools, image)
        tools.run(["btrfs", "check", "--force", "--check-data-csum", image])
        check_btrfs(job, tools, image)
        return
    back = job.work / "back"
    subprocess.run(["rm", "-rf", back], check=True)
    if kind is FileSystem.erofs:
        tools.run(["fsck.erofs", f"--extract={back}", "--preserve", "--xattrs", image])
    else:
        tools.run(["unsquashfs", "-no-progress", "-strict-errors", "-d", back, image])
    if kind is FileSystem.erofs:
        shown = tools.run(["dump.erofs", "--path=/usr/bin/ping", image])
        assert re.search(r"Xattr size: [1-9]", shown)
        # fsck.erofs sets it before the owner, which removes it.
        os.setxattr(back / "usr/bin/ping", "security.capability", trees.CAPABILITY)
    check_tree(back, acl=kind is FileSystem.erofs)
    assert (back / "usr/bin/ping").stat().st_mode & 0o7777 == 0o4755
    assert (back / "usr/bin/ping").samefile(back / "usr/bin/ping6")


def spoil(tools: Toolbox, image: Path) -> None:
    """Overwrite what is not in use, the image's bytes being kept aside."""
    used = used_blocks.used_extents(tools, image, FileSystem.btrfs)
    size = image.stat().st_size
    assert sum(extent.size for extent in used) < size // 10
    copy = image.with_suffix(".spoiled")
    files.copy_sparse(image, copy)
    with copy.open("r+b") as stream:
        for extent in gaps(used, size):
            stream.seek(extent.start)
            stream.write(b"\xa5" * min(extent.size, MiB))
    tools.run(["btrfs", "check", "--force", "--check-data-csum", copy])
    copy.unlink()


def check_btrfs(job: Job, tools: Toolbox, image: Path) -> None:
    listed = tools.run(["btrfs", "inspect-internal", "dump-tree", image])
    assert f"({trees.EPOCH + 9}" not in listed
    times = set(re.findall(r"[acmo]time (\d+)\.", listed))
    assert times == {"0", str(trees.EPOCH), str(trees.EPOCH - 1000)}
    assert "uid 3 gid 11" in listed
    assert "mode 104755" in listed  # which restore gives before the owner, and so loses
    assert "links 2" in listed
    back = job.work / "back"
    subprocess.run(["rm", "-rf", back], check=True)
    back.mkdir()
    subvolumes = job.partition.subvolumes
    tools.run(["btrfs", "restore", "-mxS", image, back])
    check_tree(back / (subvolumes[0].name if subvolumes else ""), acl=not subvolumes)


def check_tree(back: Path, *, acl: bool) -> None:
    """Whether what was taken out of an image is what `trees.make_tree` made."""
    ping = back / "usr/bin/ping"
    assert os.getxattr(ping, "security.capability") == trees.CAPABILITY
    assert (back / "zeros").stat().st_mtime <= trees.EPOCH
    shadow = (back / "etc/shadow").stat()
    assert (shadow.st_uid, shadow.st_gid) == (3, 11)
    assert (back / "etc/shadow").read_text() == "etc/shadow" * 40
    assert (back / "zeros").read_bytes() == bytes(100_000)
    assert (back / "etc/long").readlink() == Path("/" + "target/" * 30)
    assert len(list((back / "usr/share/doc").iterdir())) == 150
    if acl:
        found = os.getxattr(back / "var/log/journal", "system.posix_acl_default")
        assert found == trees.ACL


@pytest.mark.parametrize(
    "partition",
    [
        BTRFS,
        Partition(Role.root, FileSystem.btrfs, compression="zstd:3"),
        Partition(Role.root, FileSystem.btrfs, subvolumes=SUBVOLUMES),
        Partition(Role.root, FileSystem.erofs),
        Partition(Role.root, FileSystem.erofs, compression="none"),
        Partition(Role.root, FileSystem.squashfs),
        Partition(Role.root, FileSystem.squashfs, compression="none"),
    ],
    ids=lambda p: f"{p.file_system}-{p.compression or len(p.subvolumes)}",
)
def test_equal_trees_have_equal_images(
    tmp_path: Path, programs: Path, partition: Partition
) -> None:
    job = Job(tmp_path / "work", programs, partition, zone="Asia/Tokyo")
    one, two = call(make_twice, job, work=job.work, reads=[job.programs], tmpfs=2 << 30)
    assert one == two


def say_too_small(job: Job) -> str:
    """What is said when the tree does not fit."""
    try:
        make(job, tools_of(job), "one")
    except ImageError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("kind", "size"),
    [(FileSystem.btrfs, 120 * MiB), (FileSystem.btrfs, MiB), (FileSystem.squashfs, 2048)],
)
def test_too_small_a_root_is_named(
    tmp_path: Path, programs: Path, kind: FileSystem, size: int
) -> None:
    partition = Partition(Role.root, kind)
    job = Job(tmp_path / "work", programs, partition, size, large=kind is FileSystem.btrfs)
    said = call(say_too_small, job, work=job.work, reads=[job.programs], tmpfs=2 << 30)
    assert re.match(r"the root file system needs \d+ MiB, but was given \d+ MiB", said)


def test_an_old_mkfs_btrfs_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = "mkfs.btrfs, part of btrfs-progs v6.2\n"
    monkeypatch.setattr(Toolbox, "run", lambda *_, **__: said)
    with pytest.raises(HostError, match=r"btrfs-progs v6\.2 is too old to make a root"):
        btrfs.make_btrfs(
            trees.TOOLS, BTRFS, tmp_path, tmp_path / "x", size=None, uuid=trees.UUID, epoch=1
        )


def test_what_is_no_btrfs(tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(bytes(MiB))
    with pytest.raises(ImageError, match="no btrfs"):
        used_blocks.used_extents(trees.TOOLS, tmp_path / "image", FileSystem.btrfs)

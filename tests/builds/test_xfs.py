"""XFS keeps a root whole, where xfsprogs is new enough to fill it; Debian's newest is."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from aimager import files, process
from aimager.errors import AimagerError, HostError, ImageError
from aimager.image.filesystem.xfs import make_xfs
from aimager.model.partition import FileSystem, Partition, Role
from aimager.sandbox.namespace import call
from aimager.toolbox import Toolbox
from tests.support import newer_debian, trees

ROOT = Partition(Role.root, FileSystem.xfs)


@dataclass(frozen=True)
class Job:
    """Where to work, and the folder of the programs."""

    work: Path
    programs: Path


@pytest.fixture(scope="module")
def programs(test_cache: Path) -> Path:
    """The folder of xfsprogs' programs."""
    try:
        root = newer_debian.unpack("sid", ["xfsprogs"], test_cache / "newer")
    except AimagerError as error:
        pytest.skip(f"there is no newer xfsprogs: {error}")
    for name in ("xfs_db", "xfs_repair", "mkfs.xfs"):
        path = newer_debian.make_runner(root, name)
    return path.parent


def tools_of(job: Job) -> Toolbox:
    process.ENVIRONMENT["PATH"] = f"{job.programs}:{process.ENVIRONMENT['PATH']}"
    return Toolbox(None)


def make(tools: Toolbox, tree: Path, image: Path, size: int | None = None) -> None:
    make_xfs(tools, ROOT, tree, image, size=size, uuid=trees.UUID, epoch=trees.EPOCH)


def make_twice(job: Job) -> list[str]:
    """The sums of two images of equal trees, and what xfs_db tells of the second."""
    tools = tools_of(job)
    said = []
    for name in ("one", "two"):
        tree, image = job.work / name, job.work / f"{name}.img"
        trees.make_tree(tree)
        for path in (tree, *tree.rglob("*")):
            if path.name != "shadow":
                os.utime(path, (1, trees.EPOCH), follow_symlinks=False)
        make(tools, tree, image)
        tools.run(["xfs_repair", "-n", "-f", image])
        said.append(files.sha256(image))
        os.umask(0o077)
        os.environ["TZ"] = "Asia/Tokyo"
    for inner in ("etc/shadow", "usr/bin/ping", "var/log/journal"):
        words = [f"path /{inner}", "print core.mode core.uid core.gid core.nlinkv2 core.mtime.sec"]
        commands = [word for command in (*words, "print a") for word in ("-c", command)]
        said.append(tools.run(["xfs_db", "-r", "-f", *commands, image]))
    return said


def test_a_root_is_kept_whole_but_for_access_control_lists(tmp_path: Path, programs: Path) -> None:
    job = Job(tmp_path / "work", programs)
    one, two, shadow, ping, journal = call(
        make_twice, job, work=job.work, reads=[programs.parent], tmpfs=2 << 30
    )
    assert one == two
    for line in ("mode = 0100644", "uid = 3", "gid = 11", "mtime.sec = Tue Nov 14 21:56:40 2023"):
        assert f"core.{line}\n" in shadow
    for line in ("mode = 0104755", "nlinkv2 = 2", "mtime.sec = Tue Nov 14 22:13:20 2023"):
        assert f"core.{line}\n" in ping
    assert re.search(r"secure = 1\n.*\n.*name = \"capability\"", ping)
    # The kernel would look for SGI_ACL_DEFAULT, among root's.
    assert "system.posix_acl_default" in journal
    assert "SGI_ACL" not in journal


def say_too_small(job: Job) -> str:
    """What is said when the tree does not fit."""
    tools, tree = tools_of(job), job.work / "tree"
    tree.mkdir(parents=True)
    (tree / "large").write_bytes(os.urandom(400 << 20))
    try:
        make(tools, tree, job.work / "image", 320 << 20)
    except ImageError as error:
        return str(error)
    return ""


def test_too_small_a_root_is_named(tmp_path: Path, programs: Path) -> None:
    job = Job(tmp_path / "work", programs)
    said = call(say_too_small, job, work=job.work, reads=[programs.parent], tmpfs=2 << 30)
    found = re.match(r"the root file system needs (\d+) MiB, but was given 320 MiB", said)
    assert found
    assert int(found[1]) > 400


def test_without_mkfs_xfs_it_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(process.ENVIRONMENT, "PATH", str(tmp_path))
    with pytest.raises(HostError, match=r"^mkfs\.xfs is neither(?s:.*)another root-fs="):
        make(Toolbox(None), tmp_path, tmp_path / "image")

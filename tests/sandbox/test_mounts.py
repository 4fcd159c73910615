"""The list of mounts, without mounting; that they do what they say is in test_namespace.py."""

from pathlib import Path

import pytest

from aimager.errors import HostError
from aimager.sandbox.mounts import (
    Directory,
    Private,
    Proc,
    ReadOnly,
    Tmpfs,
    Writable,
    carry_out,
    mount_points,
    namespace_mounts,
    outermost,
)

WORK = Path("/home/me/cache/work/x")


def test_a_build_on_disk() -> None:
    assert namespace_mounts(work=WORK, tmpfs=None, writable=[Path("/home/me/out")], needed=[]) == (
        Private(Path("/")),
        ReadOnly(Path("/")),
        Tmpfs(Path("/run")),
        Directory(Path("/run/user")),
        Directory(Path("/run/user/0"), 0o700),
        Directory(Path("/run/tmp"), 0o1777),
        Tmpfs(Path("/dev/shm"), mode=0o1777, optional=True),
        Proc(Path("/proc")),
        Writable(Path("/home/me/out")),
        Writable(WORK),
    )


def test_a_build_in_memory() -> None:
    operations = namespace_mounts(work=WORK, tmpfs=1 << 30, writable=[], needed=[])
    assert operations[-1] == Tmpfs(WORK, mode=0o700, size=1 << 30)


def test_what_lies_below_run_stays_seen() -> None:
    operations = namespace_mounts(
        work=Path("/run/user/1000/work"),
        tmpfs=None,
        writable=[Path("/run/media/disk"), Path("/run/user/1000/work/../other")],
        needed=[Path("/run/media"), Path("/usr/bin")],
    )
    kept = operations[2]
    assert isinstance(kept, Tmpfs)
    assert kept.keep[0] == Path("/run/media")
    assert Path("/run/user/1000/work") in kept.keep
    assert Path("/usr/bin") not in kept.keep


def test_outermost() -> None:
    paths = [Path("/a/b"), Path("/a"), Path("/ab"), Path("/a")]
    assert outermost(paths) == (Path("/a"), Path("/ab"))


def test_a_refusal_names_the_operation(tmp_path: Path) -> None:
    with pytest.raises(HostError, match=f"the kernel refused Tmpfs at {tmp_path}/missing"):
        carry_out([Tmpfs(tmp_path / "missing")])
    carry_out([Tmpfs(tmp_path / "missing", optional=True)])


def test_mount_points_of_whatever_name() -> None:
    line = "36 35 98:0 / {} rw,noatime - ext4 /dev/root rw\n"
    names = (b"/", b"/a\\040b\\134", "/\u00dcmlaut".encode(), b"/\xfc", b"/\xc2\x85")
    mountinfo = b"".join(line.encode().replace(b"{}", name) for name in names)
    points = ("/", "/a b\\", "/\u00dcmlaut", "/\udcfc", "/\x85")
    assert mount_points(mountinfo) == [Path(point) for point in points]

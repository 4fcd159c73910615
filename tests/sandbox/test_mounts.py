"""The list of mounts, without mounting; that they do what they say is in test_namespace.py."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from aimager.errors import HostError
from aimager.sandbox import mounts, syscalls
from aimager.sandbox.mounts import (
    Bind,
    Directory,
    Link,
    Operation,
    Private,
    Proc,
    ReadOnly,
    Tmpfs,
    Writable,
    carry_out,
    mount_points,
    namespace_mounts,
    outermost,
    unmount,
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


BIND = syscalls.MS_BIND | syscalls.MS_REC
READ_ONLY = {"attr_set": syscalls.MOUNT_ATTR_RDONLY}
WRITABLE = {"attr_clr": syscalls.MOUNT_ATTR_RDONLY}


class Kernel:
    """What the kernel is asked for, and what it refuses of that."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.refuses: list[object] = []
        self.flags = 0

    def mount(self, *words: object) -> None:
        self._ask(words)

    def mount_setattr(self, path: Path, flags: int = 0, **changes: int) -> None:
        self._ask((path, flags, changes))

    def umount2(self, *words: object) -> None:
        self._ask(words)

    def _ask(self, words: tuple[object, ...]) -> None:
        self.asked.append(words)
        if any(refused in words for refused in self.refuses):
            raise PermissionError(1, "Operation not permitted")


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    made = Kernel()
    for name in ("mount", "mount_setattr", "umount2"):
        monkeypatch.setattr(mounts, name, getattr(made, name))
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_flag=made.flags))
    return made


A, B = Path("/a"), Path("/proc")
NO_TRICKS = syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC


@pytest.mark.parametrize(
    ("operation", "asked"),
    [
        (Private(A), [(None, A, None, syscalls.MS_REC | syscalls.MS_PRIVATE)]),
        (ReadOnly(A), [(A, syscalls.AT_RECURSIVE, READ_ONLY)]),
        (Writable(A), [(A, A, None, BIND), (A, syscalls.AT_RECURSIVE, WRITABLE)]),
        (Bind(A, B), [(A, B, None, BIND)]),
        (
            Bind(A, B, read_only=True),
            [(A, B, None, BIND), (B, syscalls.AT_RECURSIVE, READ_ONLY)],
        ),
        (Proc(B), [("proc", B, "proc", NO_TRICKS)]),
        (Tmpfs(A), [("tmpfs", A, "tmpfs", 0, "mode=755")]),
        (Tmpfs(A, mode=0o1777, size=7), [("tmpfs", A, "tmpfs", 0, "mode=1777,size=7")]),
    ],
    ids=str,
)
def test_what_the_kernel_is_asked_for(
    kernel: Kernel, operation: Operation, asked: list[object]
) -> None:
    carry_out([operation])
    assert kernel.asked == asked


def test_where_the_hosts_proc_is_covered_it_is_bound(kernel: Kernel) -> None:
    kernel.refuses = ["proc"]
    carry_out([Proc(A)])
    assert kernel.asked[-1] == ("/proc", A, None, BIND)


def test_where_not_all_can_be_read_only_each_is_tried(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = [Path("/"), A, Path("/a/b"), Path("/ab")]
    monkeypatch.setattr(mounts, "mount_points", lambda _: points)
    kernel.refuses = [syscalls.AT_RECURSIVE, Path("/a/b")]
    carry_out([ReadOnly(A)])
    assert kernel.asked[1:] == [(A, 0, READ_ONLY), (Path("/a/b"), 0, READ_ONLY)]


def test_what_is_read_only_on_the_host_cannot_be_written(kernel: Kernel) -> None:
    kernel.refuses = [syscalls.AT_RECURSIVE]
    carry_out([Writable(A)])
    assert kernel.asked[-1] == (A, 0, WRITABLE)
    kernel.flags = os.ST_RDONLY
    with pytest.raises(HostError, match=r"^/a is on a read-only file system\n"):
        carry_out([Writable(A)])


def test_what_is_kept_is_seen_again_on_a_tmpfs(
    kernel: Kernel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, file = tmp_path / "run/a/folder", tmp_path / "run/file"
    folder.mkdir(parents=True)
    file.touch()

    def cover(*words: object) -> None:
        kernel._ask(words)
        if words[0] == "tmpfs":
            folder.rmdir()
            folder.parent.rmdir()
            file.unlink()

    monkeypatch.setattr(mounts, "mount", cover)
    before = len(list(Path("/proc/self/fd").iterdir()))
    carry_out([Tmpfs(tmp_path / "run", keep=(folder, file))])
    assert (folder.is_dir(), file.is_file()) == (True, True)
    assert [words[1:] for words in kernel.asked[1:]] == [  # type: ignore[index]
        (folder, None, BIND),
        (file, None, BIND),
    ]
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_files_and_folders_are_made(kernel: Kernel, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.touch()
    carry_out([Bind(source, tmp_path / "x/file"), Bind(tmp_path, tmp_path / "x/folder")])
    assert (tmp_path / "x/file").is_file()
    assert (tmp_path / "x/folder").is_dir()
    for _ in range(2):
        carry_out([Directory(tmp_path / "d", 0o1777)])
    assert (tmp_path / "d").stat().st_mode & 0o7777 == 0o1777
    carry_out([Directory(tmp_path / "e"), Link(tmp_path / "link", "to")])
    assert (tmp_path / "e").stat().st_mode & 0o7777 == 0o755
    assert (tmp_path / "link").readlink() == Path("to")


def test_a_busy_mount_is_taken_away(kernel: Kernel) -> None:
    unmount(A)
    assert kernel.asked == [(A, syscalls.MNT_DETACH)]

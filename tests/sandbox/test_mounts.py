"""What the kernel is asked for; that it does what is wanted is in test_worker_root.py."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from aimager.errors import HostError
from aimager.sandbox import binding, mounts, syscalls
from aimager.sandbox.binding import mount_points
from aimager.sandbox.mounts import (
    Bind,
    Directory,
    Link,
    Masked,
    Operation,
    Proc,
    ReadOnly,
    Sys,
    Terminals,
    Text,
    Tmpfs,
    carry_out,
    enter_root,
)


def test_a_refusal_names_the_operation(tmp_path: Path) -> None:
    with pytest.raises(HostError, match=f"the kernel refused Bind at {tmp_path}/target"):
        carry_out([Bind(tmp_path / "missing", tmp_path / "target")])
    carry_out([Bind(tmp_path / "missing", tmp_path / "target", optional=True)])


def test_mount_points_of_whatever_name() -> None:
    line = "36 35 98:0 / {} rw,noatime - ext4 /dev/root rw\n"
    names = (b"/", b"/a\\040b\\134", "/\u00dcmlaut".encode(), b"/\xfc", b"/\xc2\x85")
    mountinfo = b"".join(line.encode().replace(b"{}", name) for name in names)
    points = ("/", "/a b\\", "/\u00dcmlaut", "/\udcfc", "/\x85")
    assert mount_points(mountinfo) == [Path(point) for point in points]


BIND = syscalls.MS_BIND | syscalls.MS_REC
READ_ONLY = {"attr_set": syscalls.MOUNT_ATTR_RDONLY}


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

    def pivot_root(self, *words: object) -> None:
        self._ask(words)

    def _ask(self, words: tuple[object, ...]) -> None:
        self.asked.append(words)
        if any(refused in words for refused in self.refuses):
            raise PermissionError(1, "Operation not permitted")


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    made = Kernel()
    for name in ("mount", "mount_setattr", "umount2", "pivot_root"):
        for module in (mounts, binding):
            monkeypatch.setattr(module, name, getattr(made, name), raising=False)
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_flag=made.flags))
    return made


A, B = Path("/usr"), Path("/proc")
NO_TRICKS = syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC
SET_READ_ONLY = (A, syscalls.AT_RECURSIVE, READ_ONLY)


@pytest.mark.parametrize(
    ("operation", "asked"),
    [
        (Bind(B, A), [(B, A, None, BIND)]),
        (Bind(B, A, read_only=True), [(B, A, None, BIND), SET_READ_ONLY]),
        (Proc(B), [("proc", B, "proc", NO_TRICKS)]),
        (Sys(A), [("sysfs", A, "sysfs", NO_TRICKS | syscalls.MS_RDONLY)]),
        (
            Terminals(A),
            [
                (
                    *("devpts", A, "devpts", syscalls.MS_NOSUID | syscalls.MS_NOEXEC),
                    "newinstance,ptmxmode=0666",
                )
            ],
        ),
        (Tmpfs(A), [("tmpfs", A, "tmpfs", 0, "mode=755")]),
        (Tmpfs(A, mode=0o1777, size=7), [("tmpfs", A, "tmpfs", 0, "mode=1777,size=7")]),
        (ReadOnly(A), [(A, A, None, BIND), SET_READ_ONLY]),
        (ReadOnly(A / "missing"), []),
        (Masked(A), [("tmpfs", A, "tmpfs", syscalls.MS_RDONLY, "size=0")]),
        (Masked(B / "version"), [(Path("/dev/null"), B / "version", None, BIND)]),
        (Masked(A / "missing"), []),
    ],
    ids=str,
)
def test_what_the_kernel_is_asked_for(
    kernel: Kernel, operation: Operation, asked: list[object]
) -> None:
    carry_out([operation])
    assert kernel.asked == asked


def test_sources_are_of_the_old_root_and_targets_of_the_new(kernel: Kernel, tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in (old / "a", new / "b"):
        folder.mkdir(parents=True)
    carry_out([Bind(Path("/a"), Path("/b"))], old=old, new=new)
    assert kernel.asked == [(old / "a", new / "b", None, BIND)]


def test_where_the_hosts_proc_is_covered_it_is_bound(kernel: Kernel) -> None:
    kernel.refuses = ["proc"]
    carry_out([Proc(A)])
    assert kernel.asked[-1] == (Path("/proc"), A, None, BIND)


def test_where_not_all_can_be_read_only_each_is_tried(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = [Path("/"), A, A / "b", Path("/usr-local")]
    monkeypatch.setattr(binding, "mount_points", lambda _: points)
    kernel.refuses = [syscalls.AT_RECURSIVE]
    kernel.flags = os.ST_NOSUID | os.ST_NOEXEC
    carry_out([Bind(B, A, read_only=True)])
    flags = syscalls.MS_REMOUNT | syscalls.MS_BIND | syscalls.MS_RDONLY
    kept = flags | syscalls.MS_NOSUID | syscalls.MS_NOEXEC
    assert kernel.asked[2:] == [(None, A, None, kept), (None, A / "b", None, kept)]
    kernel.refuses = [syscalls.AT_RECURSIVE, A]
    with pytest.raises(HostError, match="the kernel refused Bind at /usr"):
        carry_out([Bind(B, A, read_only=True)])


def test_a_root_that_is_not_given_is_named(kernel: Kernel) -> None:
    kernel.refuses = [Path("/")]
    with pytest.raises(HostError, match="the kernel refused a root of its own"):
        enter_root([])


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
    carry_out([Text(tmp_path / "etc/passwd", "text")])
    assert (tmp_path / "etc/passwd").read_text() == "text"

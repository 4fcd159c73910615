"""A root that packages filled is read and changed from a descriptor, and nothing leads out."""

import ctypes
import errno
import gc
import os
import stat
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from aimager.errors import HostError, ImageError
from aimager.sandbox import syscalls
from aimager.sandbox import tree as tested
from aimager.sandbox.tree import Tree, shown


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root beside a folder that is not its own."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/file").write_text("mine")
    (tmp_path / "root/etc").mkdir(parents=True)
    (tmp_path / "root/etc/file").write_text("its own")
    return tmp_path / "root"


@pytest.mark.parametrize("path", ["etc/file", "/etc/file", Path("etc/file"), "etc/../etc/./file"])
def test_reading(root: Path, path: str | Path) -> None:
    tree = Tree(root)
    assert tree.read_text(path) == "its own"
    assert tree.read_bytes(path) == b"its own"
    assert tree.exists(path)
    assert tree.is_file(path)
    assert not tree.is_dir(path)


@pytest.mark.parametrize(
    ("link", "found"),
    [
        ("/etc/file", "its own"),
        ("etc/file", "its own"),
        ("../../../../etc/file", "its own"),
        ("../outside/file", None),
        ("{outside}/file", None),
        ("/proc/self/root{outside}/file", None),
        ("link", None),
        ("etc", None),
    ],
)
def test_a_link_leads_where_it_does_after_chroot(root: Path, link: str, found: str | None) -> None:
    (root / "link").symlink_to(link.format(outside=root.parent / "outside"))
    tree = Tree(root)
    assert tree.is_file("link") is (found is not None)
    if found is None:
        with pytest.raises(ImageError, match=r"^/link of the image cannot be read: "):
            tree.read_text("link")
    else:
        assert tree.read_text("link") == found
    tree.write("link", "new")
    assert not (root / "link").is_symlink()
    assert (root / "etc/file").read_text() == "its own"
    assert (root.parent / "outside/file").read_text() == "mine"


def test_magic_links_are_not_followed(root: Path) -> None:
    """As of a /proc that is mounted in it."""
    tree = Tree(Path(f"/proc/{os.getpid()}"))
    assert tree.lstat("root")
    assert not tree.exists("root/etc")


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("fifo", "It is not a regular file"), ("folder", "It is not a regular file"), ("", "No such")],
)
def test_only_regular_files_are_opened(root: Path, kind: str, reason: str) -> None:
    if kind == "fifo":
        os.mkfifo(root / "it")
    elif kind:
        (root / "it").mkdir()
    with pytest.raises(ImageError, match=f"^/it of the image cannot be read: {reason}"):
        Tree(root).read_text("it")


def test_a_file_is_read_up_to_a_limit(root: Path) -> None:
    with (root / "huge").open("wb") as stream:
        stream.truncate(1 << 40)
    with pytest.raises(ImageError, match=r"^/huge of .* read: It has more than 64 MiB"):
        Tree(root).read_bytes("huge")
    assert Tree(root).read_bytes("etc/file", 7) == b"its own"
    with pytest.raises(ImageError):
        Tree(root).read_bytes("etc/file", 6)


def test_bytes_that_are_not_utf8_are_kept(root: Path) -> None:
    tree = Tree(root)
    (root / "etc/file").write_bytes(b"caf\xe9\r\n")
    tree.write("etc/file", tree.read_text("etc/file") + "x")
    assert (root / "etc/file").read_bytes() == b"caf\xe9\r\nx"


def test_a_file_is_replaced_and_its_other_names_stay(root: Path) -> None:
    os.link(root.parent / "outside/file", root / "etc/hard")
    (root / "etc/hard").chmod(0o640)
    tree = Tree(root)
    tree.write("etc/hard", "new", times=(5, 7))
    assert (root.parent / "outside/file").read_text() == "mine"
    status = (root / "etc/hard").stat()
    assert (stat.S_IMODE(status.st_mode), status.st_mtime_ns, status.st_nlink) == (0o640, 7, 1)
    tree.write("etc/hard", "new", 0o600)
    assert stat.S_IMODE((root / "etc/hard").stat().st_mode) == 0o600


def test_a_file_of_one_name_stays_the_same_file(root: Path) -> None:
    """Else its folder's time and order would change, and with them every image."""
    os.utime(root / "etc", ns=(5, 7))
    before = (root / "etc/file").stat().st_ino
    Tree(root).write("etc/file", "new")
    assert (root / "etc/file").read_text() == "new"
    assert (root / "etc/file").stat().st_ino == before
    assert (root / "etc").stat().st_mtime_ns == 7


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")
def test_a_file_keeps_its_owner(root: Path) -> None:
    os.chown(root / "etc/file", 7, 8)
    Tree(root).write("etc/file", "new")
    status = (root / "etc/file").stat()
    assert (status.st_uid, status.st_gid) == (7, 8)


def test_modes_do_not_come_from_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        tree = Tree(tmp_path)
        tree.write("a/b/c", "text", 0o640)
        tree.mkdir("a/d/e", 0o1777)
        tree.write("a/f", "")
    finally:
        os.umask(old)
    modes = {
        str(path.relative_to(tmp_path)): path.stat().st_mode & 0o7777
        for path in tmp_path.glob("**/*")
    }
    assert modes == {
        "a": 0o755,
        "a/b": 0o755,
        "a/b/c": 0o640,
        "a/d": 0o755,
        "a/d/e": 0o1777,
        "a/f": 0o644,
    }


def test_a_tree_is_removed_with_all_that_is_in_it(root: Path) -> None:
    (root / "x/y/z").mkdir(parents=True)
    os.mkfifo(root / "x/fifo")
    (root / "x/y/out").symlink_to(root.parent / "outside")
    (root / "x/y/new\nline").write_text("")
    Path(os.fsdecode(os.fsencode(root) + b"/x/\xff")).write_text("")
    tree = Tree(root)
    tree.remove("x")
    tree.remove("x")
    assert sorted(path.name for path in root.iterdir()) == ["etc"]
    assert (root.parent / "outside/file").exists()


def test_a_tree_that_is_too_deep_is_told(root: Path) -> None:
    deep = os.open(root, os.O_PATH)
    for _ in range(3000):
        os.mkdir("abc", dir_fd=deep)
        deeper = os.open("abc", os.O_PATH, dir_fd=deep)
        os.close(deep)
        deep = deeper
    os.close(deep)
    try:
        with pytest.raises(
            ImageError, match=r"^/abc of the image cannot be .*: File name too long"
        ):
            Tree(root).remove("abc")
    finally:
        subprocess.run(["rm", "-r", root / "abc"], check=True)


def test_patterns(root: Path) -> None:
    for name in ("a1", "a2", ".a3", "b"):
        (root / "etc" / name).mkdir()
        (root / "etc" / name / "key").write_text("")
    (root / "etc/a4").symlink_to("b")
    tree = Tree(root)
    assert tree.glob("etc/a*") == ["etc/a1", "etc/a2", "etc/a4"]
    assert tree.glob("etc/*a[13]/key") == ["etc/.a3/key", "etc/a1/key"]
    assert tree.glob("etc/a4/k*") == ["etc/a4/key"]
    assert tree.glob("etc/b/key") == ["etc/b/key"]
    assert tree.glob("none/*") == tree.glob("etc/file/*") == tree.glob("etc/none") == []


def test_all_below_a_folder(root: Path) -> None:
    (root / "etc/x/y").mkdir(parents=True)
    (root / "etc/link").symlink_to("x")
    found = [name for name, _ in Tree(root).walk("etc")]
    assert sorted(found) == ["file", "link", "x", "x/y"]
    assert found.index("x") < found.index("x/y")
    assert {f"etc/{name}" for name in found} < {name for name, _ in Tree(root).walk()}


def test_a_folder_leaves_the_tree(root: Path) -> None:
    Tree(root).move_out("etc", root.parent / "moved")
    assert (root.parent / "moved/file").read_text() == "its own"
    (root / "etc").symlink_to(root.parent / "outside")
    with pytest.raises(ImageError, match=r"^/etc of the image cannot be moved: Not a directory"):
        Tree(root).move_out("etc", root.parent / "second")


@pytest.mark.parametrize("path", ["", "/", ".", "..", "etc/..", "a\0b"])
def test_what_is_no_place_is_not_written(root: Path, path: str) -> None:
    with pytest.raises(ImageError):
        Tree(root).write(path, "text")
    assert sorted(root.rglob("*")) == [root / "etc", root / "etc/file"]


def test_paths_are_told_without_what_a_terminal_acts_on() -> None:
    assert shown("a b/\x1b]52;\n\udcff\N{SNOWMAN}") == "/a b/\\x1b]52;\\n\\udcff\N{SNOWMAN}"


def held_in(root: Path) -> list[str]:
    """The descriptors of this process that are of something in a folder."""
    links = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the one by which the folder is read
            links.append(str(descriptor.readlink()))
    return [link for link in links if link.startswith(str(root))]


def test_its_descriptor_is_closed_with_it(root: Path) -> None:
    tree = Tree(root)
    tree.remove("etc")
    assert held_in(root) == [str(root)]
    del tree
    gc.collect()
    assert held_in(root) == []


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EPERM])
def test_a_kernel_or_a_filter_without_openat2(
    root: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(tested, "openat2", refuse)
    with pytest.raises(HostError, match=r"^openat2\(2\), by which .* fails: ") as caught:
        Tree(root)
    assert "Linux 5.6" in caught.value.hint


def test_a_resolution_that_raced_is_tried_again(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """openat2(2) may answer EAGAIN to a path with ``..`` whenever anything is renamed."""

    class Racing:
        """Answers so twice."""

        def __init__(self) -> None:
            self.left = 2

        def syscall(self, *arguments: object) -> int:
            if self.left:
                self.left -= 1
                ctypes.set_errno(errno.EAGAIN)
                return -1
            result: int = real.syscall(*arguments)
            return result

    tree = Tree(root)
    real = syscalls._libc
    monkeypatch.setattr(syscalls, "_libc", Racing())
    assert tree.is_file("etc/../etc/file")

"""Files appear whole or not at all, and holes stay holes."""

import errno
import hashlib
import io
import os
from pathlib import Path

import pytest

from aimager import files

MIB = 1 << 20


def test_a_file_is_published(tmp_path: Path) -> None:
    target = tmp_path / "a/b/target"
    old = os.umask(0o077)
    try:
        with files.publish(target) as temporary:
            temporary.write_text("text")
            assert temporary.parent == target.parent
            assert not target.exists()
    finally:
        os.umask(old)
    assert target.read_text() == "text"
    assert target.stat().st_mode & 0o7777 == 0o600
    assert list(target.parent.iterdir()) == [target]


def test_the_mode_may_be_another(tmp_path: Path) -> None:
    with files.publish(tmp_path / "x", mode=0o600) as temporary:
        temporary.write_text("text")
    assert (tmp_path / "x").stat().st_mode & 0o7777 == 0o600


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_leaves_all_as_it_was(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "target"
    for before in (None, "before"):
        if before:
            target.write_text(before)
        with pytest.raises(error), files.publish(target) as temporary:
            temporary.write_text("half")
            raise error
        assert [p.read_text() for p in tmp_path.iterdir()] == ([before] if before else [])


def test_what_is_open_keeps_its_content(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("before")
    with target.open() as reader:
        with files.publish(target) as temporary:
            temporary.write_text("after")
        assert reader.read() == "before"
    assert target.read_text() == "after"


def test_equal_text_is_not_written_again(tmp_path: Path) -> None:
    target = tmp_path / "target"
    files.publish_text(target, "größer\n")
    os.utime(target, ns=(1, 1))
    inode = target.stat().st_ino
    files.publish_text(target, "größer\n")
    assert (target.stat().st_mtime_ns, target.stat().st_ino) == (1, inode)
    files.publish_text(target, "kleiner\n")
    assert target.stat().st_mtime_ns != 1
    assert target.read_text() == "kleiner\n"


@pytest.mark.parametrize("size", [0, 1, 3 << 20, (5 << 20) + 7])
@pytest.mark.parametrize("places", [(), (0,), (1 << 20,), (0, (2 << 20) + 5)])
def test_sha256_of_a_sparse_file(tmp_path: Path, size: int, places: tuple[int, ...]) -> None:
    path = tmp_path / "x"
    with path.open("wb") as stream:
        for place in places:
            stream.seek(place)
            stream.write(b"data" * 1000)
        stream.truncate(size)
    assert files.sha256(path) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_sha256(tmp_path: Path) -> None:
    content = b"x" * (3 * MIB + 1)
    (tmp_path / "x").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    assert files.sha256(tmp_path / "x") == digest
    assert files.sha256(io.BytesIO(content)) == digest
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert files.sha256(io.BytesIO()) == empty


def sparse(path: Path) -> Path:
    """64 MiB, of which three short parts are no hole; the last of them is not the end."""
    with path.open("wb") as stream:
        stream.truncate(64 * MIB + 5)
        for at in (0, 10 * MIB + 3, 40 * MIB):
            stream.seek(at)
            stream.write(b"data" * 1000)
    return path


def same(one: Path, other: Path) -> bool:
    return files.sha256(one) == files.sha256(other)


def test_holes_stay_holes(tmp_path: Path) -> None:
    source = sparse(tmp_path / "source")
    if source.stat().st_blocks * 512 > MIB:
        pytest.skip("the file system of the temporary folder keeps no holes")
    files.copy_sparse(source, tmp_path / "target")
    assert same(source, tmp_path / "target")
    assert (tmp_path / "target").stat().st_blocks <= source.stat().st_blocks


@pytest.mark.parametrize("size", [0, 5, 100 * MIB])
def test_nothing_is_left_of_an_older_target(tmp_path: Path, size: int) -> None:
    source, target = sparse(tmp_path / "source"), tmp_path / "target"
    with target.open("wb") as stream:
        for _ in range(size // MIB):
            stream.write(b"o" * MIB)
        stream.write(b"o" * (size % MIB))
    files.copy_sparse(source, target)
    assert same(source, target)


def test_all_hole_and_nothing(tmp_path: Path) -> None:
    for size in (0, 5 * MIB):
        source = tmp_path / f"{size}"
        with source.open("wb") as stream:
            stream.truncate(size)
        files.copy_sparse(source, tmp_path / f"{size}.copy")
        assert same(source, tmp_path / f"{size}.copy")


def test_a_full_disk_is_laid_to_what_was_to_be_published(tmp_path: Path) -> None:
    target = tmp_path / "disk.img"
    with pytest.raises(OSError, match="No space left") as caught, files.publish(target) as there:
        there.write_text("x")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert caught.value.filename == str(target)
    assert list(tmp_path.iterdir()) == []


def test_data_is_copied_to_its_place(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"0123456789")
    target.write_bytes(b"." * 12)
    ends: list[int] = []
    with source.open("rb") as reader, target.open("r+b") as writer:
        files.copy_data(reader.fileno(), writer.fileno(), size=6, at=3, written=ends.append)
    assert target.read_bytes() == b"...012345..."
    assert ends == [9]


def test_no_more_is_written_before_what_was_told(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    size = 5 * MIB
    with source.open("wb") as stream:
        for start in (0, 2 * MIB, 4 * MIB):
            os.pwrite(stream.fileno(), b"x" * (MIB // 2), start)
        stream.truncate(size)
    told: list[tuple[int, bytes]] = []
    with source.open("rb") as reader, target.open("w+b") as writer:
        writer.truncate(size)
        copied = writer.fileno()
        files.copy_data(
            reader.fileno(),
            copied,
            size=size,
            written=lambda end: told.append((end, os.pread(copied, end, 0))),
        )
    content = source.read_bytes()
    assert [end for end, _ in told] == sorted({end for end, _ in told})
    assert told[-1][0] >= 4 * MIB
    assert all(before == content[:end] for end, before in told)


def test_how_large_a_tree_is(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "folder").mkdir(parents=True)
    (tree / "folder/a").write_bytes(bytes(1000))
    (tree / "folder/b").hardlink_to(tree / "folder/a")
    (tree / "empty").touch()
    (tree / "link").symlink_to("folder/a")
    with (tree / "sparse").open("wb") as stream:
        stream.truncate(4096)
    assert files.tree_size(tree, block=512, each=100) == 1024 + 4096 + 5 * 100
    assert files.tree_size(tmp_path / "none", block=512, each=100) == 0
    assert files.data_size(tree / "sparse") == files.data_size(tmp_path / "none") == 0
    assert files.data_size(tree / "folder/a") >= 1000


def test_a_file_is_read_once_as_long_as_it_stays(tmp_path: Path) -> None:
    asked: list[bytes] = []

    def count(text: bytes) -> int:
        asked.append(text)
        return len(asked)

    read = files.ReadOnce(count)
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text("1")
    other.hardlink_to(one)
    assert [read(one), read(other)] == [1, 1]
    times = one.stat()
    files.publish_text(one, "2")
    os.utime(one, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert [read(one), read(other)] == [2, 1], "another file of its name"
    one.write_text("3")
    os.utime(one, ns=(times.st_atime_ns, times.st_mtime_ns + 2 * 10**9))
    assert read(one) == 3, "another time"
    one.write_text("44")
    os.utime(one, ns=(times.st_atime_ns, times.st_mtime_ns + 2 * 10**9))
    assert read(one) == 4, "another size"
    assert asked == [b"1", b"2", b"3", b"44"]


def test_what_could_not_be_read_is_tried_again(tmp_path: Path) -> None:
    faults = [ValueError("not now")]

    def fail_once(text: bytes) -> int:
        if faults:
            raise faults.pop()
        return int(text)

    read = files.ReadOnce(fail_once)
    (tmp_path / "number").write_text("5")
    with pytest.raises(ValueError, match="not now"):
        read(tmp_path / "number")
    assert read(tmp_path / "number") == 5

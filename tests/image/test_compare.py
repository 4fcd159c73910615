"""Two images are compared by what they hold, and what cannot be is said."""

import lzma
from pathlib import Path

import pytest

from aimager.errors import ConfigError, ImageError
from aimager.image.changed_image import ChangedImage
from aimager.image.compare.contents import read_contents
from aimager.image.compare.difference import Difference, compare
from aimager.image.compare.packages import Change
from aimager.image.compare.side import read_sides
from aimager.image.finished.disk import read_disk
from aimager.image.finished.ext4_files import Ext4Files
from aimager.model.image_ids import ImageIds
from aimager.model.partition import MiB, Role
from tests.image.test_compare_archives import archive, manifest
from tests.support import finished_disks
from tests.support.changed_images import write_changed
from tests.support.ext4_reader import read_ext4
from tests.support.fat_reader import read_fat
from tests.support.finished_disks import ROOT_ALONE

LOCAL = "var/lib/pacman/local"


def desc(name: str, version: str, size: int) -> str:
    return f"%NAME%\n{name}\n\n%VERSION%\n{version}\n\n%SIZE%\n{size}\n\n"


def found(one: Path, other: Path) -> Difference:
    return compare(*read_sides(one, other))


def test_every_file_of_a_disk_is_found(tmp_path: Path) -> None:
    made = finished_disks.make(tmp_path / "d")
    contents = read_contents(made.path)
    for role, top in ((Role.root, ""), (Role.home, "/home")):
        for node in read_ext4(made.part(role)):
            entry = contents.entries[f"{top}{node.path}".rstrip("/") or "/"]
            if node.path == "/home":  # where another file system is mounted
                continue
            mode = int(node.facts["mode"], 8)
            assert (entry.mode, f"{entry.time}") == (mode & 0o7777, node.facts["mtime"])
            assert entry.target == node.facts.get("target", "")
            if entry.kind == "file":
                assert entry.size == len(node.read())
    paths = {node.path for node in read_fat(made.part(Role.boot))}
    assert {f"/boot{path}" for path in paths if path.startswith("/")} < contents.entries.keys()
    assert "/boot/loader/entries/linux.conf" in contents.entries
    assert contents.facts["partition table"] == f"gpt {made.ids.disk}"
    assert contents.packages is None
    assert not contents.notes


def test_what_was_changed_is_named(tmp_path: Path) -> None:
    one = finished_disks.make(tmp_path / "one", etc__removed="x", etc__large="a" * (3 * MiB))
    other = finished_disks.make(
        tmp_path / "other",
        etc__hostname="other\n",
        etc__large="a" * (2 * MiB) + "b" * MiB,
        etc__added="new",
        boot__cmdline__txt="quiet",
    )
    assert found(one.path, one.path).is_empty
    difference = found(one.path, other.path)
    files = {it.path: (it.change, it.size, it.facts) for it in difference.files}
    assert files.pop("/etc/hostname") == ("changed", 6, ("content",))
    assert files.pop("/etc/large") == ("changed", 3 * MiB, ("content",))
    assert files.pop("/etc/added") == ("added", 3, ())
    assert files.pop("/etc/removed") == ("removed", 1, ())
    assert files.pop("/boot/cmdline/txt") == ("added", 5, ())
    assert files.keys() == {"/boot/cmdline"}
    assert not (difference.ids or difference.packages or difference.notes)
    assert difference.bytes
    assert 0 < difference.bytes.differing < difference.bytes.total == one.path.stat().st_size


def test_ids_that_differ_are_told(tmp_path: Path) -> None:
    one = finished_disks.make(tmp_path / "one", ROOT_ALONE)
    with one.path.open("rb") as stream:
        image = ChangedImage(stream, read_disk(stream).whole.extent)
        image.write(440, b"\1\2\3\4")
        other = write_changed(image, tmp_path / "other.img")
    names = [(it.name, it.after) for it in found(one.path, other).ids]
    assert names == [("partition 1: PARTUUID", "04030201-01"), ("partition table", "dos 04030201")]


def test_packages_come_with_their_sizes_the_largest_first(tmp_path: Path) -> None:
    def disk(name: str, *packages: tuple[str, str, int]) -> Path:
        records = {
            f"{LOCAL}/{n}-{v}/desc".replace("/", "__"): desc(n, v, s) for n, v, s in packages
        }
        return finished_disks.make(tmp_path / name, ROOT_ALONE, **records).path

    one = disk("one", ("a", "1-1", 10), ("b", "2-1", 500), ("c", "1-1", 1))
    other = disk("other", ("a", "1-2", 30), ("b", "1-9", 400), ("d", "1-1", 700))
    changes = found(one, other).packages
    assert [(it.name, it.change, it.size, it.growth) for it in changes] == [
        ("d", Change.added, 700, 700),
        ("b", Change.downgraded, 400, -100),
        ("a", Change.upgraded, 30, 20),
        ("c", Change.removed, 1, -1),
    ]
    bad = disk("bad", ("a", "1-1", -5))
    with pytest.raises(ImageError, match=r"record in disk\.img is damaged: its SIZE is -5"):
        found(one, bad)


def test_folders_are_compared_by_what_both_have(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "other", "empty")]
    for folder in folders:
        folder.mkdir()
    one, other, empty = folders
    archive(one / "root.tar")
    archive(other / "root.tar", long={"mode": 0o600})
    finished_disks.make(one / "d", ROOT_ALONE).path.rename(one / "disk.img")
    sides = read_sides(one, other)
    assert [side.image for side in sides] == [one / "root.tar", other / "root.tar"]
    assert [it.path for it in compare(*sides).files] == ["/long", "/same"]
    assert read_sides(one, other / "root.tar")[0].image == one / "root.tar"
    with pytest.raises(ConfigError, match="holds no results"):
        read_sides(one, empty)


def test_what_cannot_be_compared_is_said(tmp_path: Path) -> None:
    root = archive(tmp_path / "root.tar")
    (tmp_path / "text").write_text("x" * 2000)
    (tmp_path / "text.xz").write_bytes(lzma.compress(b"x" * 2000))
    for name, said in (("text", "holds nothing"), ("text.xz", "is compressed, and only archives")):
        with pytest.raises(ConfigError, match=said):
            found(root, tmp_path / name)
    with pytest.raises(ConfigError, match="nothing in common"):
        found(root, manifest(tmp_path))
    with pytest.raises(ConfigError, match="there is no"):
        found(root, tmp_path / "missing")
    (tmp_path / "cut.tar.xz").write_bytes(lzma.compress(root.read_bytes())[:-20])
    with pytest.raises(ImageError, match=r"cut\.tar\.xz is damaged"):
        found(root, tmp_path / "cut.tar.xz")


def test_file_systems_that_are_not_read_are_named(tmp_path: Path) -> None:
    one = finished_disks.make(tmp_path / "one")
    with one.path.open("rb") as stream:
        disk = read_disk(stream)
        home = disk.mounted["home"].image
        home.write(1024 + 0x60, b"\xc6")  # it has a journal to replay
        disk.whole.take(ChangedImage(stream, disk.whole.extent), [])
        changed = bytearray(one.path.read_bytes())
        at = home.extent.start
        changed[at : at + home.size] = home.read(0, home.size)
    other = tmp_path / "other.img"
    other.write_bytes(changed)
    contents = read_contents(other)
    assert contents.notes == [
        "partition 4 has an ext4 that was in use, or that others have made: its files are not"
        " compared, only its bytes"
    ]
    changed[at + 1024 + 56 : at + 1024 + 58] = b"\0\0"
    changed[at + 65600 : at + 65608] = b"_BHRfS_M"
    other.write_bytes(changed)
    assert read_contents(other).notes == [
        "partition 4 has a btrfs: its files are not compared, only its bytes"
    ]
    assert not found(one.path, other).is_empty


def test_images_that_lie_are_refused(tmp_path: Path) -> None:
    """A folder that lies in itself, and a file whose blocks are more than the image has."""
    made = finished_disks.make(tmp_path / "d", ROOT_ALONE)
    whole = made.path.read_bytes()
    with made.path.open("rb") as stream:
        image = ChangedImage(stream, read_disk(stream).mounted[""].slot.extent)
        files = Ext4Files(image)
        etc, large = files.find("etc"), files.find("usr/bin/large")
        assert etc
        assert large
        (extent,) = files.ext4.content(files.ext4.inode(etc.inode))
        place = extent.start + image.read(extent.start, extent.size).index(b"skel") - 8
        inode = files.ext4.inode(large.inode)
        table = image.read(0, image.size).index(inode)
    top = image.extent.start
    for at, data, said in (
        (top + place, etc.inode.to_bytes(4, "little"), "a folder lies in several"),
        (top + table + 0x28 + 2, b"\xff\xff", "damaged"),
    ):
        hostile = tmp_path / "hostile.img"
        hostile.write_bytes(whole[:at] + data + whole[at + len(data) :])
        with pytest.raises(ImageError, match=said):
            read_contents(hostile)


def test_a_partition_is_compared_by_itself(tmp_path: Path) -> None:
    made = finished_disks.make(tmp_path / "d")
    part = tmp_path / "part-boot.img"
    window = made.part(Role.boot)
    part.write_bytes(window.read(0, window.size))
    contents = read_contents(part)
    assert "/cmdline.txt" in contents.entries
    assert contents.facts == {"image: UUID of vfat": _told(made.ids, Role.boot)}


def _told(ids: ImageIds, role: Role) -> str:
    return ids.file_system(role)

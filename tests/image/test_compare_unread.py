"""Of partitions whose files cannot be read nothing is told but their bytes."""

import shutil
import tarfile
from pathlib import Path

import pytest

from aimager.commands.diff import tell
from aimager.errors import ConfigError
from aimager.image.compare.contents import read_contents
from aimager.image.compare.difference import Difference, compare
from aimager.image.compare.side import read_sides
from aimager.image.finished.disk import read_disk
from aimager.model.image_ids import ImageIds
from aimager.model.partition import Role
from tests.support import finished_disks


def found(one: Path, other: Path) -> Difference:
    return compare(*read_sides(one, other))


def in_use(disk: Path, top: str, target: Path) -> Path:
    """A copy whose ext4 that is mounted at ``top`` has a journal to replay."""
    with disk.open("rb") as stream:
        start = read_disk(stream).mounted[top].image.extent.start
    shutil.copyfile(disk, target)
    with target.open("r+b") as changed:
        changed.seek(start + 1024 + 0x60)
        changed.write(b"\xc6")
    return target


def test_files_of_a_home_that_was_in_use_are_not_called_removed(tmp_path: Path) -> None:
    made = finished_disks.make(tmp_path / "d")
    other = in_use(made.path, "home", tmp_path / "other.img")
    for difference in (found(made.path, other), found(other, made.path)):
        assert not (difference.files or difference.ids)
        assert difference.bytes
        assert difference.bytes.differing == 4096
        (note,) = difference.notes
        assert note.startswith("partition 4 has an ext4 that was in use")
    sides = read_sides(made.path, other)
    assert "in no file that was compared" in "\n".join(tell(compare(*sides), *sides, 20))


def test_what_a_root_that_was_in_use_mounts_is_still_compared(tmp_path: Path) -> None:
    one = finished_disks.make(tmp_path / "one")
    changed = finished_disks.make(tmp_path / "changed", boot__cmdline__txt="x", home__new="y")
    other = in_use(changed.path, "", tmp_path / "other.img")
    assert "partition 1: /cmdline.txt" in read_contents(other).entries
    for before, after, change in ((one.path, other, "added"), (other, one.path, "removed")):
        difference = found(before, after)
        paths = {it.path: it.change for it in difference.files}
        assert paths.pop("/boot/cmdline", change) == change
        assert paths == {"/boot/cmdline/txt": change, "/home/new": change}
        assert not difference.ids


def test_an_archive_and_an_image_whose_root_was_in_use(tmp_path: Path) -> None:
    made = finished_disks.make(tmp_path / "d")
    archive = tmp_path / "root.tar"
    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as packed:
        packed.add(tmp_path / "d/tree", "./")
    home = in_use(made.path, "home", tmp_path / "home.img")
    for one, other in ((archive, home), (home, archive)):
        difference = found(one, other)
        assert difference.notes
        assert not [it for it in difference.files if it.change != "changed"]
    root = in_use(made.path, "", tmp_path / "root.img")
    with pytest.raises(ConfigError, match="cannot be compared: partition 3 has an ext4 that was"):
        found(archive, root)


def test_what_is_mounted_in_several_places_is_read_once(tmp_path: Path) -> None:
    source = f"PARTUUID={ImageIds('first', finished_disks.GPT).partuuid(Role.boot)}"
    fstab = "".join(f"{source} /boot{n} vfat defaults 0 2\n" for n in range(50))
    made = finished_disks.make(tmp_path / "d", etc__fstab=fstab)
    contents = read_contents(made.path)
    assert [path for path in contents.entries if path.endswith("/vmlinuz-linux")] == [
        "/boot0/vmlinuz-linux"
    ]

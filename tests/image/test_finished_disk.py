"""A finished image's table and file systems are read, changed and put back in order."""

import subprocess
from pathlib import Path

import pytest

from aimager.errors import ConfigError, ImageError
from aimager.image.changed_image import ChangedImage
from aimager.image.finished.disk import read_disk
from aimager.image.finished.disk_label import change_label_ids, read_label
from aimager.image.finished.ext4_files import Ext4Files
from aimager.image.finished.fat_files import FatFiles
from aimager.image.finished.new_ids import change_all_ids, derive_ids, with_ids
from aimager.model.layout import Extent
from aimager.model.partition import FileSystem, MiB, PartitionTable, Role
from tests.support import finished_disks
from tests.support.changed_images import write_changed
from tests.support.ext4_reader import read_ext4
from tests.support.fat_reader import read_fat
from tests.support.finished_disks import DOS, GPT, ROOT_ALONE
from tests.support.partition_images import PROGRAMS
from tests.support.trees import EPOCH


def whole(image: Path) -> ChangedImage:
    return ChangedImage(image.open("rb"), Extent(0, image.stat().st_size))


def dump(image: Path) -> str:
    return subprocess.run(
        ["sfdisk", "--dump", image], capture_output=True, text=True, env=PROGRAMS, check=True
    ).stdout.lower()


@pytest.mark.parametrize("table", [GPT, DOS, ROOT_ALONE])
def test_the_table_is_read_and_gets_other_ids(table: PartitionTable, tmp_path: Path) -> None:
    disk = finished_disks.make(tmp_path / "d", table)
    image = whole(disk.path)
    label = read_label(image)
    assert label
    assert (label.label, label.id) == (table.label, disk.ids.disk)
    partuuids = [disk.ids.partuuid(partition.role) for partition in table.partitions]
    assert [slot.partuuid for slot in label.slots] == partuuids
    ids = derive_ids(read_disk(image.file), "other")
    change_label_ids(image, label, ids.disk, ids.partuuids)
    changed = write_changed(image, tmp_path / "changed.img")
    told = dump(changed)
    assert ids.disk in told
    assert disk.ids.disk not in told
    before, after = (
        [line.split("uuid=")[0].partition(":")[2] for line in text.split("\n") if "start=" in line]
        for text in (dump(disk.path), told)
    )
    assert before == after
    again = read_label(whole(changed))
    assert again
    assert [slot.partuuid for slot in again.slots] == list(ids.partuuids)


def test_a_table_that_is_not_in_order_is_none(tmp_path: Path) -> None:
    path = finished_disks.make(tmp_path / "d").path
    for place, text in ((600, b"\xff"), (1100, b"\xff"), (path.stat().st_size - 480, b"\xff")):
        image = whole(path)
        image.write(place, text)
        assert read_label(image) is None, place
    image = whole(path)
    image.write(510, bytes(2))
    assert read_label(image) is None


def test_what_is_mounted_where_is_known(tmp_path: Path) -> None:
    made = finished_disks.make(tmp_path / "d")
    with made.path.open("rb") as stream:
        disk = read_disk(stream)
        kinds = {top: part.kind for top, part in disk.mounted.items()}
        assert kinds == {"": FileSystem.ext4, "boot": FileSystem.vfat, "home": FileSystem.ext4}
        assert {part.id for part in disk.parts} == {
            made.ids.file_system(partition.role) for partition in GPT.partitions
        }
        assert disk.trees[""].made == EPOCH


def test_files_are_read_as_others_read_them(tmp_path: Path) -> None:
    made = finished_disks.make(tmp_path / "d")
    with made.path.open("rb") as stream:
        disk = read_disk(stream)
        files = disk.trees[""]
        for node in read_ext4(made.part(Role.root)):
            found = files.find(node.path.strip("/"))
            assert found, node.path
            assert f"{found.mode:o}" == node.facts["mode"]
            assert ":".join(map(str, found.owner)) == node.facts["owner"]
            assert str(found.mtime) == node.facts["mtime"]
            if found.is_file:
                assert files.read(found, 8 * MiB) == node.read()
            elif found.is_link:
                assert files.target(found) == node.facts["target"]
        fat = FatFiles(disk.mounted["boot"].image)
        nodes = {n.path.strip("/"): n for n in read_fat(made.part(Role.boot))}
        read = {file.path: fat.read(file) for file in fat.files()}
        assert {path: nodes[path].read() for path in read} == read
        assert {"vmlinuz-linux", "loader/entries/linux.conf", "cmdline.txt"} == read.keys()
        assert f"{fat.volume_id}" == made.ids.volume(Role.boot)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    made = finished_disks.make(tmp_path / "d", ROOT_ALONE)
    with made.path.open("rb") as stream:
        files = read_disk(stream).trees[""]
        found = files.find("usr/bin/large")
        assert found
        with pytest.raises(ImageError, match="has 3145728 bytes"):
            files.read(found, 1 * MiB)
        assert files.find("usr/bin/large/below") is None
        assert files.find("nowhere") is None


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"etc__systemd__system-preset__50-image.preset": None}, "no system that aimager has made"),
        ({"etc__machine-id": None}, "no system that aimager has made"),
        ({"etc__machine-id": "0123456789abcdef0123456789abcdef\n"}, "was started before"),
    ],
)
def test_others_images_are_refused(
    changed: dict[str, str | None], sentence: str, tmp_path: Path
) -> None:
    made = finished_disks.make(tmp_path / "d", ROOT_ALONE, **changed)
    with made.path.open("rb") as stream, pytest.raises(ConfigError, match=sentence):
        read_disk(stream)


def test_a_file_system_on_a_link_is_refused(tmp_path: Path) -> None:
    made = finished_disks.make(tmp_path / "d")
    text = made.path.read_bytes()
    name = b"\4\2boot"  # of the folder, as the root's own has it
    assert text.count(name) == 1
    made.path.write_bytes(text.replace(name, b"\4\2root"))
    with (
        made.path.open("rb") as stream,
        pytest.raises(ConfigError, match="/boot, which is not a folder"),
    ):
        read_disk(stream)


@pytest.mark.parametrize(
    ("place", "text", "error", "sentence"),
    [
        (65536 + 64, b"_BHRfS_M", ConfigError, "has a btrfs"),
        (0, b"XFSB", ConfigError, "has a xfs"),
    ],
)
def test_other_root_file_systems_are_refused(
    place: int, text: bytes, error: type[ConfigError], sentence: str, tmp_path: Path
) -> None:
    made = finished_disks.make(tmp_path / "d", ROOT_ALONE)
    start = made.part(Role.root).start
    with made.path.open("r+b") as stream:
        stream.seek(start + 1024)
        stream.write(bytes(1024))
        stream.seek(start + place)
        stream.write(text)
    with made.path.open("rb") as stream, pytest.raises(error, match=sentence):
        read_disk(stream)


def test_an_ext4_that_was_in_use_is_refused(tmp_path: Path) -> None:
    made = finished_disks.make(tmp_path / "d", ROOT_ALONE)
    start = made.part(Role.root).start
    with made.path.open("r+b") as stream:
        stream.seek(start + 1024 + 0x60)
        (features,) = stream.read(1)
        stream.seek(start + 1024 + 0x60)
        stream.write(bytes([features | 4]))  # its journal is to be replayed
    with made.path.open("rb") as stream, pytest.raises(ImageError, match="was in use"):
        read_disk(stream)


def test_all_ids_become_others(tmp_path: Path) -> None:
    made = finished_disks.make(tmp_path / "d")
    with made.path.open("rb") as stream:
        disk = read_disk(stream)
        before = disk.ids
        ids = derive_ids(disk, "other")
        assert ids == derive_ids(disk, "other")
        change_all_ids(disk, ids)
        pieces = [
            (it.extent.start, it.blocks) for it in (disk.whole, *(p.image for p in disk.parts))
        ]
    target = tmp_path / "other.img"
    target.write_bytes(made.path.read_bytes())
    with target.open("r+b") as stream:
        for start, blocks in pieces:
            for number, block in blocks.items():
                stream.seek(start + number * 4096)
                stream.write(block)
    with target.open("rb") as stream:
        assert not set(read_disk(stream).ids) & set(before)
    for role in (Role.root, Role.home):
        part = finished_disks.part_of(target, GPT, role)
        image = tmp_path / "part.img"
        image.write_bytes(part.read(0, part.size))
        done = subprocess.run(
            ["e2fsck", "-fn", image], capture_output=True, text=True, env=PROGRAMS, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_ids_are_found_whole_and_in_either_case() -> None:
    names = {"44ffe1cd-02": "00000001-02", "44e9-58ae": "ABCD-1234"}
    text = b"root=PARTUUID=44FFE1CD-02 UUID=44E9-58AE x44e9-58ae 44e9-58ae1 44ffe1cd-021"
    changed = b"root=PARTUUID=00000001-02 UUID=ABCD-1234 x44e9-58ae 44e9-58ae1 44ffe1cd-021"
    assert with_ids(text, names) == changed
    assert with_ids(text, {}) == text


def test_metadata_that_lies_ends_in_a_sentence(tmp_path: Path) -> None:
    """Folders whose entries are shorter than themselves, or that name files there are not."""
    made = finished_disks.make(tmp_path / "d", ROOT_ALONE)
    with made.path.open("rb") as stream:
        image = ChangedImage(stream, read_disk(stream).mounted[""].slot.extent)
        files = Ext4Files(image)
        folder = files.find("etc")
        assert folder
        (extent,) = files.ext4.content(files.ext4.inode(folder.inode))
        place = extent.start + image.read(extent.start, extent.size).index(b"passwd") - 8
        for at, text in ((4, b"\4\0"), (4, b"\xff\xff"), (6, b"\xff"), (0, b"\xff\xff\xff\x7f")):
            hostile = ChangedImage(stream, image.extent)
            hostile.write(place + at, text)
            with pytest.raises(ImageError, match="damaged"):
                list(Ext4Files(hostile).entries(folder))

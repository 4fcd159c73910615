"""Images and manifests that somebody made to do harm, or that are merely odd, when compared."""

import json
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimager.errors import ConfigError, ImageError
from aimager.image.compare import contents
from aimager.image.compare.difference import Difference, compare
from aimager.image.compare.side import read_sides
from aimager.model.partition import Role
from tests.image.test_compare_archives import archive, manifest
from tests.support import finished_disks
from tests.support.bombs import MIB, gzipped, header, measure, member

COMPARE = """
import sys
from pathlib import Path
from aimager.errors import AimagerError
from aimager.image.compare.contents import read_contents
try:
    print(len(read_contents(Path(sys.argv[1])).packages or ()), "packages")
except AimagerError as error:
    print(error)
"""
RECORD = "var/lib/pacman/local/{}/desc"


def found(one: Path, other: Path) -> Difference:
    return compare(*read_sides(one, other))


def fat(path: Path, *, table: int, size: int) -> Path:
    """FAT32 with many folders in its root that all lie in the same megabyte."""
    sector = bytearray(512)
    struct.pack_into("<HBHBHH", sector, 11, 512, 8, 32, 1, 0, 0)
    struct.pack_into("<II", sector, 32, size // 512, table)
    struct.pack_into("<I", sector, 44, 2)
    sector[82:87], sector[510:] = b"FAT32", b"\x55\xaa"
    chain = [0, 0, 0x0FFFFFFF, *range(4, 259), 0x0FFFFFFF]
    entries = [struct.pack("<11sB8x4HI", b"%-11d" % n, 16, 0, 0, 0, 3, 0) for n in range(127)]
    with path.open("wb") as stream:
        stream.write(sector)
        stream.seek(32 * 512)
        stream.write(struct.pack(f"<{len(chain)}I", *chain))
        stream.seek((32 + table) * 512)
        stream.write(b"".join(entries))
        stream.truncate(size)
    return path


def test_fat_that_holds_more_than_it_has_is_refused(tmp_path: Path) -> None:
    for path in (
        fat(tmp_path / "folders.img", table=8, size=2 * MIB),
        fat(tmp_path / "table.img", table=1 << 22, size=4096 * MIB),
    ):
        with pytest.raises(ImageError, match="is damaged, or holds too much"):
            contents.read_contents(path)


def test_records_of_packages_are_not_kept(tmp_path: Path) -> None:
    def records() -> Iterator[bytes]:
        for n in range(200):
            text = f"%NAME%\np{n}\n\n%VERSION%\n1-1\n\n%X%\n".encode()
            yield member(RECORD.format(n).encode(), text + b"x" * (MIB - 100))

    cost = measure(COMPARE, gzipped(tmp_path / "root.tar.gz", records()))
    assert cost.said == "200 packages\n"
    assert cost.memory < 150


def test_long_names_and_paths_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desc = b"%%NAME%%\n%s\n\n%%VERSION%%\n1\n" % (b"x" * 1000)
    path = tmp_path / "root.tar"
    path.write_bytes(member(RECORD.format("a").encode(), desc))
    with pytest.raises(ImageError, match=r"record in root\.tar is damaged: its NAME or VERSION"):
        contents.read_contents(path)
    monkeypatch.setattr(contents, "LONGEST_PATHS", 20)
    with pytest.raises(ImageError, match="too many files, or too long paths"):
        contents.read_contents(archive(tmp_path / "long.tar"))


def test_odd_headers_of_archives(tmp_path: Path) -> None:
    path, usual = tmp_path / "odd.tar", tmp_path / "usual.tar"
    usual.write_bytes(member(b"{a", b"abc"))
    assert not found(usual, usual).files  # it is no JSON
    for size in (1 << 63, (1 << 88) - 1):
        path.write_bytes(header(b"a", size))
        with pytest.raises(ImageError, match="a header is damaged"):
            contents.read_contents(path)
    odd = bytearray(member(b"{a", b"abc"))
    odd[136:148] = (-100).to_bytes(12, "big", signed=True)
    odd[148:156] = b" " * 8
    odd[148:156] = b"%06o\0 " % sum(odd[:512])
    path.write_bytes(odd)
    assert [it.facts for it in found(usual, path).files] == [("time 0 -> -100",)]


def test_a_partition_is_the_same_whatever_its_file_is_called(tmp_path: Path) -> None:
    """And whatever lies beside it: other programs have a manifest.json, too."""
    window = finished_disks.make(tmp_path / "d").part(Role.boot)
    one, other = tmp_path / "one.img", tmp_path / "other.img"
    one.write_bytes(window.read(0, window.size))
    shutil.copyfile(one, other)
    (tmp_path / "manifest.json").write_text('[{"Config": "x.json"}]')
    assert found(one, other).is_empty


def test_what_is_nearly_an_image_is_refused_by_what_it_is(tmp_path: Path) -> None:
    disk = finished_disks.make(tmp_path / "d").path
    cut, qcow2 = tmp_path / "cut.img", tmp_path / "disk.qcow2"
    cut.write_bytes(disk.read_bytes()[: 50 * MIB])
    qcow2.write_bytes(b"QFI\xfb" + bytes(1000))
    for path, said in ((cut, "no partition table that is in order"), (qcow2, "the form qcow2")):
        with pytest.raises(ConfigError, match=said):
            found(path, disk)


def test_manifests_that_lie_are_refused(tmp_path: Path) -> None:
    package = {"name": "a", "version": "1-1", "sha256": "a" * 64}
    good = manifest(tmp_path, "good.json")
    for changed, said in (
        ({"packages": [{**package, "version": "1" * 5000}]}, "version of a package is too long"),
        ({"packages": [{**package, "name": "a" * 5000}]}, "version of a package is too long"),
        ({"packages": [{"name": "a"}]}, "a package has no name or version"),
        ({"packages": [["name"]]}, "a package has no name or version"),
        ({"x" * 2000: 1}, "a name in it is too long"),
        ({"x": {"y" * 600: {"z" * 600: 1}}}, "a name in it is too long"),
    ):
        with pytest.raises(ConfigError, match=said):
            found(good, manifest(tmp_path, **changed))
    deep = json.dumps({"build": "x", "packages": [], "results": [], "a": 0})
    (tmp_path / "deep.json").write_text(deep.replace("0}", '{"a":' * 600 + "1" + "}" * 601))
    with pytest.raises(ConfigError, match=r"too long|too deeply"):
        found(good, tmp_path / "deep.json")


def test_settings_that_look_alike_differ(tmp_path: Path) -> None:
    one, other = manifest(tmp_path, "one.json", a={}), manifest(tmp_path, "other.json")
    assert [(it.name, it.before) for it in found(one, other).settings] == [("a", "{}")]
    one = manifest(tmp_path, "one.json", a={"b.c": 1})
    other = manifest(tmp_path, "other.json", a={"b": {"c": 1}})
    assert [it.name for it in found(one, other).settings] == ['a."b.c"', "a.b.c"]

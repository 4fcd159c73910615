"""The first difference of made-up archives and images, told by path and by what differs."""

import io
import shutil
import struct
import subprocess
import tarfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard

from aimager.stand_in.entry import Entry, make_directory, make_file, make_link
from tests.support import first_difference as tested
from tests.support.ext4_reader import read_ext4
from tests.support.fat_reader import read_fat
from tests.support.node import Window

FILES = (
    make_directory("etc"),
    Entry("etc/hosts", mtime=5, data=b"127.0.0.1 localhost\n"),
    Entry("etc/shadow", mode=0o600, gid=11, data=b"root:!::\n"),
    make_link("etc/mtab", "../proc/mounts"),
    make_file("etc/zero", bytes(10000)),
)
MIB = 1 << 20
EPOCH = 1_700_000_000
UUID = "12345678-1234-8234-8234-123456789abc"
PATHS = ("/usr/sbin", "/sbin")


def program(name: str) -> str:
    """A program of the host, or a skipped test."""
    found = shutil.which(name, path=":".join(("/usr/bin", *PATHS)))
    if not found:
        pytest.skip(f"{name} is missing")
    return found


KINDS = {"file": tarfile.REGTYPE, "dir": tarfile.DIRTYPE, "link": tarfile.SYMTYPE}


def member_of(entry: Entry) -> tarfile.TarInfo:
    """The head of an archive's member."""
    member = tarfile.TarInfo(entry.path)
    member.type, member.linkname = KINDS[entry.kind], entry.target
    member.mode, member.uid, member.gid = entry.mode, entry.uid, entry.gid
    member.mtime, member.size = entry.mtime, len(entry.data)
    if entry.capability:
        text = entry.capability.decode("ascii")
        member.pax_headers = {"SCHILY.xattr.security.capability": text}
    return member


def write_tar(path: Path, entries: Iterable[Entry]) -> Path:
    """An archive, compressed if its name says so."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for entry in entries:
            archive.addfile(member_of(entry), io.BytesIO(entry.data))
    data = content.getvalue()
    if path.suffix == ".zst":
        data = zstandard.ZstdCompressor(level=len(data) % 5 + 1).compress(data)
    path.write_bytes(data)
    return path


def changed(path: str, **fields: object) -> tuple[Entry, ...]:
    """The files with one that differs."""
    return tuple(replace(e, **fields) if e.path == path else e for e in FILES)  # type: ignore[arg-type]


TAR_CASES = {
    "content": (
        changed("etc/hosts", data=b"127.0.0.1 localhosT\n"),
        "etc/hosts: content from byte 18 on: b'127.0.0.1 localhost\\n', not"
        " b'127.0.0.1 localhosT\\n'",
    ),
    "length": (
        changed("etc/hosts", data=b"127.0.0.1"),
        "etc/hosts: size 20, not 9; content from byte 9 on:"
        " b'127.0.0.1 localhost\\n', not b'127.0.0.1'",
    ),
    "mode": (changed("etc/shadow", mode=0o640), "etc/shadow: mode 600, not 640"),
    "owner": (changed("etc/shadow", uid=7, gid=8), "etc/shadow: owner 0:11, not 7:8"),
    "mtime": (changed("etc/hosts", mtime=6), "etc/hosts: mtime 5, not 6"),
    "xattr": (
        changed("etc/hosts", capability=b"\x01"),
        "etc/hosts: xattr security.capability none, not '\\x01'",
    ),
    "target": (changed("etc/mtab", target="x"), "etc/mtab: target ../proc/mounts, not x"),
    "kind": (changed("etc/mtab", kind="dir"), "etc/mtab: type symbolic link, not folder"),
    "missing": (FILES[:-1], "etc/zero is only in the first"),
    "added": ((*FILES, make_file("etc/more", "")), "etc/more is only in the second"),
    "order": (
        (FILES[0], FILES[2], FILES[1], *FILES[3:]),
        "order: etc/hosts is number 1 in the first only, there etc/shadow",
    ),
    "twice": ((*FILES, FILES[-1]), "order: a path is in one of them twice"),
}


@pytest.mark.parametrize("suffix", ["tar", "tar.zst"])
@pytest.mark.parametrize("case", TAR_CASES)
def test_archives(tmp_path: Path, suffix: str, case: str) -> None:
    entries, expected = TAR_CASES[case]
    one = write_tar(tmp_path / f"one.{suffix}", FILES)
    other = write_tar(tmp_path / f"other.{suffix}", entries)
    assert tested.first_difference(one, other).startswith(expected)


def test_further_paths_are_named(tmp_path: Path) -> None:
    one = write_tar(tmp_path / "one.tar", FILES)
    other = write_tar(tmp_path / "other.tar", [replace(entry, mtime=9) for entry in FILES])
    assert tested.first_difference(one, other).splitlines() == [
        "etc: mtime 0, not 9",
        "4 further paths differ: etc/hosts, etc/shadow, etc/mtab, etc/zero",
    ]


def test_equal_archives(tmp_path: Path) -> None:
    one, other = (write_tar(tmp_path / name, FILES) for name in ("one.tar", "other.tar"))
    assert tested.first_difference(one, other) == ""


def test_archives_that_differ_in_their_wrapping_only(tmp_path: Path) -> None:
    one, other = (write_tar(tmp_path / name, FILES) for name in ("one.tar", "other.tar"))
    other.write_bytes(other.read_bytes() + bytes(10240))
    size = one.stat().st_size
    assert tested.first_difference(one, other) == (
        f"no member differs, only their wrapping: byte {size} on ({size // 4096} whole 4 KiB"
        f" before) is , not {'00' * 16}"
    )


def make_tree(top: Path) -> None:
    """A small tree, with a file of several blocks, links and a folder of many entries."""
    (top / "etc").mkdir(parents=True)
    (top / "etc/hosts").write_text("localhost\n")
    (top / "etc/mtab").symlink_to("../proc/mounts")
    (top / "etc/long").symlink_to("/long" * 30)
    (top / "many").mkdir()
    for number in range(300):
        (top / f"many/a file with a long name {number:03}").write_text(str(number))
    (top / "large").write_bytes(bytes(range(256)) * 2000)


def make_ext4(tree: Path, image: Path) -> Path:
    """An ext4 image of the tree by the host's mke2fs."""
    with image.open("wb") as stream:
        stream.truncate(32 << 20)
    argv = [program("mke2fs"), "-q", "-F", "-t", "ext4", "-U", UUID]
    argv += ["-E", f"root_owner=0:0,hash_seed={UUID}", "-d", str(tree), str(image)]
    environment = {"E2FSPROGS_FAKE_TIME": str(EPOCH), "LC_ALL": "C"}
    subprocess.run(argv, env=environment, check=True, capture_output=True)
    return image


def make_fat(tree: Path, image: Path) -> Path:
    """A FAT image of the tree, links left out, by the host's mkfs.fat and mcopy."""
    with image.open("wb") as stream:
        stream.truncate(40 << 20)
    argv = [program("mkfs.fat"), "--invariant", "-F", "32", "-n", "BOOT", str(image)]
    subprocess.run(argv, check=True, capture_output=True)
    sources = [str(tree / name) for name in ("many", "large")]
    environment = {"MTOOLS_SKIP_CHECK": "1", "SOURCE_DATE_EPOCH": str(EPOCH), "TZ": "UTC"}
    argv = [program("mcopy"), "-s", "-i", str(image), *sources, "::/"]
    subprocess.run(argv, env=environment, check=True, capture_output=True)
    return image


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The small tree."""
    make_tree(tmp_path / "tree")
    return tmp_path / "tree"


def paths_of(tree: Path) -> set[str]:
    """All paths below a folder, as the readers spell them."""
    return {f"/{path.relative_to(tree)}" for path in tree.rglob("*")}


def test_ext4_is_read(tmp_path: Path, tree: Path) -> None:
    image = make_ext4(tree, tmp_path / "image")
    nodes = {node.path: node for node in read_ext4(Window.whole(image))}
    assert nodes.keys() == {"/", "/lost+found", *paths_of(tree)}
    for path in (p for p in tree.rglob("*") if p.is_file() and not p.is_symlink()):
        assert nodes[f"/{path.relative_to(tree)}"].read() == path.read_bytes()
    assert nodes["/etc/mtab"].facts["target"] == "../proc/mounts"
    assert nodes["/etc/long"].facts["target"] == "/long" * 30
    assert nodes["/etc/hosts"].facts["mode"] == "100644"


def test_fat_is_read(tmp_path: Path, tree: Path) -> None:
    image = make_fat(tree, tmp_path / "image")
    nodes = {node.path: node for node in read_fat(Window.whole(image))}
    wanted = {path for path in paths_of(tree) if not path.startswith("/etc")}
    assert nodes.keys() == {"the label BOOT", *wanted}
    assert nodes["/large"].read() == (tree / "large").read_bytes()
    assert nodes["/many/a file with a long name 017"].read() == b"17"


def test_fat_images(tmp_path: Path, tree: Path) -> None:
    one = make_fat(tree, tmp_path / "one")
    (tree / "large").write_bytes(b"x" + (tree / "large").read_bytes()[1:])
    said = tested.first_difference(one, make_fat(tree, tmp_path / "other"))
    assert said.startswith("/large: content from byte 0 on: b'\\x00\\x01")


def debugfs(image: Path, command: str) -> None:
    """Change an ext4 image."""
    argv = [program("debugfs"), "-w", "-R", command, str(image)]
    environment = {"E2FSPROGS_FAKE_TIME": str(EPOCH)}
    subprocess.run(argv, env=environment, check=True, capture_output=True)


EXT4_CASES = {
    "set_inode_field /etc/hosts mode 0100600": "/etc/hosts: mode 100644, not 100600",
    "set_inode_field /etc/hosts uid 70000": "/etc/hosts: owner {owner}, not 70000:",
    "set_inode_field /etc/hosts mtime @1": "/etc/hosts: mtime {mtime}, not 1",
    "set_inode_field /etc/hosts crtime @1": "/etc/hosts: crtime {crtime}, not 1",
    "ea_set /etc/hosts security.x y": "/etc/hosts: xattr security.x none, not 79",
    "unlink /large": "/large is only in the first",
    "set_super_value mtime 20250101000000": "no file differs: byte 1068 on (0 whole 4 KiB",
}


@pytest.mark.parametrize("command", EXT4_CASES)
def test_ext4_images(tmp_path: Path, tree: Path, command: str) -> None:
    one = make_ext4(tree, tmp_path / "one")
    other = Path(shutil.copy(one, tmp_path / "other"))
    assert tested.first_difference(one, other) == ""
    debugfs(other, command)
    hosts = next(n for n in read_ext4(Window.whole(one)) if n.path == "/etc/hosts")
    assert tested.first_difference(one, other).startswith(EXT4_CASES[command].format(**hosts.facts))


def make_disk(path: Path, partitions: list[bytes]) -> Path:
    """A disk with an MBR and partitions of a MiB each."""
    table = b"".join(
        struct.pack("<4B4B2I", 0, 0, 0, 0, 0x83, 0, 0, 0, (number + 1) * 2048, 2048)
        for number in range(len(partitions))
    )
    content = bytes(446) + table.ljust(64, b"\0") + b"\x55\xaa"
    for partition in partitions:
        content = content.ljust(-(-len(content) // MIB) * MIB, b"\0") + partition
    path.write_bytes(content.ljust((len(partitions) + 1) * MIB, b"\0"))
    return path


def test_disks(tmp_path: Path) -> None:
    one = make_disk(tmp_path / "one", [b"boot", b"root"])
    other = make_disk(tmp_path / "other", [b"boot", b"rooT"])
    said = tested.first_difference(one, other)
    assert said.startswith(f"partition 2: no file differs: byte {2 * MIB + 3} on")
    fewer = make_disk(tmp_path / "fewer", [b"boot"])
    assert tested.first_difference(one, fewer) == f"the size is {3 * MIB}, not {2 * MIB}"


def test_a_gpt_disk_with_a_file_system(tmp_path: Path, tree: Path) -> None:
    disks = [tmp_path / "one", tmp_path / "other"]
    part = make_ext4(tree, tmp_path / "part")
    table = f"label: gpt\nlabel-id: {UUID}\nstart=2048, size={32 * 2048}, uuid={UUID}\n"
    for disk in disks:
        disk.write_bytes(bytes(MIB) + part.read_bytes() + bytes(3 * MIB))
        argv = [program("sfdisk"), "--quiet", "--wipe=never", str(disk)]
        subprocess.run(argv, input=table, text=True, check=True)
        debugfs(part, "set_inode_field /etc/hosts mode 0100600")
    said = tested.first_difference(*disks)
    assert said == "partition 1: /etc/hosts: mode 100644, not 100600"


def test_diffoscope_is_pointed_at_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = write_tar(tmp_path / "one.tar", FILES)
    other = write_tar(tmp_path / "other.tar", FILES[:-1])
    monkeypatch.setenv("PATH", str(tmp_path))
    alone = "etc/zero is only in the first"
    assert tested.explain(one, other) == alone
    stand_in = tmp_path / "diffoscope"
    stand_in.write_text('#!/bin/sh\nfor f; do echo "$f"; done\nexit 1\n')
    stand_in.chmod(0o755)
    said = tested.explain(one, other).splitlines()
    assert said[0] == alone
    assert said[-2:] == [str(one), str(other)]
    assert tested.explain(one, one) == ""

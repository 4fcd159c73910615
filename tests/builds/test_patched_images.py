"""An image into which settings were written is the same, whatever it was written into."""

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from aimager.files import copy_sparse, sha256
from tests.support.cells import HOST, build
from tests.support.ext4_reader import read_ext4
from tests.support.first_difference import read_partitions
from tests.support.node import Node, Window
from tests.support.partition_images import check_fat
from tests.support.runs import USER, Doit
from tests.support.seed import Copies
from tests.support.trees import check_ext4

CREATED = ("root.tar", "part-boot.img", "part-root.img", "disk.img")


@dataclass(frozen=True)
class Built:
    """An image that was made of another's, and the folder of its results."""

    doit: Doit
    words: tuple[str, ...]
    folder: Path
    sums: dict[str, str]

    def log(self) -> str:
        """What the programs said that made the image that was made last."""
        logs = self.doit.cache.glob("log/pack-image*")
        return max(logs, key=lambda log: log.stat().st_mtime_ns).read_text(errors="replace")


@pytest.fixture(scope="module")
def built(copies: Copies, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    doit = copies("patched")
    key = tmp_path_factory.mktemp("given") / "key"
    key.write_text("ssh-ed25519 AAAA\n")
    created = f"create={','.join(CREATED)}"
    added = f"files={key}:/home/alice/.ssh/authorized_keys:0600"
    settings = (*USER, added, "services=systemd-networkd", "locales=de_DE.UTF-8")
    words: tuple[str, ...] = (*HOST.words, created, *settings)
    build(doit, *words, "hostname=first")
    assert "$ mke2fs" in Built(doit, words, Path(), {}).log()
    before = uuid(HOST.folder(doit))
    words = (*words, "hostname=second")
    build(doit, *words)
    folder = HOST.folder(doit)
    made = Built(doit, words, folder, {name: sha256(folder / name) for name in CREATED})
    assert "$ mke2fs" not in made.log()
    assert uuid(folder) != before
    yield made


def uuid(folder: Path) -> bytes:
    """The id of the root's file system."""
    return Window.whole(folder / "part-root.img").read(1024 + 0x68, 16)


def test_the_file_systems_are_in_order(built: Built) -> None:
    check_ext4(built.folder / "part-root.img")
    check_fat(built.folder / "part-boot.img")


def test_the_disk_has_the_parts(built: Built) -> None:
    disk = Window.whole(built.folder / "disk.img")
    boot, root = read_partitions(disk)
    for name, part in (("boot", boot), ("root", root)):
        image = Window.whole(built.folder / f"part-{name}.img")
        assert image.size == part.sectors * 512
        for at in range(0, image.size, 1 << 24):
            assert disk.read(part.start * 512 + at, 1 << 24)[: image.size - at] == image.read(
                at, 1 << 24
            )


def test_the_root_holds_what_its_archive_does(built: Built) -> None:
    nodes = {
        node.path[1:]: node for node in read_ext4(Window.whole(built.folder / "part-root.img"))
    }
    with tarfile.open(built.folder / "root.tar") as archive:
        members = {member.name.removeprefix("./"): member for member in archive}
        elsewhere = {name for name in members if name == "boot" or name.startswith("boot/")}
        assert members.keys() - elsewhere - {"."} == nodes.keys() - {"", "boot", "lost+found"}
        for name in members.keys() - elsewhere - {"."}:
            assert told(archive, members[name]) == found(nodes[name]), name


def told(archive: tarfile.TarFile, member: tarfile.TarInfo) -> tuple[object, ...]:
    content = archive.extractfile(member) if member.isreg() or member.islnk() else None
    owner = f"{member.uid}:{member.gid}"
    target = member.linkname if member.issym() else ""
    read = content.read() if content else b""
    return member.mode, owner, int(member.mtime), target, read


def found(node: Node) -> tuple[object, ...]:
    facts = node.facts
    mode, mtime = int(facts["mode"], 8) & 0o7777, int(facts["mtime"])
    return mode, facts["owner"], mtime, facts.get("target", ""), node.read()


def test_one_that_is_made_anew_has_the_same_bytes(built: Built) -> None:
    """Whoever boots a result writes to the file that the cache has; then nothing is made of it."""
    for disk in built.doit.cache.glob("product/pack-image/*/*/disk.img"):
        own = disk.with_name("own")
        copy_sparse(disk, own)
        own.rename(disk)  # in place of the seed's, which others share
        with disk.open("r+b") as stream:
            stream.seek(-1, 2)
            stream.write(b"x")
    build(built.doit, *built.words)
    assert "$ mke2fs" in built.log()
    assert {name: sha256(built.folder / name) for name in CREATED} == built.sums

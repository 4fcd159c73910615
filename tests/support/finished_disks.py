"""Small disk images as builds make them, with what set-up reads, but no system that could start."""

from dataclasses import dataclass
from pathlib import Path

from aimager.image.disk import sfdisk_script
from aimager.image.filesystem.ext4 import make_ext4
from aimager.image.filesystem.fat import make_fat
from aimager.image.filesystem.swap import make_swap
from aimager.model.architecture import Architecture
from aimager.model.image_ids import ImageIds
from aimager.model.layout import disk_size, lay_out
from aimager.model.partition import FileSystem, Label, MiB, Partition, PartitionTable, Role
from aimager.sandbox.tree import Tree
from aimager.system.first_boot import prepare_first_boot
from aimager.system.fstab import fstab_text, list_mounts, root_words
from tests.support.node import Window
from tests.support.trees import EPOCH, TOOLS, make_disk

_FILES = {
    "etc/passwd": "root:x:0:0::/root:/bin/sh\nold:x:1000:1000::/home/old:/bin/sh\n",
    "etc/group": "root:x:0:\nwheel:x:998:\nold:x:1000:\n",
    "etc/shadow": "root:*:19000::::::\nold:$6$former$hash:19000:0:99999:7:::\n",
    "etc/gshadow": "root:::\nwheel:!::\nold:!::\n",
    "etc/subuid": "",
    "etc/subgid": "",
    "etc/login.defs": "UID_MIN 1000\nUID_MAX 60000\nGID_MIN 1000\nUSERGROUPS_ENAB yes\n",
    "etc/default/useradd": "HOME=/home\nSHELL=/bin/sh\nSKEL=/etc/skel\n",
    "etc/skel/.profile": "# of the image\n",
    "etc/hostname": "plain\n",
    "usr/lib/systemd/system/systemd-networkd.service": "",
    "usr/lib/systemd/system/sshd.service": "",
    "usr/lib/systemd/system/iwd.service": "",
    "usr/bin/large": "x" * (3 * MiB),
    "home/old/.profile": "# of old\n",
    "boot/vmlinuz-linux": "kernel" * 50_000,
}

BOOT = Partition(Role.boot, FileSystem.vfat, size=40 * MiB)
ROOT = Partition(Role.root, FileSystem.ext4, size=64 * MiB)
HOME = Partition(Role.home, FileSystem.ext4, size=32 * MiB)
SWAP = Partition(Role.swap, FileSystem.swap, size=1 * MiB)

GPT = PartitionTable(Label.gpt, (BOOT, SWAP, ROOT, HOME))
DOS = PartitionTable(Label.dos, (BOOT, ROOT))
ROOT_ALONE = PartitionTable(Label.dos, (ROOT,))


@dataclass(frozen=True)
class Disk:
    """An image, and the ids that it has."""

    path: Path
    ids: ImageIds

    def part(self, role: Role) -> Window:
        """One of its partitions."""
        return part_of(self.path, self.ids.table, role)


def part_of(image: Path, table: PartitionTable, role: Role) -> Window:
    """A partition of an image with ``table``."""
    extents = lay_out(table, [partition.size or 0 for partition in table.partitions])
    index = [partition.role for partition in table.partitions].index(role)
    return Window.whole(image).part(extents[index].start, extents[index].size)


def make(folder: Path, table: PartitionTable = GPT, **changed: str | None) -> Disk:
    """An image in ``folder``; ``changed`` are files, by their paths with ``__`` for slashes."""
    folder.mkdir(parents=True, exist_ok=True)
    ids = ImageIds("first", table)
    tree = _make_tree(folder / "tree", ids, {k.replace("__", "/"): v for k, v in changed.items()})
    parts = []
    for partition in table.partitions:
        image = folder / f"part-{partition.role}.img"
        _make_part(tree, ids, partition, image)
        parts.append(image)
    extents = lay_out(table, [partition.size or 0 for partition in table.partitions])
    whole = disk_size(table, extents)
    uuids = ids.partitions
    machine = Architecture.x86_64
    script = sfdisk_script(
        table, extents, disk_id=ids.disk, partition_uuids=uuids, architecture=machine, size=whole
    )
    disk = folder / "disk.img"
    make_disk(disk, script, list(zip(extents, parts, strict=True)), size=whole)
    for part in parts:
        part.unlink()
    return Disk(disk, ids)


def _make_tree(top: Path, ids: ImageIds, changed: dict[str, str | None]) -> Path:
    words = " ".join(root_words(ids))
    texts: dict[str, str | None] = {
        **_FILES,
        "etc/fstab": fstab_text(list_mounts(ids)),
        "boot/loader/entries/linux.conf": f"title Arch\noptions {words} quiet\n",
        "boot/cmdline.txt": f"root=PARTUUID={ids.partuuid(Role.root)} rw\n",
        **changed,
    }
    top.mkdir()
    tree = Tree(top)
    prepare_first_boot(tree, grow=None)
    for path, text in texts.items():
        if text is None:
            tree.remove(path)
        else:
            tree.unlink(path)  # which may be for reading only, and the user not root
            tree.write(path, text)
    for folder in ("boot", "home", "root", "var/lib"):
        tree.mkdir(folder)
    tree.symlink("var/mail", "spool/mail")
    return top


def _make_part(tree: Path, ids: ImageIds, partition: Partition, image: Path) -> None:
    size, role = partition.size or 0, partition.role
    source = tree / (role.mount_point or "").strip("/")
    if partition.file_system is FileSystem.swap:
        make_swap(TOOLS, partition, image, size=size, uuid=ids.file_system(role))
    elif partition.file_system is FileSystem.vfat:
        volume, label = ids.volume(role), role.value
        make_fat(TOOLS, source, image, size=size, volume_id=volume, label=label, epoch=EPOCH)
    else:
        uuid, label = ids.file_system(role), role.value
        if role is Role.root:
            for other in ids.table.filled:
                if other.role is not Role.root and other.role.mount_point:
                    _set_aside(tree, other.role)
        make_ext4(TOOLS, source, image, size=size, uuid=uuid, label=label, epoch=EPOCH)
        if role is Role.root:
            _bring_back(tree)


def _set_aside(tree: Path, role: Role) -> None:
    folder = tree / (role.mount_point or "").strip("/")
    folder.rename(tree.with_name(f"{role}-aside"))
    folder.mkdir()


def _bring_back(tree: Path) -> None:
    for role in (Role.boot, Role.home):
        aside = tree.with_name(f"{role}-aside")
        if aside.exists():
            folder = tree / (role.mount_point or "").strip("/")
            folder.rmdir()
            aside.rename(folder)

"""A disk whose root is made in its place is the one to which its image is copied, in all bytes."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest

from aimager import files
from aimager.errors import ImageError
from aimager.image import make_patched
from aimager.image.changed_image import ChangedImage
from aimager.image.disk_in_place import ImageInPlace, begin_for_root
from aimager.image.filesystem.ext4 import Place, make_ext4
from aimager.image.filesystem.ext4_size import ext4_size
from aimager.image.filesystem.usage import usage
from aimager.image.make_images import Images, make_images
from aimager.image.make_patched import Patching
from aimager.image.plain_images import plain_images
from aimager.image.undo import read_contents, read_undo
from aimager.model.architecture import Architecture
from aimager.model.board import Boot, RawPiece
from aimager.model.image_ids import ImageIds
from aimager.model.layout import Extent
from aimager.model.partition import FileSystem, MiB, Role
from aimager.model.product import Product
from aimager.model.sfdisk_table import read_table
from aimager.sandbox.tree import Tree
from aimager.sandbox.tree_changes import watch
from tests.support import trees
from tests.support.partition_images import small_tree

START = 3 * MiB
TABLES = {
    "gpt": "label: gpt; aimager@boot: size=40MiB, type=uefi; aimager@root: start=42MiB",
    "dos": "label: dos; aimager@boot: size=40MiB; aimager@root: size=80MiB;"
    " aimager@home: size=40MiB; aimager@swap: size=2MiB",
    "first": "label: gpt; aimager@root: start=2MiB; aimager@home: size=60MiB",
}


class Told:
    """Sums a disk while it is written, of bytes as they are when they are told to be final."""

    def __init__(self) -> None:
        self.end = 0
        self._digest = sha256()
        self._path = Path()

    @contextmanager
    def following(self, path: Path, target: Path) -> Iterator["Told"]:
        self._path = path
        yield self

    def advance(self, end: int) -> None:
        with self._path.open("rb") as stream:
            files.feed(self._digest, stream.fileno(), self.end, end)
        self.end = max(self.end, end)

    @property
    def sum(self) -> str:
        return self._digest.hexdigest()


def begin_of(path: Path, end: int) -> str:
    with path.open("rb") as stream:
        return sha256(stream.read(end)).hexdigest()


@dataclass(frozen=True)
class Making:
    """A system in ``folder``, and the images to be made of it."""

    folder: Path
    images: Images
    tree: Tree

    @property
    def disk(self) -> Path:
        return self.images.disk

    def set_up(self) -> None:
        """Change what setting a system up does: files grow, are made and removed."""
        top = self.tree.path
        (top / "etc/hostname").write_text("pc\n" * 9000)
        (top / "etc/new").mkdir()
        (top / "etc/new/file").write_text("new")
        (top / "000/000001").unlink()
        (top / "boot/loader.conf").write_text("timeout 3\n" * 900)
        (top / "u-boot.bin").write_bytes(b"loader of its own")

    def patch(
        self, digests: Any, *, meanwhile: bool = False
    ) -> tuple[Patching, tuple[Extent, ...] | None]:
        """Make plain images, set the system up, and write that into them."""
        images, tree, epoch = self.images, self.tree, trees.EPOCH
        with plain_images(
            images, trees.TOOLS, tree, None, epoch=epoch, meanwhile=meanwhile
        ) as plain:
            since = watch(tree)
            patching = Patching(images, trees.TOOLS, tree, plain, since, epoch=epoch, anew=True)
            self.set_up()
            patching.look()
            return patching, patching.make(digests)


def making(folder: Path, table: str, products: Sequence[Product]) -> Making:
    folder.mkdir()
    top = small_tree(folder / "tree", 30, 100_000)
    for name in ("etc", "boot", "home"):
        (top / name).mkdir()
    for name in ("boot/kernel", "etc/hostname", "u-boot.bin"):
        (top / name).write_text(name * 5000)
    for path in (top, *top.rglob("*")):
        os.utime(path, (trees.EPOCH - 10, trees.EPOCH - 10))
    read = read_table(TABLES[table])
    for name in ("out", "work"):
        (folder / name).mkdir()
    images = Images(
        products=tuple(products),
        ids=ImageIds("seed", read),
        table=read,
        boot=Boot(raw_pieces=(RawPiece("u-boot.bin", MiB // 2),)),
        architecture=Architecture.x86_64,
        disk_from=None,
        out=folder / "out",
        work=folder / "work",
    )
    return Making(folder, images, Tree(top))


def holes(path: Path) -> list[tuple[int, int]]:
    with path.open("rb") as stream:
        image = ChangedImage(stream, Extent(0, path.stat().st_size))
        return list(make_patched._data(image))


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("is_handed", [True, False])
def test_it_is_the_disk_to_which_a_root_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: str, is_handed: bool
) -> None:
    copied = making(tmp_path / "copied", table, (Product.disk, Product.part_root))
    there = making(tmp_path / "there", table, (Product.disk,))
    assert there.tree.path.name == copied.tree.path.name
    first, mapped = copied.patch(MagicMock())
    assert (copied.folder / "work/part-root.img").is_file()
    if is_handed:
        there.disk.touch()
        monkeypatch.setattr(os.path, "ismount", lambda path: path == there.disk)
    told = Told()
    second, again = there.patch(told)
    assert (there.folder / "work/part-root.img").is_symlink()
    assert mapped == again
    assert files.sha256(there.disk) == files.sha256(copied.disk)
    assert told.end == list(second.placed.values())[-1].end
    assert told.sum == begin_of(there.disk, told.end)
    data = sum(end - start for start, end in holes(copied.disk))
    assert sum(end - start for start, end in holes(there.disk)) in {data, data - 64 * 1024}
    assert undo_of(second, tmp_path / "second") == undo_of(first, tmp_path / "first")


def undo_of(patching: Patching, target: Path) -> object:
    patching.write_undo(target, "plain", MagicMock(of=files.sha256))
    undo = read_undo(target)
    assert undo
    return undo.parts, read_contents(target, undo)


@pytest.mark.parametrize("is_handed", [True, False])
def test_where_that_fails_it_is_made_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_handed: bool
) -> None:
    whole = making(tmp_path / "whole", "gpt", (Product.disk,))
    whole.set_up()
    sums = MagicMock()
    make_images(whole.images, trees.TOOLS, whole.tree, sums, epoch=trees.EPOCH)
    there = making(tmp_path / "there", "gpt", (Product.disk,))
    if is_handed:
        there.disk.touch()
        monkeypatch.setattr(os.path, "ismount", lambda path: path == there.disk)

    def fail(*_: object, **__: object) -> None:
        raise ImageError("it has no room", hint="x")

    monkeypatch.setattr(make_patched, "patch_ext4", fail)
    assert there.patch(MagicMock())[1] is None
    assert not there.disk.exists() or not there.disk.stat().st_size
    assert sum(files.data_size(path) for path in there.images.work.iterdir()) < 10 * MiB
    make_images(there.images, trees.TOOLS, there.tree, sums, epoch=trees.EPOCH)
    assert files.sha256(there.disk) == files.sha256(whole.disk)


@pytest.mark.parametrize(
    ("products", "table"),
    [
        ((Product.disk, Product.part_root), "gpt"),
        ((Product.part_boot,), "gpt"),
        ((Product.disk,), "label: gpt; aimager@root: start=2049"),
        ((Product.disk,), "label: gpt; aimager@root:; aimager@home: start=4096"),
    ],
)
def test_others_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, products: tuple[Product, ...], table: str
) -> None:
    monkeypatch.setitem(TABLES, "other", TABLES.get(table, table))
    made = making(tmp_path / "made", "other", products)
    link = made.images.work / "link"
    assert begin_for_root(made.images, trees.TOOLS, {Role.root: made.tree.path}, link) is None
    assert not list(made.images.work.iterdir())


def test_what_is_no_ext4_is_copied(tmp_path: Path) -> None:
    made = making(tmp_path / "made", "gpt", (Product.disk,))
    table = made.images.table.changed(Role.root, file_system=FileSystem.vfat, size=40 * MiB)
    images = replace(made.images, table=table)
    link = images.work / "link"
    assert begin_for_root(images, trees.TOOLS, {Role.root: made.tree.path}, link) is None


def test_one_that_lies_elsewhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "begun").write_bytes(bytes(MiB))
    with (tmp_path / "begun").open("rb") as stream:
        image = ImageInPlace(stream, Extent(4096, 8192), Future())
        with pytest.raises(ImageError, match="larger or smaller"):
            image.hand_over(tmp_path / "disk", Extent(4096, 4096))


def test_an_ext4_within_a_file_is_that_alone(tmp_path: Path) -> None:
    """debugfs, too, finds it there: it sorts attributes, and clamps times for an old mke2fs."""
    tree = small_tree(tmp_path / "tree")
    try:
        for name in ("user.c", "user.a", "user.b"):
            os.setxattr(tree / "000/000001", name, b"x" * 30)
    except OSError as error:
        pytest.skip(f"no attributes can be set: {error.strerror}")
    size = ext4_size(tree)
    around = bytes(range(1, 256)) * (START // 255) + b"x" * (START % 255)
    given: dict[str, Any] = {"uuid": trees.UUID, "label": "root", "epoch": trees.EPOCH}
    make_ext4(trees.TOOLS, tree, tmp_path / "alone", size=size, **given)
    disk = tmp_path / "disk"
    with disk.open("wb") as stream:
        stream.write(around)
        stream.seek(START + size)
        stream.write(around)
    place = Place(START, usage(tree))
    make_ext4(trees.TOOLS, tree, disk, size=size, place=place, **given)
    content = disk.read_bytes()
    assert content[:START] == around
    assert content[START + size :] == around
    assert content[START : START + size] == (tmp_path / "alone").read_bytes()
    with disk.open("rb") as stream:  # mke2fs empties the last 64 KiB
        assert os.lseek(stream.fileno(), START + size - (64 << 10), os.SEEK_DATA) == START + size

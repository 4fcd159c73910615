"""Images hold their trees whole, pass their own checkers, are sparse and always the same."""

import os
import subprocess
from pathlib import Path

import pytest

from aimager.errors import ImageError
from aimager.image.filesystem import ext4_fat as filesystems
from aimager.image.filesystem import ext4_size as ext4_space
from aimager.model.partition import GiB, MiB
from aimager.sandbox.namespace import call
from tests.support import trees

PROGRAMS = {**os.environ, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


def small_tree(top: Path, count: int = 3, size: int = 10_000) -> Path:
    top.mkdir()
    content = bytes(range(1, 33)) * -(-size // 32)
    for number in range(count):
        # Few in a folder: mke2fs searches all of it for each one's name.
        folder = top / f"{number // 1000:03}"
        folder.mkdir(exist_ok=True)
        (folder / f"{number:06}").write_bytes(content[:size])
    return top


def ext4(tree: Path, image: Path, size: int | None = None) -> Path:
    filesystems.make_ext4(
        trees.TOOLS, tree, image, size=size, uuid=trees.UUID, label="root", epoch=trees.EPOCH
    )
    return image


def superblock(image: Path) -> dict[str, str]:
    done = subprocess.run(
        ["dumpe2fs", "-h", image], capture_output=True, text=True, env=PROGRAMS, check=True
    )
    fields = (line.partition(":") for line in done.stdout.splitlines())
    return {name: value.strip() for name, _, value in fields}


def test_equal_trees_have_equal_ext4_images(tmp_path: Path) -> None:
    variant = trees.Variant(tmp_path / "work", 0o077, "Asia/Tokyo", reverse=True)
    sums = call(trees.make_ext4_twice, variant, work=variant.work)
    assert len(set(sums)) == 1, sums


@pytest.mark.parametrize("length", [1, 30, 3000])
def test_attributes_are_in_one_order(tmp_path: Path, length: int) -> None:
    """File systems list them as they like: this one perhaps in the order in which they were set."""
    names = ["user.c", "user.aaa", "user.b"]
    values = {name: name[-1:].encode() * length for name in names}
    images = []
    for number, order in enumerate((names, sorted(names), names[::-1])):
        tree = small_tree(tmp_path / f"tree{number}")
        file = tree / "a file"
        file.write_text("")
        for name in order:
            try:
                os.setxattr(file, name, values[name] if name == "user.b" else b"x")
            except OSError as error:
                pytest.skip(f"no attributes can be set: {error.strerror}")
        images.append(ext4(tree, tmp_path / f"image{number}"))
        trees.check_ext4(images[-1])
    assert len({image.read_bytes() for image in images}) == 1
    listed = trees.debugfs(images[0], 'ea_list "a file"')
    assert all(name in listed for name in names)


@pytest.mark.parametrize(
    ("count", "size"), [(0, 0), (1, 64), (2000, 64), (40_000, 0), (500, 4097), (1, 70 << 20)]
)
def test_the_smallest_size_suffices(tmp_path: Path, count: int, size: int) -> None:
    tree = small_tree(tmp_path / "tree", count, size)
    least = ext4_space.smallest_size(ext4_space.usage(tree))
    assert least % MiB == 0
    trees.check_ext4(ext4(tree, tmp_path / "image", least))
    with pytest.raises(ImageError, match="root-size=") as caught:
        ext4(tree, tmp_path / "image", least - MiB)
    assert f"needs {least >> 20} MiB and was given {(least >> 20) - 1} MiB" in str(caught.value)


def test_long_names_and_links_fit(tmp_path: Path) -> None:
    tree = small_tree(tmp_path / "tree")
    for number in range(3000):
        (tree / f"{number:04}{'n' * 247}").symlink_to("/" + "t" * 100)
    least = ext4_space.smallest_size(ext4_space.usage(tree))
    trees.check_ext4(ext4(tree, tmp_path / "image", least))


@pytest.mark.parametrize("size", [100 * MiB, GiB, 5 * GiB, 40 * GiB])
def test_the_margin_is_modest(size: int) -> None:
    tree = ext4_space.Usage(size // 4096, size // 30_000)
    given = ext4_space.comfortable_size(tree)
    assert size * 9 // 8 + 64 * MiB < given < size * 1.19 + 140 * MiB


def test_ext4_size_is_whole_mebibytes(tmp_path: Path) -> None:
    size = filesystems.ext4_size(small_tree(tmp_path / "tree"))
    assert size % MiB == 0
    assert 64 * MiB < size < 80 * MiB


def test_a_large_image_of_a_small_tree_takes_little_room(tmp_path: Path) -> None:
    image = ext4(small_tree(tmp_path / "tree", 100, 100_000), tmp_path / "image", 16 * GiB)
    assert image.stat().st_size == 16 * GiB
    assert image.stat().st_blocks * 512 < 10_000_000 + 16 * MiB
    trees.check_ext4(image)


def test_holes_and_names_with_spaces(tmp_path: Path) -> None:
    tree = small_tree(tmp_path / "tree")
    with (tree / 'a "hole" <8>').open("wb") as stream:
        stream.truncate(5 << 20)
    image = ext4(tree, tmp_path / "image")
    trees.check_ext4(image)
    assert "Blockcount: 0" in trees.debugfs(image, 'stat "a ""hole"" <8>"')


def test_an_image_can_grow(tmp_path: Path) -> None:
    image = ext4(small_tree(tmp_path / "tree"), tmp_path / "image")
    spare = int(superblock(image)["Reserved GDT blocks"])
    with image.open("r+b") as stream:
        stream.truncate(64 * filesystems.ext4_size(tmp_path / "tree"))
    subprocess.run(["resize2fs", image], capture_output=True, env=PROGRAMS, check=True)
    trees.check_ext4(image)
    grown = superblock(image)
    assert "resize_inode" in grown["Filesystem features"]
    assert "meta_bg" not in grown["Filesystem features"]
    assert 0 < int(grown["Reserved GDT blocks"]) <= spare


def test_boot_loaders_know_the_features(tmp_path: Path) -> None:
    found = superblock(ext4(small_tree(tmp_path / "tree"), tmp_path / "image"))
    features = set(found["Filesystem features"].split())
    assert {"has_journal", "extent", "metadata_csum", "64bit", "resize_inode"} <= features
    assert not {"orphan_file", "metadata_csum_seed", "casefold"} & features
    assert found["Filesystem UUID"] == trees.UUID
    assert found["Filesystem volume name"] == "root"
    assert found["Default mount options"] == "user_xattr acl"


def boot_tree(top: Path, *, reverse: bool = False) -> Path:
    names = ["vmlinuz-linux", "EFI/BOOT/BOOTX64.EFI", "dtbs/broadcom/bcm2711-rpi-4-b.dtb",
             *(f"overlays/{number:03}.dtbo" for number in range(300))]  # fmt: skip
    for name in reversed(names) if reverse else names:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(name * 100)
    (top / "Image").symlink_to("vmlinuz-linux")
    return top


def fat(tree: Path, image: Path, size: int = 40 * MiB) -> Path:
    filesystems.make_fat(
        trees.TOOLS, tree, image, size=size, volume_id="1a2b3c4d", label="boot", epoch=trees.EPOCH
    )
    return image


def check_fat(image: Path) -> None:
    done = subprocess.run(
        ["fsck.fat", "-vn", image], capture_output=True, text=True, env=PROGRAMS, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("size", [8 * MiB, 35 * MiB, 36 * MiB, 100 * MiB + 512 * 7, 512 * MiB, GiB])
def test_equal_trees_have_equal_fat_images(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = fat(boot_tree(tmp_path / "one"), tmp_path / "one.img", size)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    before = os.umask(0o077)
    (tmp_path / "deep/er").mkdir(parents=True)
    two = fat(boot_tree(tmp_path / "deep/er/two", reverse=True), tmp_path / "two.img", size)
    os.umask(before)
    assert one.read_bytes() == two.read_bytes()
    assert one.stat().st_size == size
    assert one.stat().st_blocks * 512 < 5 * MiB
    check_fat(one)


def test_fat_holds_the_files(tmp_path: Path) -> None:
    tree = boot_tree(tmp_path / "tree")
    image = fat(tree, tmp_path / "image")
    (tmp_path / "back").mkdir()
    subprocess.run(["mcopy", "-s", "-i", image, "::/", tmp_path / "back"], env=PROGRAMS, check=True)
    for path in tree.rglob("*"):
        if path.is_file():
            copy = tmp_path / "back" / path.relative_to(tree)
            assert copy.read_bytes() == path.read_bytes()
    shown = subprocess.run(
        ["mdir", "-i", image, "::/"], capture_output=True, text=True, env=PROGRAMS, check=True
    ).stdout
    assert "Volume in drive : is BOOT" in shown
    assert "Volume Serial Number is 1A2B-3C4D" in shown
    assert "2023-11-14  22:13" in shown
    assert image.read_bytes()[82:90] == b"FAT32   "


def test_fat_holds_odd_names(tmp_path: Path) -> None:
    names = [
        "[a]/[b]/[c].txt",
        "a b/c d",
        "com10",
        "console",
        "-x",
        "\N{LATIN CAPITAL LETTER O WITH DIAERESIS}dd",
    ]
    for name in names:
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).write_text(name)
    image = fat(tmp_path / "tree", tmp_path / "image")
    check_fat(image)
    shown = subprocess.run(
        ["mdir", "-b", "-/", "-i", image, "::/"],
        capture_output=True,
        env={**PROGRAMS, "LC_ALL": "C.UTF-8"},
        check=True,
    ).stdout.decode()
    assert {f"::/{name}" for name in names} <= {*shown.splitlines()}


@pytest.mark.parametrize("size", [50 * MiB, 39 * MiB])
def test_too_small_a_fat_is_named(tmp_path: Path, size: int) -> None:
    tree = small_tree(tmp_path / "tree", 1, 39 * MiB)
    (tree / "more").write_bytes(b"x" * 11 * MiB if size > 40 * MiB else b"")
    with pytest.raises(ImageError, match=f"boot file system has .* and was given {size >> 20} MiB"):
        fat(tree, tmp_path / "image", size)


@pytest.mark.parametrize(
    ("name", "target", "message"),
    [
        ("link", "/etc/passwd", "link is of a kind"),
        ("link", "missing", "link is of a kind"),
        ("link", "EFI", "link is of a kind"),
        ("a:b", "", "a:b has a name"),
        ("VMLINUZ-linux", "", "are one to FAT"),
        ("aux.txt", "", "aux.txt has a name"),
        ("Com1", "", "Com1 has a name"),
        ("\N{GRINNING FACE}", "", "has a name"),
    ],
)
def test_what_fat_cannot_hold_is_named(
    tmp_path: Path, name: str, target: str, message: str
) -> None:
    tree = boot_tree(tmp_path / "tree")
    if target:
        (tree / name).symlink_to(target)
    else:
        (tree / name).write_text("")
    with pytest.raises(ImageError, match=message):
        fat(tree, tmp_path / "image")

"""FAT images hold their trees whole, pass fsck.fat, are sparse and always the same."""

import filecmp
import os
import subprocess
from pathlib import Path

import pytest

from aimager.errors import ImageError
from aimager.model.partition import MiB
from tests.support.fat_reader import read_fat
from tests.support.node import Window
from tests.support.partition_images import PROGRAMS, boot_tree, check_fat, fat, small_tree


@pytest.mark.parametrize("size", [8 * MiB, 35 * MiB, 36 * MiB, 100 * MiB + 512 * 7, 300 * MiB])
def test_equal_trees_have_equal_fat_images(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = fat(boot_tree(tmp_path / "one"), tmp_path / "one.img", size)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    before = os.umask(0o077)
    try:
        (tmp_path / "deep/er").mkdir(parents=True)
        two = fat(boot_tree(tmp_path / "deep/er/two", reverse=True), tmp_path / "two.img", size)
    finally:
        os.umask(before)
    assert filecmp.cmp(one, two, shallow=False)
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


@pytest.mark.parametrize("size", [8 * MiB, 35 * MiB, 40 * MiB], ids=["fat12", "fat16", "fat32"])
def test_a_name_that_is_not_ascii_has_a_long_name(tmp_path: Path, size: int) -> None:
    """One in a codepage is another one on a machine that reads another codepage."""
    names = {
        "na\xefve",
        "na\xf6ve",  # another file, of the same short name but for that
        "\xcf.TXT",
        "e\u0301.txt",
        "\xe9/\u0416\u0416/\xfc.bin",
        "\ue000/\ue001",  # no letter, but a name
        "ascii/\u20ac",
        "GR\xd6SSE-und-mehr.conf",
        *(f"many/{number:03}\xe4" for number in range(70)),  # a folder of several clusters
    }
    for name in names:
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"<{name}>")
    (tmp_path / "tree/content").write_bytes("\ue000\ue001".encode("utf-16-le") * 4000)
    image = fat(tmp_path / "tree", tmp_path / "image", size)
    check_fat(image)
    found = {node.path.lstrip("/") for node in read_fat(Window.whole(image))}
    assert names <= found
    (tmp_path / "back").mkdir()
    subprocess.run(["mcopy", "-s", "-i", image, "::/", tmp_path / "back"], env=PROGRAMS, check=True)
    for name in names:
        assert (tmp_path / "back" / name).read_text() == f"<{name}>"
    content = (tmp_path / "back/content").read_bytes()
    assert content == "\ue000\ue001".encode("utf-16-le") * 4000
    assert "na\xefve".encode("cp850").upper() not in image.read_bytes()


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
    with pytest.raises(ImageError, match=f"boot file system has .* but was given {size >> 20} MiB"):
        fat(tree, tmp_path / "image", size)


@pytest.mark.parametrize(
    ("name", "target", "message"),
    [
        ("link", "/etc/passwd", "link is a kind of file that FAT cannot hold"),
        ("link", "missing", "link is a kind of file that FAT cannot hold"),
        ("link", "EFI", "link is a kind of file that FAT cannot hold"),
        ("a:b", "", "a:b has a name"),
        ("VMLINUZ-linux", "", "have the same name on FAT"),
        ("aux.txt", "", "aux.txt has a name"),
        ("Com1", "", "Com1 has a name"),
        ("\N{GRINNING FACE}", "", "has a name"),
        ("na\udcefve.txt", "", r"na\\udcefve.txt has a name that FAT cannot hold"),
        ("\udcff/a", "", r"udcff has a name that FAT cannot hold"),
    ],
)
def test_what_fat_cannot_hold_is_named(
    tmp_path: Path, name: str, target: str, message: str
) -> None:
    tree = boot_tree(tmp_path / "tree")
    if target:
        (tree / name).symlink_to(target)
    else:
        (tree / name).parent.mkdir(exist_ok=True)
        (tree / name).write_text("")
    with pytest.raises(ImageError, match=message):
        fat(tree, tmp_path / "image")

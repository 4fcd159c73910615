"""Every initramfs has the bytes of its content, and one that is not understood stays as it is."""

import gzip
import io
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
import zstandard

from aimager import limits, process
from aimager.cpio import NotUnderstoodError, in_order, read_archive
from aimager.initramfs_stream import Source, method_of
from aimager.sandbox.tree import Tree
from aimager.system.normal_initramfs import normalize_initramfs
from tests.support.trees import TOOLS
from tests.support.untidy_initramfs import FILES, PACKED, lz4, untidy, write

PROGRAMS = {
    "gzip": "gzip",
    "xz": "xz",
    "lzma": "xz",
    "bzip2": "bzip2",
    "zstd": "zstd",
    "lz4": "lz4",
}
"""What is run for each method, and undoes it."""

packed = pytest.mark.parametrize(
    "how",
    [
        pytest.param(
            how,
            marks=pytest.mark.skipif(
                how != "cat" and not shutil.which(PROGRAMS[how]), reason="its program is missing"
            ),
        )
        for how in PACKED
    ],
)


def made_of(content: bytes, root: Path, name: str = "boot/initramfs-linux.img") -> bytes:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o600)
    normalize_initramfs(Tree(root), TOOLS, root.parent)
    assert path.stat().st_mode & 0o7777 == 0o600
    assert sorted(root.parent.iterdir()) == [root]
    return path.read_bytes()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


def unpacked(image: bytes, folder: Path) -> dict[str, tuple[bytes, int]]:
    """What GNU cpio makes of it."""
    folder.mkdir()
    argv = ["cpio", "--quiet", "-idm", "--no-absolute-filenames"]
    subprocess.run(argv, input=image, cwd=folder, check=True)
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_nlink)
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


@packed
def test_what_holds_the_same_has_the_same_bytes(root: Path, how: str) -> None:
    pack = PACKED[how]
    made = {made_of(pack(untidy(seed)), root) for seed in range(4)}
    assert len(made) == 1
    assert made_of(made.pop(), root) == made_of(pack(untidy(9)), root)


def undone(image: bytes, how: str) -> bytes:
    argv = [PROGRAMS[how], "-dc", *(["--format=lzma"] if how == "lzma" else [])]
    return subprocess.run(argv, input=image, stdout=subprocess.PIPE, check=True).stdout


@packed
def test_it_stays_compressed_as_its_maker_did(root: Path, how: str) -> None:
    image = made_of(PACKED[how](untidy(1)), root)
    assert (method_of(image[:8]) or "cat") == how


@packed
def test_nothing_is_lost(root: Path, tmp_path: Path, how: str) -> None:
    image = made_of(PACKED[how](untidy(1)), root)
    if how != "cat":
        image = undone(image, how)
    members = read_archive(Source(io.BytesIO(image)), io.BytesIO())
    assert [(m.name.decode(), m.mode) for m in members] == [(m[0], m[1]) for m in FILES]
    assert [m.device for m in members if m.path == "usr/lib/null"] == [(1, 3)]
    plain = [made for made in FILES if made[0] != "usr/lib/null"]
    tidied = made_of(untidy(1, plain), root)
    before = unpacked(write(plain), tmp_path / "before")
    assert unpacked(tidied, tmp_path / "after") == before
    assert before["usr/lib/a"] == (b"one file of two names", 2)


def test_a_processors_microcode_stays_first_plain_and_aligned(root: Path) -> None:
    folder = [(name, 0o40755, b"", 1, 2) for name in ("kernel", "kernel/x86")]
    early = [*folder, ("kernel/x86/GenuineIntel.bin\0\0\0\0\0\0\0", 0o100644, b"code" * 9, 2, 1)]
    for _ in range(20):
        start = write(early)
        if start.index(b"code") % 16 == 0:
            break
        early[-1] = (early[-1][0] + "\0", *early[-1][1:])
    made = {made_of(start + PACKED["zstd"](untidy(seed)), root) for seed in range(3)}
    image = made.pop()
    assert not made
    assert image.startswith(b"070701")
    assert image.index(b"code") % 16 == 0
    second = image.index(b"\x28\xb5\x2f\xfd")
    assert second % 4 == 0
    assert zstandard.ZstdDecompressor().decompressobj().decompress(image[second:])


@pytest.mark.parametrize("how", PROGRAMS)
def test_without_the_makers_program_it_stays_as_it_is(
    root: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    how: str,
) -> None:
    monkeypatch.setitem(process.ENVIRONMENT, "PATH", str(root))
    image = PACKED[how](untidy(1))
    assert made_of(image, root) == image
    assert capsys.readouterr().out.endswith(
        "the initramfs /boot/initramfs-linux.img stays as its maker left it, so that equal builds"
        f" may differ in it: it is compressed by {how}, and the program {PROGRAMS[how]} is missing"
        " here\n"
    )


@pytest.mark.skipif(not shutil.which("lz4"), reason="lz4 is missing")
def test_a_part_after_lz4_begins_where_the_kernel_finds_it(root: Path) -> None:
    """It takes all that follows a block for blocks, until the size of one is 0."""
    image = made_of(lz4(untidy(1)) + bytes(8) + gzip.compress(untidy(2)), root)
    second = image.index(b"\x1f\x8b\x08")
    assert second % 4 == 0
    end = 4
    while size := int.from_bytes(image[end : end + 4], "little"):
        end += 4 + size
    assert image[end:second] == bytes(second - end)
    assert undone(image[:end], "lz4") == gzip.decompress(image[second:]) != b""


def two_names(name: str, mode: int, data: bytes) -> bytes:
    return write([*FILES, (name, mode, data, 50, 1)])


BAD = {
    "cut off": untidy(1)[:-9000],
    "cut off stream": PACKED["xz"](untidy(1))[:-40],
    "damaged": PACKED["zstd"](untidy(1))[:60] + b"damage" * 9,
    "another kind": b"070707" + untidy(1)[6:],
    "twice": two_names("init", 0o100644, b"other"),
    "through a link": two_names("usr/bin/x", 0o100644, b"x"),
    "through a link's folder": two_names("usr/bin/x/y", 0o100644, b"x"),
    "leads out": two_names("usr/../../x", 0o100644, b"x"),
    "lies of its size": write(FILES).replace(b"%08X" % 70000, b"FFFFFFF0"),
    "lies of a name": write(FILES).replace(b"000000050" + b"0" * 7 + b"init", b"F" * 16 + b"init"),
    "links that differ": write([*FILES, ("z", 0o100644, b"third", 7, 3)]),
    "signs in numbers": write(FILES).replace(b"070701000", b"070701-00", 1),
    "lz4 that refers to nothing": struct.pack("<II", 0x184C2102, 4) + b"\x10a\xff\xff",
    "lz4 bomb": struct.pack("<II", 0x184C2102, 60000) + b"\x1fa\1\0" + b"\xff" * 59996,
    "lzop": b"\x89LZO\0\r\n\x1a\n" + bytes(99),
    "words": b"no initramfs at all",
    "zeros": bytes(5000),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_one_that_is_not_understood_stays_and_is_told(
    root: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    assert made_of(BAD[what], root) == BAD[what]
    assert "/boot/initramfs-linux.img stays as its maker left it" in capsys.readouterr().out


def test_one_that_is_larger_than_is_kept_stays(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "INITRAMFS", 1 << 16)
    assert made_of(untidy(1), root) == untidy(1)
    assert "it is larger than" in capsys.readouterr().out


def test_a_bomb_is_not_unpacked(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "INITRAMFS_UNPACKED", 1 << 20)
    for how in ("gzip", "xz", "lzma", "bzip2", "zstd"):
        big = [*FILES, ("zeros", 0o100644, bytes(2 << 20), 60, 1)]
        bomb = PACKED[how](write(big))
        assert made_of(bomb, root) == bomb
        assert "holds more than is unpacked" in capsys.readouterr().out


def test_only_images_that_came_in_no_package_are_touched(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = root / "var/lib/pacman/local/amd-ucode-1-1"
    record.mkdir(parents=True)
    (record / "files").write_text("%FILES%\nboot/\nboot/amd-ucode.img\n")
    outside = root.parent / "outside"
    for name in ("amd-ucode.img", "vmlinuz-linux", "Image.gz"):
        (root / "boot").mkdir(exist_ok=True)
        (root / "boot" / name).write_bytes(gzip.compress(b"MZ a kernel", mtime=7))
    (root / "boot/amd-ucode.img").write_bytes(untidy(3))
    before = {path.name: path.read_bytes() for path in (root / "boot").iterdir()}
    (root / "boot/initramfs-link.img").symlink_to(outside)
    normalize_initramfs(Tree(root), TOOLS, root.parent)
    assert {name: (root / "boot" / name).read_bytes() for name in before} == before
    assert capsys.readouterr().out == ""
    assert not outside.exists()


@pytest.mark.parametrize("name", ["boot/EFI/Linux/arch-linux.efi", "efi/EFI/Linux/a.EFI"])
def test_one_inside_a_unified_kernel_image_is_told(
    root: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    image = b"MZ" + bytes(300) + b".text\0\0\0.initrd\0" + untidy(1)
    assert made_of(image, root, name) == image
    assert f"the initramfs /{name} stays as its maker left it" in capsys.readouterr().out
    boot_loader = b"MZ" + bytes(300) + b".text\0\0\0.sdmagic" + bytes(999)
    assert made_of(boot_loader, root, name) == boot_loader
    assert capsys.readouterr().out == ""


def test_images_are_found_wherever_makers_put_them(root: Path) -> None:
    for name in ("efi/0123/6.1/initrd", "usr/lib/modules/6.1/initrd", "boot/sub/x.img"):
        assert made_of(untidy(1), root, name) == made_of(untidy(2), root, name)


def test_names_of_one_file_that_are_alone_are_files() -> None:
    found = read_archive(Source(io.BytesIO(write([("a", 0o100644, b"a", 7, 2)]))), io.BytesIO())
    assert [member.links for member in in_order(found)] == [1]
    with pytest.raises(NotUnderstoodError, match="it is not a cpio"):
        read_archive(Source(io.BytesIO(b"x" * 200)), io.BytesIO())

"""A disk that starts as a copy of an image keeps what no partition of ours covers."""

import bz2
import gzip
import lzma
import os
import subprocess
from pathlib import Path

import pytest
import zstandard

from aimager.errors import ImageError
from aimager.image.disk import sfdisk_script
from aimager.image.disk_from import unpacked
from aimager.model.architecture import Architecture
from aimager.model.layout import Extent, disk_size, gaps, lay_out
from aimager.model.partition import MiB
from aimager.model.sfdisk_table import read_table
from tests.image.test_disk import UUIDS
from tests.support.trees import make_disk

CONTENT = b"loader" * 1000 + bytes(3 << 20) + b"end" + bytes(100)
LZ4 = b"\x04\x22\x4d\x18\x60\x40\x82" + b"".join(
    (0x80000000 | len(part)).to_bytes(4, "little") + part
    for part in (CONTENT[at : at + 65536] for at in range(0, len(CONTENT), 65536))
)
PACKED = {
    "raw": CONTENT,
    "gz": gzip.compress(CONTENT),
    "xz": lzma.compress(CONTENT),
    "zst": zstandard.ZstdCompressor(write_checksum=True).compress(CONTENT),
    "bz2": bz2.compress(CONTENT),
    "lz4": LZ4 + bytes(4),
}
"""Blocks of lz4(1) may be as they are: their size has its highest bit set then."""


@pytest.mark.parametrize("kind", PACKED)
def test_what_it_is_packed_with_is_seen(tmp_path: Path, kind: str) -> None:
    image = tmp_path / "image"
    image.write_bytes(PACKED[kind])
    with unpacked(image, tmp_path) as found:
        assert found
        assert found.read_bytes() == CONTENT
        assert (found == image) is (kind == "raw")
    assert list(tmp_path.iterdir()) == [image]


@pytest.mark.parametrize("kind", [kind for kind in PACKED if kind != "raw"])
@pytest.mark.parametrize("how", ["cut off", "amid it", "its start"])
def test_a_damaged_one_is_named(tmp_path: Path, kind: str, how: str) -> None:
    content = bytearray(PACKED[kind])
    if how == "cut off":
        del content[-20:]
    else:
        at = len(content) // 2 if how == "amid it" and kind != "lz4" else 7
        content[at : at + 20] = bytes(255 - byte for byte in content[at : at + 20])
    image = tmp_path / "image"
    image.write_bytes(content)
    with pytest.raises(ImageError, match=f"disk-from={image} is damaged") as caught:  # noqa: SIM117
        with unpacked(image, tmp_path):
            pass
    assert caught.value.hint == "fetch it again, and compare its checksum"


@pytest.mark.parametrize(
    ("suffix", "start"),
    [
        (".lz", b"LZIP\1"),
        (".lzo", b"\x89LZO\0\r\n\x1a\n\x10"),
        (".lrz", b"LRZI\0"),
        (".Z", b"\x1f\x9d\x90"),
        (".zip", b"PK\3\4\x14"),
        (".7z", b"7z\xbc\xaf\x27\x1c\0"),
    ],
)
def test_what_cannot_be_unpacked_is_no_loader(tmp_path: Path, suffix: str, start: bytes) -> None:
    image = tmp_path / "image"
    image.write_bytes(start.ljust(4096, b"\0"))
    with pytest.raises(ImageError) as caught:  # noqa: SIM117
        with unpacked(image, tmp_path):
            pass
    told = f"disk-from={image} cannot be unpacked: it is compressed as {suffix}"
    assert caught.value.message == told


def test_none_is_none(tmp_path: Path) -> None:
    with unpacked(None, tmp_path) as found:
        assert found is None


def test_gaps() -> None:
    extents = [Extent(10, 5), Extent(15, 5), Extent(30, 10)]
    assert gaps(extents, 50) == (Extent(0, 10), Extent(20, 10), Extent(40, 10))
    assert gaps(extents, 35) == (Extent(0, 10), Extent(20, 10))
    assert gaps(extents, 12) == (Extent(0, 10),)
    assert gaps([], 3) == (Extent(0, 3),)


@pytest.mark.parametrize("label", ["gpt", "dos"])
def test_a_boot_loader_stays_where_it_was(tmp_path: Path, label: str) -> None:
    """In the boot code, before the partitions, in a partition for it; but not below our files."""
    base = tmp_path / "base.img"
    base.write_bytes(os.urandom(10 * MiB))
    table = read_table(
        f"label: {label}; start=64, size=960; aimager@boot: size=1M, start=4M;"
        " aimager@root: start=8M"
    )
    sizes = [480 << 10, MiB, 3 * MiB]
    extents = lay_out(table, sizes)
    parts = []
    for name, extent in zip(("boot", "root"), extents[1:], strict=True):
        part = tmp_path / name
        with part.open("wb") as stream:
            stream.write(name.encode())
            stream.truncate(extent.size)
        parts.append((extent, part))
    size = max(disk_size(table, extents), 16 * MiB)
    script = sfdisk_script(
        table,
        extents,
        size=size,
        disk_id="1a2b3c4d" if label == "dos" else UUIDS[0],
        partition_uuids=(*UUIDS, UUIDS[0].replace("1", "3")),
        architecture=Architecture.aarch64,
    )
    image = tmp_path / "disk.img"
    make_disk(image, script, parts, size=size, base=base)
    whole, before = image.read_bytes(), base.read_bytes()
    assert len(whole) == size
    assert whole[:440] == before[:440]
    assert whole[64 * 512 : 4 * MiB] == before[64 * 512 : 4 * MiB]
    assert whole[5 * MiB : 8 * MiB] == before[5 * MiB : 8 * MiB]
    for extent, part in parts:
        assert whole[extent.start : extent.end] == part.read_bytes()
    if label == "dos":
        assert whole[512 : 4 * MiB] == before[512 : 4 * MiB]
    subprocess.run(["sfdisk", "--verify", image], check=True, env={"PATH": "/usr/sbin:/usr/bin"})

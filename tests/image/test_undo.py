"""What undoes the changes of a disk's image is read as it was written, or not at all."""

from pathlib import Path

import pytest

from aimager.image.changed_image import BLOCK, ChangedImage
from aimager.image.undo import Undo, UndonePart, read_contents, read_undo, write_undo
from aimager.model.layout import Extent

CONTENTS = {"boot": {0: b"a" * BLOCK, 7: bytes(BLOCK)}, "root": {3: b"b" * BLOCK}}
UNDO = Undo(
    "plain",
    "0" * 64,
    1 << 30,
    5,
    {
        "boot": UndonePart(Extent(4096, 1 << 20), (0, 7)),
        "root": UndonePart(Extent(1 << 21, 1 << 20), (3,)),
    },
)


def test_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_undo(tmp_path / "undo", UNDO, CONTENTS)
    assert read_undo(tmp_path / "undo") == UNDO
    assert read_contents(tmp_path / "undo", UNDO) == CONTENTS


@pytest.mark.parametrize("text", [b"", b"{}\n", b'{"plain": 3}\n', b"\xff\n", b"[" * 100000])
def test_damage_is_none(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "undo").write_bytes(text)
    assert read_undo(tmp_path / "undo") is None
    assert read_undo(tmp_path / "missing") is None


@pytest.mark.parametrize("place", [0, 70, 200, -1])
def test_a_changed_byte_is_none(tmp_path: Path, place: int) -> None:
    write_undo(tmp_path / "undo", UNDO, CONTENTS)
    text = bytearray((tmp_path / "undo").read_bytes())
    text[place] ^= 1
    (tmp_path / "undo").write_bytes(text)
    assert read_undo(tmp_path / "undo") is None
    assert read_contents(tmp_path / "undo", UNDO) is None


def test_another_files_blocks_are_none(tmp_path: Path) -> None:
    write_undo(tmp_path / "undo", UNDO, CONTENTS)
    more = UndonePart(Extent(0, 1 << 20), (1, 2, 3, 4))
    other = Undo("plain", "", 0, 0, {**UNDO.parts, "home": more})
    assert read_contents(tmp_path / "undo", other) is None


def test_a_changed_image_reads_what_was_written(tmp_path: Path) -> None:
    """Whatever the places: within a block, across some, at the end of an image of no whole one."""
    content = bytes(range(256)) * 50  # 12800 bytes, after 512 others
    (tmp_path / "file").write_bytes(bytes(512) + content)
    with (tmp_path / "file").open("rb") as stream:
        image = ChangedImage(stream, Extent(512, len(content)))
        wanted = bytearray(content)
        for start, data in ((0, b"x"), (4090, b"y" * 20), (12799, b"z"), (100, content[100:9000])):
            image.write(start, data)
            wanted[start : start + len(data)] = data
            assert image.read(0, 1 << 20) == wanted
            assert image.read(start, len(data)) == data
        assert set(image.blocks) == {0, 1, 3}
    assert (tmp_path / "file").read_bytes() == bytes(512) + content

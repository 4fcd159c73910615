"""The disk that an image is booted from: never the image itself, where it is to be written to."""

import os
from pathlib import Path

import pytest

from aimager.commands.boot.disk import kept_folder, make_disk
from aimager.errors import ConfigError, HostError
from aimager.model.partition import MiB

CONTENT = b"an image" * 512


@pytest.fixture
def image(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    path = tmp_path / "out/disk.img"
    path.write_bytes(CONTENT)
    os.truncate(path, MiB)
    return path


def write_end(disk: Path) -> None:
    with disk.open("r+b") as stream:
        stream.seek(-4, os.SEEK_END)
        stream.write(b"last")


def test_an_image_is_read_where_nothing_else_is_asked_for(image: Path, tmp_path: Path) -> None:
    with make_disk(image, None, keep=False, work=tmp_path) as disk:
        assert disk.path == image
        assert not disk.is_own


def test_a_larger_disk_is_a_copy_that_goes(image: Path, tmp_path: Path) -> None:
    before = image.read_bytes()
    with make_disk(image, 8 * MiB, keep=False, work=tmp_path) as disk:
        assert disk.is_own
        assert disk.path.stat().st_size == 8 * MiB
        assert disk.path.stat().st_blocks * 512 < MiB, "holes are holes"
        assert disk.path.read_bytes()[: len(CONTENT)] == CONTENT
        write_end(disk.path)
    assert not disk.path.exists()
    assert image.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_what_is_written_to_a_kept_disk_is_there_again(image: Path, tmp_path: Path) -> None:
    before = image.read_bytes()
    with make_disk(image, None, keep=True, work=tmp_path) as disk:
        assert disk.is_own
        assert disk.path.is_relative_to(kept_folder(image))
        assert disk.path.stat().st_mode & 0o777 == 0o600
        write_end(disk.path)
    with make_disk(image, None, keep=True, work=tmp_path) as disk:
        assert disk.path.read_bytes() == before[:-4] + b"last"
    assert image.read_bytes() == before


def test_a_kept_disk_grows_and_never_shrinks(image: Path, tmp_path: Path) -> None:
    for size, found in ((None, MiB), (4 * MiB, 4 * MiB), (None, 4 * MiB)):
        with make_disk(image, size, keep=True, work=tmp_path) as disk:
            assert disk.path.stat().st_size == found
    with (
        pytest.raises(ConfigError, match="disk-size=2 MiB is less than the 4 MiB of the disk that"),
        make_disk(image, 2 * MiB, keep=True, work=tmp_path),
    ):
        pass


def test_a_newer_image_makes_a_kept_disk_stale(image: Path, tmp_path: Path) -> None:
    with make_disk(image, None, keep=True, work=tmp_path):
        pass
    os.utime(image, ns=(1, 1))  # made again, with the same bytes
    with make_disk(image, None, keep=True, work=tmp_path) as disk:
        write_end(disk.path)
    write_end(image)
    os.utime(image, ns=(2, 2))
    with (
        pytest.raises(HostError, match=r"begun from another disk\.img than is there now") as caught,
        make_disk(image, None, keep=True, work=tmp_path),
    ):
        pass
    assert f"rm -r {kept_folder(image)}" in caught.value.hint
    assert disk.path.read_bytes().endswith(b"last"), "nothing of it is lost"


def test_a_disk_that_was_not_begun_to_the_end_is_begun_anew(image: Path, tmp_path: Path) -> None:
    kept_folder(image).mkdir()
    (kept_folder(image) / "disk.img").write_text("half")
    with make_disk(image, None, keep=True, work=tmp_path) as disk:
        assert disk.path.read_bytes() == image.read_bytes()


def test_two_boots_do_not_share_a_disk(image: Path, tmp_path: Path) -> None:
    with (
        make_disk(image, None, keep=True, work=tmp_path),
        pytest.raises(HostError, match="is in use by another boot"),
        make_disk(image, None, keep=True, work=tmp_path),
    ):
        pass
    with make_disk(image, None, keep=True, work=tmp_path):
        pass


def test_a_disk_smaller_than_the_image_is_refused(image: Path, tmp_path: Path) -> None:
    for keep in (False, True):
        with (
            pytest.raises(ConfigError, match=r"disk-size=512 KiB is less than the 1 MiB of disk"),
            make_disk(image, MiB // 2, keep=keep, work=tmp_path),
        ):
            pass
    assert not kept_folder(image).exists()


def test_a_compressed_image_is_refused(tmp_path: Path) -> None:
    image = tmp_path / "disk.img"
    image.write_bytes(b"\x28\xb5\x2f\xfd rest")
    with (
        pytest.raises(ConfigError, match=r"is compressed \(\.zst\), and no machine"),
        make_disk(image, None, keep=False, work=tmp_path),
    ):
        pass

"""Trees that take little where they are, and much as archives."""

import os
from pathlib import Path

import pytest

from aimager.errors import ImageError
from aimager.sandbox.privileges import Limits
from aimager.system.excess import refuse_excess

GIB = 1 << 30


def test_files_with_holes_are_refused(tmp_path: Path) -> None:
    for number in range(3):
        with (tmp_path / str(number)).open("wb") as stream:
            os.truncate(stream.fileno(), GIB)
    refuse_excess(tmp_path, Limits(folder=tmp_path, written=4 * GIB))
    refuse_excess(tmp_path, Limits())
    with pytest.raises(ImageError, match=r"would be an archive of 3\.2 GB, and more than 2\.1 GB"):
        refuse_excess(tmp_path, Limits(folder=tmp_path, written=2 * GIB))


def test_names_of_one_file_count_once(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as stream:
        os.truncate(stream.fileno(), GIB)
    os.link(tmp_path / "file", tmp_path / "other")
    refuse_excess(tmp_path, Limits(folder=tmp_path, written=GIB + (1 << 20)))

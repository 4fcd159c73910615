"""A root tree made ready for chroot(2), for real."""

import stat
from pathlib import Path

import pytest

from aimager.errors import ImageError
from aimager.sandbox.chroot import MOUNT_POINTS, make_mount_points
from aimager.sandbox.namespace import call
from tests.support import namespaced
from tests.support.namespaced import Place


def test_a_tree_has_its_mounts_and_is_left_as_it_was(tmp_path: Path) -> None:
    work = tmp_path / "work"
    tree = call(namespaced.mount_tree, Place(work), work=work, tmpfs=1 << 20)
    assert tree.before == ["etc", "tmp"]
    assert {"null", "urandom", "fd", "shm", "pts", "tty"} <= set(tree.during["dev"])
    assert {"1", "self", "cpuinfo"} <= set(tree.during["proc"])
    assert tree.during["run"] == tree.during["tmp"] == []
    assert tree.null
    assert tree.mounts == []
    assert tree.after == ["etc", "tmp"]


def test_mount_points_have_the_modes_of_the_package(tmp_path: Path) -> None:
    made = make_mount_points(tmp_path)
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in made} == MOUNT_POINTS
    assert make_mount_points(tmp_path) == ()


def test_what_is_no_directory_is_not_mounted_on(tmp_path: Path) -> None:
    (tmp_path / "proc").symlink_to("/proc")
    with pytest.raises(ImageError, match=r"^/proc of the image is a symbolic link"):
        make_mount_points(tmp_path)
    (tmp_path / "proc").unlink()
    (tmp_path / "run").touch()
    with pytest.raises(ImageError, match=r"^/run of the image is a file"):
        make_mount_points(tmp_path)

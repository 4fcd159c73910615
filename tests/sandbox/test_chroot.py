"""The jails of a root: what is mounted in them, and that it is left as it was."""

import stat
from pathlib import Path

import pytest

from aimager.errors import ImageError
from aimager.sandbox.chroot import (
    IMAGE,
    MOUNT_POINTS,
    chroot,
    make_mount_points,
)
from aimager.sandbox.mounts import Bind, Tmpfs
from aimager.sandbox.namespace import call
from aimager.sandbox.tree import Tree
from tests.support import jailed
from tests.support.jailed import Jailed

LIST = "for name in {}; do echo $name: $(ls -A $name); done"
DEVICES = "fd full null ptmx pts random shm stderr stdin stdout urandom zero"


def listed(work: Path, at: str = "", **how: bool) -> dict[str, str]:
    """What a program finds in the folders of an image that is mounted at ``at``."""
    names = " ".join(f"{at}/{name}" for name in ("dev", "dev/pts", "dev/shm", "run", "tmp"))
    request = Jailed(work, ("sh", "-c", LIST.format(names)), **how)  # type: ignore[arg-type]
    ended = call(jailed.run_jailed, request, work=work)
    lines = (line.split(":", 1) for line in ended.said.splitlines())
    return {name.removeprefix(at): found.strip() for name, found in lines}


def test_a_jail_of_the_image(tmp_path: Path) -> None:
    assert listed(tmp_path / "work") == {
        "/dev": DEVICES,
        "/dev/pts": "ptmx",
        "/dev/shm": "",
        "/run": "",
        "/tmp": "",
    }


def test_in_a_jail_of_tools_the_image_has_the_same(tmp_path: Path) -> None:
    assert listed(tmp_path / "work", str(IMAGE), tools=True) == listed(tmp_path / "work")


def test_all_programs_of_an_image_share_its_run(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    with chroot(Tree(tmp_path / "root")) as image:
        binds = [m for m in image.jail().mounts if isinstance(m, Bind)]
        others = [m for m in image.jail_of_tools(None).mounts if isinstance(m, Bind)]
        assert Bind(image.runtime.path, Path("/run")) in binds
        assert Bind(image.runtime.path, IMAGE / "run") in others
        assert Bind(image.tree.path, Path("/")) == binds[0]
    assert [path.name for path in tmp_path.iterdir()] == ["root"]


def test_what_is_in_memory_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    with chroot(Tree(tmp_path / "root")) as image:
        for jail in (image.jail(), image.jail_of_tools(None)):
            mounted = [m for m in jail.mounts if isinstance(m, Tmpfs)]
            assert {m.target.name for m in mounted} >= {"dev", "shm", "tmp"}
            assert isinstance(jail.mounts[0], (Bind, Tmpfs))
            assert jail.mounts[0].target == Path("/"), "the root is bounded, too"
            assert [m.target for m in mounted if not m.size] == []


def test_mount_points_are_removed_unless_something_is_in_them(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "tmp").mkdir(parents=True)
    with chroot(Tree(root)):
        assert {path.name for path in root.iterdir()} == set(MOUNT_POINTS)
        (root / "run/of-a-package").touch()
    assert {path.name for path in root.iterdir()} == {"run", "tmp"}


def test_mount_points_have_the_modes_of_the_package(tmp_path: Path) -> None:
    made = make_mount_points(Tree(tmp_path))
    modes = {name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in made}
    assert modes == MOUNT_POINTS
    assert make_mount_points(Tree(tmp_path)) == ()


def test_what_is_no_directory_is_not_mounted_on(tmp_path: Path) -> None:
    (tmp_path / "proc").symlink_to("/proc")
    with pytest.raises(ImageError, match=r"^/proc of the image is a symbolic link"):
        make_mount_points(Tree(tmp_path))
    (tmp_path / "proc").unlink()
    (tmp_path / "run").touch()
    with pytest.raises(ImageError, match=r"^/run of the image is a file"):
        make_mount_points(Tree(tmp_path))


def test_run_is_removed_whatever_is_in_it(tmp_path: Path) -> None:
    script = "i=0; while [ $i -lt 1500 ]; do mkdir d && cd d || exit; i=$((i + 1)); done"
    request = Jailed(tmp_path / "work", ("sh", "-c", f"cd /run; {script}"))
    assert call(jailed.run_jailed, request, work=tmp_path / "work").status == 0

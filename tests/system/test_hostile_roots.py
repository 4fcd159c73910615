"""Nothing that a package puts into a root leads our own code out of it, or stops it.

Each function that reads or changes such a root meets each trap in each of the places that it
touches. What lies outside stays as it is, hard links to it and all.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimager.errors import AimagerError, ImageError
from aimager.model.settings import Settings
from aimager.sandbox.tree import Tree
from aimager.system.customize import finish
from aimager.system.image_shell import _SHELLS
from aimager.system.kernels import find_kernels
from aimager.system.machine_identity import KEPT, MADE_ANEW, TRACES
from aimager.system.sysprep import remove_identity
from tests.support.hostile_root import TRAPS, QuietRoot, everything, make_root, spring
from tests.support.touching import CALLS, UNITS

CASES = [
    pytest.param(name, path, trap, id=f"{name}-{path}-{trap}")
    for name, (_, paths) in CALLS.items()
    for path in dict.fromkeys(paths)
    for trap in TRAPS
    if (name, trap) != ("make_fat", "link in the middle")  # its tree is not in another
]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory, where there is such: a thousand roots are made."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory, prefix="hostile.") as folder:
        yield Path(folder)


@pytest.mark.parametrize(("name", "path", "trap"), CASES)
def test_a_trap_leads_nowhere(place: Path, name: str, path: str, trap: str) -> None:
    spring(place, CALLS[name][0], [path], trap)


@pytest.mark.parametrize("trap", TRAPS)
@pytest.mark.parametrize(
    ("name", "patterns"),
    [("remove_identity", (*MADE_ANEW, *TRACES)), ("tell_secrets", KEPT)],
)
def test_traps_in_all_places_of_identity(
    place: Path, name: str, patterns: tuple[str, ...], trap: str
) -> None:
    paths = [pattern.replace("*", "x") for pattern in patterns]
    spring(place, CALLS[name][0], paths, trap)


@pytest.mark.parametrize("name", CALLS)
def test_without_a_trap_all_is_done(place: Path, name: str) -> None:
    """Else the traps would prove nothing."""
    make_root(place / "root")
    CALLS[name][0](place / "root")


def test_the_journal_of_a_hostile_package(tmp_path: Path) -> None:
    """What was done: its var/log/journal led to a folder beside the root, which was then gone."""
    product = tmp_path / "cache/product"
    product.mkdir(parents=True)
    (product / "rootfs.tar.zst").write_text("another image's")
    journal = tmp_path / "cache/work/root/var/log/journal"
    journal.parent.mkdir(parents=True)
    journal.symlink_to("../../../../../../cache/product")
    (tmp_path / "cache/work/root/var/log/pacman.log").symlink_to("../../../../product")
    before = everything(product)
    remove_identity(Tree(tmp_path / "cache/work/root"))
    assert everything(product) == before


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("../../etc", "6.1"),
        ("linux\ninitrd /evil", "6.1"),
        ("-rf", "6.1"),
        ("", "6.1"),
        ("linux", "6.1\noptions init=evil"),
        ("caf\udce9", "6.1"),
    ],
)
def test_a_kernel_whose_name_is_a_path_or_a_line(tmp_path: Path, name: str, version: str) -> None:
    tree = Tree(tmp_path)
    tree.write(f"usr/lib/modules/{version}/pkgbase", f"{name}\n")
    with pytest.raises(ImageError, match=r"is of a kernel that cannot be: ") as caught:
        find_kernels(tree)
    assert "\n" not in caught.value.message


def test_a_unit_whose_name_is_two_lines(tmp_path: Path) -> None:
    """It would become a line of its own in a preset of the whole image."""
    make_root(tmp_path / "root")
    image = QuietRoot(tmp_path / "root")
    image.tree.symlink(f"{UNITS}/multi-user.target.wants/a\nenable b.service", "/dev/null")
    finish(image, Settings("pc", services=("sshd.service",)), ())
    preset = (tmp_path / "root/etc/systemd/system-preset/40-enabled.preset").read_text()
    assert preset == "enable sshd.service\n"


def test_a_shell_that_leads_out_is_none(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/bash").symlink_to("/bin/sh")
    tree = Tree(tmp_path)
    assert not any(tree.is_file(name) for name in _SHELLS)
    with contextlib.suppress(AimagerError):
        tree.read_text("bin/bash")

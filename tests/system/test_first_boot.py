"""What is left in an image for its first boot."""

import re
import subprocess
from pathlib import Path

import pytest

from aimager.model.partition import Role
from aimager.products.stage_code import code_of
from aimager.resources import read_data
from aimager.sandbox.tree import Tree
from aimager.system.first_boot import enable, prepare_first_boot

UNITS = "etc/systemd/system"
PRESETS = "etc/systemd/system-preset"
KEYRING = "pacman-keyring.service"


def content(name: str) -> str:
    """The text of a file that goes to every image."""
    return read_data("aimager.system", f"content/{name}")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with pacman and Arch Linux's preset."""
    for name, text in (
        ("usr/bin/pacman-key", ""),
        ("usr/lib/systemd/system-preset/99-default.preset", "# none\ndisable *\n"),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def links(root: Path) -> dict[str, str]:
    return {
        str(path.relative_to(root / UNITS)): str(path.readlink())
        for path in (root / UNITS).glob("**/*")
        if path.is_symlink()
    }


MASKED = {
    "systemd-firstboot.service": "/dev/null",
    "systemd-homed-firstboot.service": "/dev/null",
}
WANTED = {
    "multi-user.target.wants/pacman-keyring.service": f"/{UNITS}/{KEYRING}",
    "sysinit.target.wants/grow-root.service": f"/{UNITS}/grow-root.service",
}


def test_an_image_with_partitions(root: Path) -> None:
    prepare_first_boot(Tree(root), grow=Role.root)
    assert (root / "etc/machine-id").read_text() == "uninitialized\n"
    assert (root / "etc/machine-id").stat().st_mode & 0o7777 == 0o444
    assert links(root) == MASKED | WANTED
    script = root / "usr/local/lib/grow-root"
    assert script.read_text() == content("grow-root")
    assert script.stat().st_mode & 0o7777 == 0o755
    for unit in (KEYRING, "grow-root.service"):
        text = content(unit).replace("@MOUNT_POINT@", "/")
        assert (root / UNITS / unit).read_text() == text
    assert [p.name for p in (root / PRESETS).iterdir()] == ["50-image.preset"]


def test_an_archive_has_nothing_to_grow(root: Path) -> None:
    prepare_first_boot(Tree(root), grow=None)
    assert [name for name in links(root) if "grow" in name] == []
    assert not (root / UNITS / "grow-root.service").exists()
    assert not (root / "usr/local").exists()


def test_a_root_without_pacman_gets_no_keyring(root: Path) -> None:
    (root / "usr/bin/pacman-key").unlink()
    prepare_first_boot(Tree(root), grow=None)
    assert links(root) == MASKED
    assert not (root / UNITS / KEYRING).exists()


@pytest.mark.parametrize("text", [None, "# disable *\nenable x.service\n", "disable *.socket\n"])
def test_not_every_unit_is_enabled_where_no_preset_says_so(root: Path, text: str | None) -> None:
    preset = root / "usr/lib/systemd/system-preset/99-default.preset"
    if text is None:
        preset.unlink()
    else:
        preset.write_text(text)
    prepare_first_boot(Tree(root), grow=None)
    assert (root / PRESETS / "99-default.preset").read_text() == "disable *\n"


@pytest.mark.parametrize(
    ("masked", "ours"), [("90-systemd.preset", False), ("99-default.preset", True)]
)
def test_a_preset_that_is_masked_does_not_count(root: Path, masked: str, ours: bool) -> None:
    (root / PRESETS).mkdir(parents=True)
    (root / PRESETS / masked).symlink_to("/dev/null")
    (root / "usr/lib/systemd/system-preset/90-systemd.preset").write_bytes(b"# \xe9\nenable x\n")
    prepare_first_boot(Tree(root), grow=None)
    own = root / PRESETS / "99-default.preset"
    assert (own.is_file() and own.read_text() == "disable *\n") == ours
    assert (root / PRESETS / "90-systemd.preset").is_symlink() != ours


def test_questions_that_a_root_asked_before_are_masked(root: Path) -> None:
    link = root / UNITS / "systemd-firstboot.service"
    link.parent.mkdir(parents=True)
    link.write_text("[Service]\n")
    prepare_first_boot(Tree(root), grow=None)
    assert link.readlink() == Path("/dev/null")


def test_units_of_the_root_and_of_packages_are_enabled(root: Path) -> None:
    Tree(root).write(f"{UNITS}/own.service", "")
    for _ in range(2):
        enable(Tree(root), "own.service", "multi-user.target")
        enable(Tree(root), "sshd.service", "multi-user.target")
    assert links(root) == {
        "multi-user.target.wants/own.service": f"/{UNITS}/own.service",
        "multi-user.target.wants/sshd.service": "/usr/lib/systemd/system/sshd.service",
    }


def test_the_preset_enables_our_units() -> None:
    enabled = re.findall(r"^enable (\S+)$", content("image.preset"), re.MULTILINE)
    assert {KEYRING, "grow-root.service"} <= set(enabled)
    for unit in (KEYRING, "grow-root.service"):
        text = content(unit)
        target = f"WantedBy={'multi-user' if unit == KEYRING else 'sysinit'}.target"
        assert target in text.splitlines()


def test_the_script_is_one() -> None:
    done = subprocess.run(["sh", "-n"], input=content("grow-root").encode(), check=False)
    assert done.returncode == 0


@pytest.mark.parametrize(("role", "where"), [(Role.root, "/"), (Role.home, "/home")])
def test_the_unit_grows_what_can(root: Path, role: Role, where: str) -> None:
    prepare_first_boot(Tree(root), grow=role)
    lines = (root / UNITS / "grow-root.service").read_text().splitlines()
    assert f"ExecStart=/usr/local/lib/grow-root {where}" in lines
    assert f"RequiresMountsFor={where}" in lines


def test_the_first_boot_is_no_matter_of_the_packages() -> None:
    """So a change of what an image does then installs nothing again."""
    code = dict(code_of("aimager.stages.install_packages"))
    assert not [name for name in code if "first_boot" in name or "system/content" in name]

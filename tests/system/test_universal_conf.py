"""Makers are asked for an initramfs for any machine while the image is made, and not later."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from aimager.sandbox.tree import Tree
from aimager.system.universal_conf import WITHOUT_AUTODETECT, universal_conf

MKINITCPIO, BOOSTER = "etc/mkinitcpio.conf", "etc/booster.yaml"
BASH = shutil.which("bash")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("root/usr/bin", "root/etc", "run"):
        (tmp_path / folder).mkdir(parents=True)
    for program in ("mkinitcpio", "booster", "dracut"):
        (tmp_path / "root/usr/bin" / program).touch()
    return tmp_path / "root"


def state(root: Path) -> dict[str, tuple[str, int, int]]:
    found = {}
    for path in sorted(root.rglob("*")):
        text = path.read_text() if path.is_file() else ""
        mtime = path.stat().st_mtime_ns if path.is_file() else 0
        found[str(path.relative_to(root))] = (text, path.stat().st_mode, mtime)
    return found


@pytest.mark.skipif(not BASH, reason="bash is missing: mkinitcpio's is not tested")
@pytest.mark.parametrize(
    ("hooks", "kept"),
    [
        ("HOOKS=(base udev autodetect block)", "base udev block"),
        ("HOOKS=(autodetect)", ""),
        ("HOOKS='base autodetect block'", "base block"),
        ("HOOKS=(base\n  autodetect\n  autodetect\n  block)", "base block"),
        ("HOOKS=()", ""),
        ("true", ""),
    ],
)
def test_autodetect_is_left_out_however_hooks_are_written(hooks: str, kept: str) -> None:
    shown = 'echo "${HOOKS[*]-}|${#HOOKS[@]}|${hook-unset}"'
    script = f"set -eu\n{hooks}{WITHOUT_AUTODETECT}{shown}"
    assert BASH
    done = subprocess.run([BASH, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == f"{kept}|{len(kept.split())}|unset\n"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (MKINITCPIO, "HOOKS=(base autodetect)\n"),
        (MKINITCPIO, "HOOKS=(base autodetect)"),
        (BOOSTER, "network:\n  dhcp: on"),
        (BOOSTER, "universal: false\nstrip: true\n"),
        (BOOSTER, "universal: true\n"),
        (BOOSTER, None),
        (MKINITCPIO, None),
    ],
)
def test_all_is_as_it_was(root: Path, path: str, text: str | None) -> None:
    if text is not None:
        (root / path).write_text(text)
        (root / path).chmod(0o640)
        os.utime(root / path, ns=(5, 7))
    before = state(root)
    with pytest.raises(KeyError), universal_conf(Tree(root), Tree(root.with_name("run"))):
        if text is not None or path == BOOSTER:
            now = (root / path).read_text()
            assert now.count("universal: true\n") == (path == BOOSTER)
            assert "universal: false" not in now
            assert (WITHOUT_AUTODETECT in now) == (path == MKINITCPIO)
            assert f"{text or ''}\n".startswith(now.partition("\n")[0]) or path == BOOSTER
        dracut = root / "etc/dracut.conf.d/zzz-aimager-universal.conf"
        assert dracut.read_text().startswith("hostonly=")
        raise KeyError
    assert state(root) == before


@pytest.mark.parametrize("folder", ["etc/mkinitcpio.conf.d", "etc/dracut.conf.d"])
@pytest.mark.parametrize("name", ["zz-universal.conf", "zz-own.conf"])
def test_a_drop_in_of_the_users_own_stays(root: Path, folder: str, name: str) -> None:
    (root / folder).mkdir()
    (root / folder / name).write_text("hostonly=yes\n")
    before = state(root)
    with universal_conf(Tree(root), Tree(root.with_name("run"))):
        own, ours = sorted((root / folder).iterdir())
        assert (own.name, own.read_text()) == (name, "hostonly=yes\n")
        assert "aimager" in ours.name
    assert state(root) == before


def test_what_somebody_edits_meanwhile_stays(root: Path) -> None:
    (root / MKINITCPIO).write_text("HOOKS=(base autodetect)\n")
    (root / BOOSTER).write_text("universal: false\nstrip: true\n")
    with universal_conf(Tree(root), Tree(root.with_name("run"))):
        edits = {MKINITCPIO: "s/^HOOKS=.*/HOOKS=(new)/", BOOSTER: "s/^strip: true/strip: no/"}
        for path, edit in edits.items():
            subprocess.run(["sed", "-i", edit, str(root / path)], check=True)
        with (root / MKINITCPIO).open("a") as stream:
            stream.write("FILES=(x)\n")
    assert (root / MKINITCPIO).read_text() == "HOOKS=(new)\nFILES=(x)\n"
    assert (root / BOOSTER).read_text() == "strip: no\nuniversal: false\n"


def test_what_is_replaced_or_removed_meanwhile_is_left_so(root: Path) -> None:
    (root / MKINITCPIO).write_text("HOOKS=(base autodetect)\n")
    (root / BOOSTER).write_text("strip: true\n")
    with universal_conf(Tree(root), Tree(root.with_name("run"))):
        (root / MKINITCPIO).write_text("HOOKS=(other)\n")
        (root / BOOSTER).unlink()
    assert (root / MKINITCPIO).read_text() == "HOOKS=(other)\n"
    assert not (root / BOOSTER).exists()


def test_a_configuration_without_its_program_is_left_alone(root: Path) -> None:
    for program in ("mkinitcpio", "booster", "dracut"):
        (root / "usr/bin" / program).unlink()
    (root / BOOSTER).write_text("universal: true\n")
    before = state(root)
    with universal_conf(Tree(root), Tree(root.with_name("run"))):
        assert state(root) == before
    assert state(root) == before


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ('ALL_config="/etc/own.conf"', True),
        ("  default_config='/etc//x/../own.conf'  # mine", True),
        ("default_config=/etc/own.conf", True),
        ("#default_config=/etc/own.conf", False),
        ("default_image=/etc/own.conf", False),
        ("default_config=/../../etc/passwd", False),
    ],
)
def test_a_configuration_that_a_preset_names(root: Path, line: str, changed: bool) -> None:
    (root / "etc/mkinitcpio.d").mkdir()
    (root / "etc/mkinitcpio.d/linux.preset").write_text(f"ALL_kver=x\n{line}\n")
    (root / "etc/own.conf").write_text("HOOKS=(base autodetect)\n")
    before = state(root)
    with universal_conf(Tree(root), Tree(root.with_name("run"))):
        assert (WITHOUT_AUTODETECT in (root / "etc/own.conf").read_text()) == changed
    assert state(root) == before

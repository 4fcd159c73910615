"""Initramfs makers are told to leave nothing out, and nothing of that stays."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from aimager.sandbox.tree import Tree
from aimager.system.initramfs import universal
from aimager.system.universal_conf import WITHOUT_AUTODETECT, preset_configurations
from tests.support.trees import bare_chroot

DROP_IN = "etc/mkinitcpio.conf.d/zzz-aimager-universal.conf"
CONSOLE = "etc/vconsole.conf"
BOOSTER = "etc/booster.yaml"
BASH = shutil.which("bash")
needs_bash = pytest.mark.skipif(not BASH, reason="bash is missing: mkinitcpio's is not tested")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("root/run", "root/etc", "root/usr/bin"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path / "root"


def run_hook(root: Path) -> None:
    """Run what the hook runs, with folders of ``root`` in the place of the machine's."""
    script = (root / "run/universal-initramfs").read_text()
    script = script.replace(" /usr/", f" {root}/usr/")
    binds = "".join(f"mount --bind {root}/{folder} /{folder}; " for folder in ("etc", "run"))
    argv = ["unshare", "--map-root-user", "--mount", "sh", "-euc", f"{binds} exec sh -eu"]
    subprocess.run(argv, input=script.encode(), check=True)


def add(root: Path, *programs: str) -> None:
    for program in programs:
        (root / "usr/bin" / program).touch()


def files(root: Path) -> set[str]:
    return {
        str(path.relative_to(root))
        for path in (root / "etc").glob("**/*")
        if path.is_file() or not any(path.iterdir())
    }


def test_the_hook_comes_before_the_makers(root: Path, tmp_path: Path) -> None:
    hooks = tmp_path / "hooks"
    with universal(bare_chroot(root), hooks):
        hook = min(hooks.iterdir())
    assert hook.name < "60-mkinitcpio-remove.hook"
    assert hook.suffix == ".hook"
    lines = hook.read_text().splitlines()
    assert "When = PostTransaction" in lines
    assert "Exec = /usr/bin/sh /run/universal-initramfs" in lines
    triggers = [line.removeprefix("Target = ") for line in lines if line.startswith("Target")]
    assert "usr/lib/modules/*/" in triggers
    assert {"usr/bin/booster", "usr/bin/dracut", "usr/bin/mkinitcpio"} <= set(triggers)
    assert all(not trigger.startswith("/") for trigger in triggers)


def test_a_root_without_a_maker_is_left_alone(root: Path, tmp_path: Path) -> None:
    with universal(bare_chroot(root), tmp_path / "hooks"):
        run_hook(root)
        assert files(root) == set()
    assert files(root) == set()


@needs_bash
@pytest.mark.parametrize(
    ("hooks", "kept"),
    [
        ("base udev autodetect microcode block", "base udev microcode block"),
        ("base autodetect modconf kms keyboard", "base modconf keyboard"),
        ("base kms autodetect", "base"),
        ("base modconf kms keyboard", "base modconf kms keyboard"),
        ("base autodetect-not kms", "base autodetect-not kms"),
        ("autodetect", ""),
        ("base not-autodetect", "base not-autodetect"),
        ("", ""),
    ],
)
def test_mkinitcpio_loses_autodetect_and_what_only_that_keeps_small(
    root: Path, tmp_path: Path, hooks: str, kept: str
) -> None:
    add(root, "mkinitcpio")
    with universal(bare_chroot(root), tmp_path / "hooks"):
        run_hook(root)
        script = (
            f'set -eu; HOOKS=({hooks}); . {root}/{DROP_IN}; echo "${{HOOKS[*]}}";'
            ' echo "${universal-unset} ${hook-unset}"'
        )
        assert BASH
        said = subprocess.run([BASH, "-c", script], stdout=subprocess.PIPE, check=True)
        assert said.stdout.decode() == f"{kept}\nunset unset\n"
    assert files(root) == {CONSOLE}
    assert not (root / DROP_IN).parent.exists()


@pytest.mark.parametrize("maker", ["booster", "dracut", "mkinitcpio"])
def test_a_console_is_configured_unless_it_is_already(
    root: Path, tmp_path: Path, maker: str
) -> None:
    add(root, maker)
    with universal(bare_chroot(root), tmp_path / "hooks"):
        for text in ("KEYMAP=de\n", ""):
            (root / CONSOLE).write_text(text)
            run_hook(root)
            assert (root / CONSOLE).read_text() == text
        (root / CONSOLE).unlink()
        run_hook(root)
    assert (root / CONSOLE).read_text() == "KEYMAP=us\n"


def test_mkinitcpios_other_settings_stay(root: Path, tmp_path: Path) -> None:
    add(root, "mkinitcpio")
    other = (root / DROP_IN).with_name("other.conf")
    other.parent.mkdir()
    other.write_text("MODULES=()\n")
    with universal(bare_chroot(root), tmp_path / "hooks"):
        run_hook(root)
        assert (root / DROP_IN).exists()
    assert files(root) == {"etc/mkinitcpio.conf.d/other.conf", CONSOLE}


def test_an_empty_folder_of_the_package_stays(root: Path, tmp_path: Path) -> None:
    add(root, "mkinitcpio")
    (root / DROP_IN).parent.mkdir()
    with universal(bare_chroot(root), tmp_path / "hooks"):
        run_hook(root)
    assert (root / DROP_IN).parent.is_dir()
    assert not (root / DROP_IN).exists()


@pytest.mark.parametrize("text", [None, "network:\n  dhcp: on\n"])
def test_booster_is_universal_for_the_time(root: Path, tmp_path: Path, text: str | None) -> None:
    add(root, "booster")
    config = root / BOOSTER
    if text:
        config.write_text(text)
        config.chmod(0o640)
    with universal(bare_chroot(root), tmp_path / "hooks"):
        run_hook(root)
        assert config.read_text() == f"{text or ''}universal: true\n"
    if text:
        assert config.read_text() == text
        assert config.stat().st_mode & 0o777 == 0o640
    else:
        assert not config.exists()


def test_boosters_own_settings_stay_where_the_hook_did_not_run(root: Path, tmp_path: Path) -> None:
    (root / BOOSTER).write_text("strip: true\n")
    with universal(bare_chroot(root), tmp_path / "hooks"):
        pass
    assert (root / BOOSTER).read_text() == "strip: true\n"


def test_all_is_undone_after_an_error(root: Path, tmp_path: Path) -> None:
    add(root, "mkinitcpio", "booster")
    (root / BOOSTER).write_text("strip: true\n")
    with pytest.raises(ValueError, match="x"), universal(bare_chroot(root), tmp_path / "hooks"):
        run_hook(root)
        assert files(root) == {DROP_IN, BOOSTER, CONSOLE}
        raise ValueError("x")
    assert files(root) == {BOOSTER, CONSOLE}
    assert (root / BOOSTER).read_text() == "strip: true\n"


@pytest.mark.parametrize("edit", ["", "FILES=(x)\n"])
def test_what_another_hook_edits_meanwhile_stays(root: Path, tmp_path: Path, edit: str) -> None:
    add(root, "mkinitcpio")
    conf = root / "etc/mkinitcpio.conf"
    conf.write_text("HOOKS=(base autodetect)")
    os.utime(conf, ns=(5, 7))
    (root / BOOSTER).write_text("universal: true\n")
    with universal(bare_chroot(root), tmp_path / "hooks"):
        run_hook(root)
        assert conf.read_text().startswith("HOOKS=(base autodetect)\n")
        if edit:
            conf.write_text(conf.read_text() + edit)
    assert conf.read_text() == (
        "HOOKS=(base autodetect)" if not edit else f"HOOKS=(base autodetect){edit}"
    )
    assert (conf.stat().st_mtime_ns == 7) == (not edit)
    assert (root / BOOSTER).read_text() == "universal: true\n", "its program is not there"


OWN = "HOOKS=(base autodetect)\n"


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ('ALL_config="/etc/own.conf"', True),
        ("  default_config='/etc/own.conf'  # mine", True),
        ("default_config=/etc/own.conf", True),
        ('default_options="-c /etc/own.conf"', True),
        ("default_options=(-A udev --config=/etc/own.conf)", True),
        ('default_options="--config /etc/own.conf -v"', True),
        ("#default_config=/etc/own.conf", False),
        ("default_image=/etc/own.conf", False),
        ("default_options=-S autodetect-c/etc/own.conf", False),
        ("default_config=/../../etc/passwd", False),
    ],
)
def test_a_preset_that_names_its_configuration(
    root: Path, tmp_path: Path, line: str, changed: bool
) -> None:
    add(root, "mkinitcpio")
    preset, own = root / "etc/mkinitcpio.d/linux.preset", root / "etc/own.conf"
    preset.parent.mkdir()
    preset.write_text(f"# one\nALL_kver=x\n{line}\n")
    (preset.parent / "other.preset").write_text(preset.read_text())
    own.write_text(OWN)
    own.chmod(0o640)
    os.utime(own, ns=(5, 7))
    assert ("etc/own.conf" in preset_configurations(Tree(root))) == changed, "it is read so later"
    with universal(bare_chroot(root), tmp_path / "hooks"):
        run_hook(root)
        assert own.read_text() == (f"{OWN}{WITHOUT_AUTODETECT}" if changed else OWN)
    assert own.read_text() == OWN
    assert (own.stat().st_mode & 0o777, own.stat().st_mtime_ns) == (0o640, 7)


def test_boosters_own_word_gives_way_for_the_time(root: Path, tmp_path: Path) -> None:
    add(root, "booster")
    (root / BOOSTER).write_text("universal: false\nstrip: true")
    with universal(bare_chroot(root), tmp_path / "hooks"):
        run_hook(root)
        assert (root / BOOSTER).read_text() == "strip: true\nuniversal: true\n"
    assert (root / BOOSTER).read_text() == "universal: false\nstrip: true"

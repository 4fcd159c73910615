"""An initramfs is made again where its configuration is the user's own, before scripts are run."""

import io
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from aimager.errors import CommandError, ConfigError
from aimager.model.settings import AddedFile, Script, Settings
from aimager.system.configure import ImageRoot
from aimager.system.customize import finish
from aimager.toolbox import Toolbox
from tests.support.trees import bare_chroot

CONF = "etc/mkinitcpio.conf"


class Maker(ImageRoot):
    """A root in which it is noted what is run, and what mkinitcpio's configuration is then."""

    def __init__(self, root: Path, fails: str = "") -> None:
        super().__init__(bare_chroot(root), Toolbox(None, io.BytesIO()), 7)
        self.runs: list[tuple[str, bool]] = []
        self.fails = fails

    def run(self, argv: Sequence[str], input: bytes = b"") -> str:
        text = self.tree.read_text(CONF) if self.tree.exists(CONF) else ""
        self.runs.append((" ".join(argv), "== autodetect" in text))
        if self.fails:
            raise CommandError(argv, 1, self.fails)
        return ""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in (("usr/bin/mkinitcpio", ""), (CONF, "HOOKS=(base autodetect)\n")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


SCRIPT = Script("a.sh", "#!/bin/sh\nmkinitcpio -P\n")
REMADE, RAN = ("sh /run/remake-initramfs", True), ("/run/aimager-script", True)


@pytest.mark.parametrize(
    "path",
    [
        f"/{CONF}",
        "/etc/mkinitcpio.conf.d/own.conf",
        "/etc/mkinitcpio.d/linux.preset",
        "/etc/initcpio/hooks/own",
        "/etc/initcpio/install/own",
        "/etc/booster.yaml",
        "/etc/dracut.conf",
        "/etc/dracut.conf.d/own.conf",
        "/etc/crypttab.initramfs",
        "/etc/lvm/lvm.conf",
        "/etc/mdadm.conf",
        "/etc/modprobe.d/own.conf",
        "/etc/plymouth/plymouthd.conf",
        "/etc/vconsole.conf",
    ],
)
@pytest.mark.parametrize("scripts", [(), (SCRIPT,)])
def test_what_a_maker_reads_has_it_made_again(
    root: Path, path: str, scripts: tuple[Script, ...]
) -> None:
    image = Maker(root)
    finish(image, Settings("pc", files=(AddedFile(path, "own\n"),), scripts=scripts), ())
    assert image.runs == [REMADE, *[RAN] * len(scripts)]
    assert (root / path.lstrip("/")).read_text() == "own\n"
    assert not list((root / "run").iterdir())


@pytest.mark.parametrize(
    "preset",
    [
        "ALL_config=/etc/own.conf",
        "  default_config='/etc/own.conf'",
        'default_options="-c /etc/own.conf"',
        "default_options='-S kms --config=/etc/own.conf'",
        "default_options=(-S kms --config /etc/own.conf)",
        "default_options=(-c '/etc/own.conf')",
    ],
)
def test_a_configuration_that_a_preset_names_is_one(root: Path, preset: str) -> None:
    (root / "etc/mkinitcpio.d").mkdir()
    (root / "etc/mkinitcpio.d/linux.preset").write_text(f"PRESETS=(default)\n{preset}\n")
    image = Maker(root)
    finish(image, Settings("pc", files=(AddedFile("/etc/own.conf", "HOOKS=(base)\n"),)), ())
    assert image.runs == [REMADE]


@pytest.mark.parametrize(
    "preset",
    ['#ALL_config="/etc/own.conf"', "a_options='--compress /etc/own.conf' # -c /etc/own.conf"],
)
def test_what_a_preset_does_not_name_is_none(root: Path, preset: str) -> None:
    (root / "etc/mkinitcpio.d").mkdir()
    (root / "etc/mkinitcpio.d/linux.preset").write_text(f"{preset}\n")
    image = Maker(root)
    finish(image, Settings("pc", files=(AddedFile("/etc/own.conf", "HOOKS=(base)\n"),)), ())
    assert image.runs == []


def test_nothing_is_made_again_for_other_files_or_the_same(root: Path) -> None:
    image = Maker(root)
    same = AddedFile(f"/{CONF}", "HOOKS=(base autodetect)\n")
    finish(image, Settings("pc", files=(AddedFile("/etc/motd", "own\n"), same)), ())
    assert image.runs == []
    finish(image, Settings("pc", scripts=(SCRIPT,)), ())
    assert image.runs == [RAN]
    assert (root / CONF).read_text() == same.text


def test_a_maker_that_fails_is_told_in_words_of_the_variables(root: Path) -> None:
    image = Maker(root, fails="==> ERROR: Hook 'own' cannot be found\n==> ERROR: two\n")
    with pytest.raises(ConfigError) as caught:
        finish(image, Settings("pc", files=(AddedFile(f"/{CONF}", "HOOKS=(own)\n"),)), ())
    assert caught.value.message == (
        "the initramfs cannot be made by the configuration that files=, overlay= or keymap="
        " brings:\n"
        "    ==> ERROR: Hook 'own' cannot be found\n    ==> ERROR: two"
    )
    assert (root / CONF).read_text() == "HOOKS=(own)\n"


def test_only_what_was_made_before_is_made_again(root: Path) -> None:
    """What is run in the image is run here, with the root in the place of chroot(2)."""
    for name in ("booster", "mkinitcpio"):
        program = root / "usr/bin" / name
        program.write_text(f'#!/bin/sh\necho {name} "$@" >> {root}/calls\n')
        program.chmod(0o755)
    for name, base in (("6.1", "linux"), ("7.0", "linux-rpi")):
        (root / f"usr/lib/modules/{name}").mkdir(parents=True)
        (root / f"usr/lib/modules/{name}/pkgbase").write_text(f"{base}\n")
    (root / "boot").mkdir()
    (root / "boot/booster-linux.img").touch()

    class Here(Maker):
        def run(self, argv: Sequence[str], input: bytes = b"") -> str:
            script = self.runtime.read_text(argv[1].removeprefix("/run/"))
            for folder in ("usr", "boot"):
                script = script.replace(f" /{folder}/", f" {root}/{folder}/")
                script = script.replace(f"=/{folder}/", f"={root}/{folder}/")
            env = {"PATH": f"{root}/usr/bin:/usr/bin:/bin"}
            subprocess.run(["sh", "-eu"], input=script.encode(), env=env, check=True)
            return ""

    finish(Here(root), Settings("pc", files=(AddedFile("/etc/booster.yaml", "a: b\n"),)), ())
    assert (root / "calls").read_text().splitlines() == [
        "mkinitcpio -P",
        f"booster build --force --kernel-version 6.1 {root}/boot/booster-linux.img",
    ]

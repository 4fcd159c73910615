"""The hook of depmod is taken over where it is known, and run as it is where it is not."""

import io
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from aimager.packages.hooks import Hook
from aimager.sandbox.chroot import Chroot
from aimager.sandbox.results import Results
from aimager.sandbox.tree import Tree
from aimager.stand_in.tables import CONTENT
from aimager.system.known_hooks import NAME, depmod_taken_over
from tests.support.trees import bare_chroot

FOLDERS = ("usr/share/libalpm/hooks", "etc/pacman.d/hooks")
HOOK = f"usr/share/libalpm/hooks/{NAME}"
SCRIPT = "usr/share/libalpm/scripts/depmod"
KMOD = CONTENT / "packages/kmod"

ARCHS = """\
[Trigger]
Type = Path
Operation = Install
Operation = Upgrade
Operation = Remove
Target = usr/lib/modules/*/
Target = !usr/lib/modules/*/?*

[Action]
Description = Updating module dependencies...
When = PostTransaction
Exec = /usr/share/libalpm/scripts/depmod
NeedsTargets
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with the stand-in's hook and script, and a place for hooks of ours."""
    root = tmp_path / "root"
    for path in (HOOK, SCRIPT):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes((KMOD / path).read_bytes())
    (tmp_path / "hooks").mkdir()
    return root


def taken(
    root: Path, *, own: str = "", asked: Sequence[str] = (), change: str = ""
) -> tuple[str, list[str]]:
    """Our hook, if there is one, and what is answered to the script, by its log's side.

    ``own`` is a hook of ours that is there before, ``change`` a hook of the root's that is
    installed meanwhile.
    """
    hooks = root.with_name("hooks")
    if own:
        (hooks / NAME).write_text(own)
    image = bare_chroot(root)
    text, said = "", list[str]()
    with depmod_taken_over(image, hooks, FOLDERS, Tree(root), Results(), io.BytesIO()) as ours:
        text = (hooks / NAME).read_text() if (hooks / NAME).exists() else ""
        if change:
            path = root / FOLDERS[1] / NAME
            path.parent.mkdir(parents=True)
            path.write_text(change)
        if asked:
            said = ask(ours, asked)
    assert (hooks / NAME).exists() == bool(own)
    return text, said


def ask(image: Chroot, targets: Sequence[str]) -> list[str]:
    """What our script has the command do that is left, with an echo in its place."""
    (bind,) = image.devices
    script = (bind.source / "depmod").read_text().replace("/run/known-hooks", str(bind.source))
    script = script.replace('eval "$command"', 'sed "s|^|$command |"')
    done = subprocess.run(
        ["sh", "-ec", script],
        input="".join(f"{target}\n" for target in targets),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize("text", ["", ARCHS])
def test_ours_differs_in_its_command_alone(root: Path, text: str) -> None:
    (root / HOOK).write_text(text or (root / HOOK).read_text())
    found, _ = taken(root)
    packaged = (root / HOOK).read_text()
    assert found != packaged
    assert [*zip(packaged.splitlines(), found.splitlines(), strict=True)].count(
        (f"Exec = /{SCRIPT}", "Exec = /usr/bin/sh /run/known-hooks/depmod")
    ) == 1
    assert Hook(NAME, HOOK, found).title == Hook(NAME, HOOK, packaged).title


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (f"/{SCRIPT}", "/usr/bin/own"),
        (f"/{SCRIPT}", f"/{SCRIPT} --all"),
        ("NeedsTargets", ""),
        ("PostTransaction", "PreTransaction"),
        ("NeedsTargets", "NeedsTargets\nAbortOnFail"),
        ("NeedsTargets", f"NeedsTargets\nExec = /{SCRIPT}"),
    ],
)
def test_another_hook_is_left_alone(root: Path, old: str, new: str) -> None:
    (root / HOOK).write_text((root / HOOK).read_text().replace(old, new))
    assert taken(root) == ("", [])


def test_another_script_is_left_alone(root: Path) -> None:
    with (root / SCRIPT).open("a") as script:
        script.write("touch /etc/ran\n")
    assert taken(root) == ("", [])


@pytest.mark.parametrize("target", ["/dev/null", "/usr/share/own.hook"])
def test_a_hook_that_the_root_has_in_its_place_is_left_alone(root: Path, target: str) -> None:
    (root / FOLDERS[1]).mkdir(parents=True)
    (root / FOLDERS[1] / NAME).symlink_to(target)
    assert taken(root) == ("", [])


def test_a_hook_that_is_copied_for_it_stays(root: Path) -> None:
    assert taken(root, own=ARCHS) == (ARCHS, [])


TARGETS = ("usr/lib/modules/6.1/", "usr/lib/modules/6.1/kernel/", "usr/lib/modules/../")


def test_what_is_no_kernel_is_left_to_the_script(root: Path) -> None:
    """It takes away what it once made for that; nothing is to be done for what lies below."""
    _, said = taken(root, asked=TARGETS)
    assert said == [f"/{SCRIPT} {TARGETS[0]}", f"/{SCRIPT} {TARGETS[2]}"]


def test_a_kernel_is_left_to_the_script_where_depmod_cannot_be_known(root: Path) -> None:
    """There is no kmod in the root."""
    (root / "usr/lib/modules/6.1/kernel").mkdir(parents=True)
    _, said = taken(root, asked=TARGETS[:1])
    assert said == [f"/{SCRIPT} {TARGETS[0]}"]


def test_a_hook_that_comes_meanwhile_is_run_in_its_place(root: Path) -> None:
    other = ARCHS.replace(f"/{SCRIPT}", "/usr/bin/own --all")
    _, said = taken(root, asked=TARGETS, change=other)
    assert said == [f"/usr/bin/own --all {target}" for target in TARGETS]


def test_a_hook_that_is_masked_meanwhile_runs_nothing(root: Path) -> None:
    _, said = taken(root, asked=TARGETS, change="# nothing\n")
    assert said == []

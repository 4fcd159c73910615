"""Hooks are taken from the folders that the root's own pacman takes them from, in its order."""

import stat
from pathlib import Path

import pytest

from aimager.model.architecture import Architecture
from aimager.packages.hooks import (
    Hook,
    copy_links,
    hook_folders,
    hooks_run,
    owner,
    packages_changed,
    places,
    read_hooks,
    unseen_links,
)
from aimager.packages.pacman import pacman_conf
from aimager.sandbox.tree import Tree

SYSTEM = "usr/share/libalpm/hooks"
USUAL = "etc/pacman.d/hooks"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("root/etc/pacman.d", f"root/{SYSTEM}", f"root/{USUAL}", "own"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    return tmp_path / "root"


def own(root: Path) -> Tree:
    return Tree(root.with_name("own"))


@pytest.mark.parametrize(
    ("conf", "folders"),
    [
        (None, (USUAL,)),
        ("", (USUAL,)),
        ("[options]\n#HookDir = /etc/x\nRootDir = /\n", (USUAL,)),
        ("[options]\nHookDir = /etc/x/\n", ("etc/x",)),
        ("[options]\n  HookDir=/a/b /c\nHookDir = /etc/../d\n", ("a/b", "c", "d")),
        ("[core]\nHookDir = /etc/x\n[options]\nHookDir = /etc/y\n", ("etc/y",)),
        ("[options]\nHookDir = /../../../etc/passwd/\n", ("etc/passwd",)),
        ("[options]\nInclude = /etc/pacman.d/*.inc\n", ("from/a", "from/b")),
        ("[options]\nInclude = /etc/pacman.conf\nHookDir = /z\n", ("z",)),
        ("[options]\n" + "Include = /etc/../etc/pacman.d/*\n" * 99, ("from/a", "from/b")),  # [core]
        (f"[options]\nHookDir = /{SYSTEM} /a\n", ("a",)),
        ("[options]\nHookDir = /led/hooks\n", ("srv/hooks",)),
    ],
)
def test_the_folders_are_those_that_its_configuration_names(
    root: Path, conf: str | None, folders: tuple[str, ...]
) -> None:
    (root / "etc/pacman.d/a.inc").write_text("HookDir = /from/a\n")
    (root / "etc/pacman.d/b.inc").write_text("HookDir = /from/b\n[core]\nHookDir = /c\n")
    loops = "Include = /etc/pacman.d/*\n" * 99
    (root / "etc/pacman.d/loop").write_text(f"{loops}[options]\n{loops}HookDir = /l\n")
    (root / "srv/hooks").mkdir(parents=True)
    (root / "led").symlink_to("/srv")
    if conf is not None:
        (root / "etc/pacman.conf").write_text(conf)
    assert hook_folders(Tree(root)) == (SYSTEM, *folders)


def test_pacman_looks_into_ours_last() -> None:
    text = pacman_conf(Architecture.x86_64, hooks=(SYSTEM, USUAL, "opt/hooks"))
    folders = [line for line in text.splitlines() if line.startswith("HookDir")]
    assert folders == [
        "HookDir = /run/image/etc/pacman.d/hooks/",
        "HookDir = /run/image/opt/hooks/",
        "HookDir = /run/pacman/hooks/",
    ]
    assert places((SYSTEM,)) == []


def test_of_one_name_the_last_is_taken(root: Path) -> None:
    (root / SYSTEM / "50-a.hook").write_text("Description = one\n")
    (root / SYSTEM / "51-b.hook").write_text("Description = two\nExec = /b -x\nDepends = y>1\n")
    (root / USUAL / "50-a.hook").symlink_to("/dev/null")
    (root / USUAL / "note.txt").write_text("Description = three\n")
    own(root).write("52-c.hook", "[Action]\nAbortOnFail\n")
    own(root).write("51-b.hook", "Description = ours\n")
    hooks = read_hooks(Tree(root), (SYSTEM, USUAL), own(root))
    assert hooks == {
        "50-a.hook": Hook("50-a.hook", f"{USUAL}/50-a.hook", ""),
        "51-b.hook": Hook("51-b.hook", f"{SYSTEM}/51-b.hook", "Description = ours\n"),
        "52-c.hook": Hook("52-c.hook", None, "[Action]\nAbortOnFail\n"),
    }
    assert [hook.title for hook in hooks.values()] == ["50-a.hook", "ours", "52-c.hook"]
    assert [hook.aborts for hook in hooks.values()] == [False, False, True]
    hooks = read_hooks(Tree(root), (SYSTEM,), Tree(root / "etc"))
    assert hooks["51-b.hook"].runs == "/b -x"
    assert hooks["51-b.hook"].depends == ["y>1"]


@pytest.mark.parametrize("target", ["/usr/share/own/a.hook", "../../../usr/share/own/a.hook"])
def test_what_a_link_leads_to_in_the_root_is_copied(root: Path, target: str) -> None:
    (root / "usr/share/own").mkdir()
    (root / "usr/share/own/a.hook").write_text("Description = led to\n")
    (root / USUAL / "50-a.hook").symlink_to(target)
    (root / USUAL / "51-b.hook").symlink_to("/dev/null")
    (root / USUAL / "52-c.hook").symlink_to("/nowhere")
    (root / USUAL / "53-d.hook").write_text("")
    tree = Tree(root)
    seen = [] if target.startswith("..") else ["50-a.hook"]
    assert unseen_links(tree, (SYSTEM, USUAL), own(root)) == seen
    copy_links(tree, (SYSTEM, USUAL), own(root))
    assert own(root).names() == ["50-a.hook"]
    assert own(root).read_text("50-a.hook") == "Description = led to\n"
    status = own(root).lstat("50-a.hook")
    assert status
    assert stat.S_ISREG(status.st_mode)
    assert unseen_links(tree, (SYSTEM, USUAL), own(root)) == []


def test_a_link_that_another_hook_overrides_is_none(root: Path) -> None:
    (root / "a.hook").write_text("")
    (root / SYSTEM / "50-a.hook").symlink_to("/a.hook")
    (root / USUAL / "50-a.hook").symlink_to("/dev/null")
    copy_links(Tree(root), (SYSTEM, USUAL), own(root))
    assert own(root).names() == []


def test_what_ran_is_known_by_the_log_and_not_by_what_hooks_say() -> None:
    log = (
        "[2026-01-01T00:00:00+0000] [PACMAN] Running 'pacman -U'\n"
        "[2026-01-01T00:00:00+0000] [ALPM] running '50-a.hook'...\n"
        "[2026-01-01T00:00:00+0000] [ALPM-SCRIPTLET] [x] [ALPM] running '51-b.hook'...\n"
        "[2020-01-01 00:00] [ALPM] running 'c d.hook'...\n"
        "[2020-01-01 00:00] [ALPM] removed nano-old (8-1)\n"
        "[2020-01-01 00:00] [ALPM] upgraded nano (8-1 -> 9-1)\n"
        "[2020-01-01 00:00] [ALPM-SCRIPTLET] installed vmlinuz (1)\n"
        "[2020-01-01 00:00] [ALPM] transaction completed\n"
    )
    assert packages_changed(log) == ["nano-old", "nano"]
    assert hooks_run(log) == ["50-a.hook", "c d.hook"]


def test_whose_a_hook_is(root: Path) -> None:
    local = root / "var/lib/pacman/local/my-pkg-1:1-1"
    local.mkdir(parents=True)
    (local / "files").write_text(f"%FILES%\netc/\n{USUAL}/50-a.hook\n")
    assert owner(Tree(root), f"{USUAL}/50-a.hook") == "my-pkg"
    assert owner(Tree(root), "50-a.hook") == ""


def test_of_several_lines_the_last_counts_as_for_libalpm() -> None:
    """It warns of "overwriting previous definition"; what a hook depends on adds up."""
    lines = ("Description = one", "Exec = /bin/a x", "Depends = p", "Depends = q", "Exec=/bin/b y")
    text = "\n".join(("[Action]", *lines, "Description = two words "))
    hook = Hook("x.hook", None, text)
    assert (hook.title, hook.runs, hook.depends) == ("two words", "/bin/b y", ["p", "q"])

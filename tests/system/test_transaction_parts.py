"""What pacman says, parted by what it runs: nothing that this says is taken for pacman's."""

from pathlib import Path

import pytest

from aimager.sandbox.tree import Tree
from aimager.system.hook_failures import failures
from aimager.system.transaction_parts import UNKNOWN, ran_of

FAILED = "error: command failed to execute correctly\n"
BEFORE, AFTER = (f":: Running {when}-transaction hooks...\n" for when in ("pre", "post"))
CHANGES = ":: Processing package changes...\n"
MKINITCPIO = (
    "the hook 90-mkinitcpio-install.hook of the package mkinitcpio ('Updating linux initcpios...')"
)
LOG = """[2026-01-01T00:00:00+0000] [PACMAN] Running 'pacman -U'
[2026-01-01T00:00:00+0000] [ALPM] transaction started
[2026-01-01T00:00:00+0000] [ALPM] removed nano-old (8-1)
[2026-01-01T00:00:00+0000] [ALPM] installed nano (8-1)
[2026-01-01T00:00:00+0000] [ALPM-SCRIPTLET] installed vmlinuz (1)
[2026-01-01T00:00:00+0000] [ALPM] upgraded linux-old (6-1 -> 6-2)
[2026-01-01T00:00:00+0000] [ALPM] transaction completed
[2026-01-01T00:00:00+0000] [ALPM] running '90-mkinitcpio-install.hook'...
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with the hook that makes an initramfs, and a package whose scriptlet is a kernel's."""
    root = tmp_path / "root"
    local = root / "var/lib/pacman/local"
    for path, text in {
        root / "usr/share/libalpm/hooks/90-mkinitcpio-install.hook": "[Action]\nExec = mkinitcpio\n"
        "Description = Updating linux initcpios...\n",
        local / "mkinitcpio-41-1/files": "%FILES%\n"
        "usr/share/libalpm/hooks/90-mkinitcpio-install.hook\n",
        local / "linux-old-6-1/install": "post_install() {\n  depmod 6.0\n}\n",
    }.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "own").mkdir()
    return root


def own(root: Path) -> Tree:
    return Tree(root.parent / "own")


@pytest.mark.parametrize("log", ["", LOG])
@pytest.mark.parametrize(
    "line",
    [
        ":: Running the generator",
        ":: running early hook [udev]",
        ":: Processing package changes...",
        ":: Running pre-transaction hooks...",
        ":: Running post-transaction hooks...",
        "installing vmlinuz...",
        "removing old-kernel...",
        "upgrading nano...",
        "installing nano...",
    ],
)
def test_a_hook_that_speaks_like_pacman_is_blamed_itself(root: Path, line: str, log: str) -> None:
    said = (
        f"{CHANGES}removing nano-old...\ninstalling nano...\nupgrading linux-old...\n"
        f"{AFTER}(1/1) Updating linux initcpios...\n{line}\n{FAILED}"
    )
    (failure,) = failures(said, Tree(root), own(root), ran_of(log))
    assert (failure.what, failure.boots) == (MKINITCPIO, True)
    assert failure.said == (line,)


@pytest.mark.parametrize(
    "line",
    [
        ":: Running the generator",
        ":: Running pre-transaction hooks...",
        "installing vmlinuz...",
        "installing nano...",
        "removing old-kernel...",
        "(1/1) Updating linux initcpios...",
    ],
)
def test_a_scriptlet_that_speaks_like_pacman_is_blamed_itself(root: Path, line: str) -> None:
    said = (
        f"{BEFORE}{CHANGES}removing nano-old...\ninstalling nano...\nupgrading linux-old...\n"
        f"{line}\n{FAILED}{AFTER}(1/1) Updating linux initcpios...\nfine\n"
    )
    (failure,) = failures(said, Tree(root), own(root), ran_of(LOG))
    assert (failure.what, failure.boots) == ("the scriptlet of the package linux-old", True)
    assert failure.said == (line,)


def test_what_pacman_does_not_name_may_be_what_boots(root: Path) -> None:
    (failure,) = failures(f"{AFTER}alas\n{FAILED}", Tree(root), own(root), UNKNOWN)
    assert failure.boots
    assert failure.tell().startswith("a hook or scriptlet that pacman did not name failed:\n")

"""Packages that may be part of an initramfs, by the files they bring."""

from pathlib import Path

import pytest

from aimager.sandbox.tree import Tree
from aimager.system.initramfs_parts import find_part, kernel_packages

KERNEL_HOOK = "[Trigger]\nType = Path\nTarget = usr/lib/modules/*/vmlinuz\n"
OTHER_HOOK = "[Trigger]\nType = Path\nTarget = usr/share/fonts/*\n"


def tree(top: Path, *paths: str, **others: str) -> Tree:
    """One with a kernel, and a package ``added`` that has these paths."""
    packages = {
        "linux": ["usr/lib/modules/", "usr/lib/modules/6.1/", "usr/lib/modules/6.1/vmlinuz"]
    }
    packages["filesystem"] = ["usr/", "usr/lib/", "usr/lib/modules/", "boot/"]
    packages["added"] = list(paths)
    for name, listed in packages.items():
        folder = top / f"var/lib/pacman/local/{name}-1-1"
        folder.mkdir(parents=True)
        (folder / "files").write_text("%FILES%\n" + "".join(f"{path}\n" for path in listed))
    for path, text in others.items():
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_text(text)
    return Tree(top)


@pytest.mark.parametrize(
    "path",
    [
        *("etc/mkinitcpio.conf.d/a.conf", "etc/modprobe.d/a.conf", "etc/crypttab.initramfs"),
        *("usr/lib/firmware/a.bin", "usr/lib/initcpio/hooks/a", "usr/lib/udev/rules.d/a.rules"),
        *("usr/lib/libtss2-esys.so.0", "usr/bin/fsck.xfs", "usr/bin/mdadm", "boot/amd-ucode.img"),
        *("usr/src/wireguard/dkms.conf", "etc/pacman.d/hooks/60-depmod.hook"),
    ],
)
def test_what_has_a_part(tmp_path: Path, path: str) -> None:
    assert find_part(tree(tmp_path, "usr/", "etc/", path), {"added"}) == path


@pytest.mark.parametrize(
    "path",
    [
        *("etc/nanorc", "usr/bin/nano", "usr/lib/sudo/sudoers.so", "usr/share/man/man1/fsck.8.gz"),
        *("etc/pacman.d/mirrorlist", "usr/lib/systemd/system/sshd.service", "usr/share/kbdx"),
    ],
)
def test_what_has_none(tmp_path: Path, path: str) -> None:
    assert not find_part(tree(tmp_path, "usr/", "etc/", "usr/lib/", path), {"added"})


def test_what_was_there_before_is_not_looked_at(tmp_path: Path) -> None:
    assert not find_part(tree(tmp_path, "etc/nanorc"), {"other"})


@pytest.mark.parametrize(("text", "has_part"), [(KERNEL_HOOK, True), (OTHER_HOOK, False)])
def test_a_hook(tmp_path: Path, text: str, has_part: bool) -> None:
    path = "usr/share/libalpm/hooks/added.hook"
    found = find_part(tree(tmp_path, path, **{path: text}), {"added"})
    assert found == path * has_part


def test_dracut_takes_what_is_there(tmp_path: Path) -> None:
    there = tree(tmp_path, "usr/bin/nano", **{"usr/bin/dracut": ""})
    assert find_part(there, {"added"}) == "usr/bin/nano"


def test_kernels_are_those_with_modules(tmp_path: Path) -> None:
    assert kernel_packages(tree(tmp_path)) == {"linux"}

"""dracut makes an initramfs for any machine, whatever its temporary folder is called."""

import re
import subprocess
from pathlib import Path

import pytest

from aimager.system.initramfs import universal
from tests.support.trees import bare_chroot


def run_dracut_hook(root: Path, *names: str, status: int = 0) -> list[str]:
    """What dracut was called with by our hook, ``root`` being in the place of chroot(2).

    ``names`` are those that its temporary folders get, one after the other.
    """
    script = (root / "run/dracut-initramfs").read_text()
    for folder in ("usr", "boot", "var"):
        script = re.sub(rf"(?<=[ \"=])/{folder}/", f"{root}/{folder}/", script)
    calls, folders = root / "calls", root / "folders"
    calls.write_text("")
    folders.write_text("".join(f"{name}\n" for name in names or ["dracut.aB3dEf"]))
    stub = f"""\
dracut() {{
    echo "$*" >> {calls}
    mkdir {root}/var/tmp/dracut-kept/"$(sed -n "$(wc -l < {calls})p" {folders})"
    return {status}
}}
"""
    run = subprocess.run(["sh", "-eu"], input=(stub + script).encode(), check=False)
    assert run.returncode == status
    assert not any((root / "var/tmp").iterdir())
    return calls.read_text().splitlines()


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    """A root with a kernel and dracut."""
    root = tmp_path / "root"
    for path in ("run", "etc", "usr/bin"):
        (root / path).mkdir(parents=True)
    folder = root / "usr/lib/modules/6.1"
    folder.mkdir(parents=True)
    (root / "var/tmp").mkdir(parents=True)
    (folder / "pkgbase").write_text("linux-lts\n")
    (folder / "vmlinuz").write_text("kernel")
    (root / "usr/bin/dracut").touch()
    return root


@pytest.mark.parametrize(
    ("names", "count"),
    [
        (["dracut.k0pqrs"], 1),
        (["dracut.ako.ko"], 2),
        (["dracut.koAB12", "dracut.xkoAB1"], 2),
        (["dracut.koAB12", "dracut.koCD34", "dracut.AB12ko"], 3),
    ],
)
def test_dracut_is_run_again_where_its_folder_looks_like_a_module(
    kernel: Path, tmp_path: Path, names: list[str], count: int
) -> None:
    with universal(bare_chroot(kernel), tmp_path / "hooks"):
        assert len(run_dracut_hook(kernel, *names, "dracut.last12")) == count


def test_that_dracut_failed_is_told(kernel: Path, tmp_path: Path) -> None:
    with universal(bare_chroot(kernel), tmp_path / "hooks"):
        assert len(run_dracut_hook(kernel, status=3)) == 1


def test_dracut_makes_an_initramfs_for_any_machine_of_each_kernel(
    kernel: Path, tmp_path: Path
) -> None:
    root, hooks = kernel, tmp_path / "hooks"
    empty = root / "usr/lib/modules/7.0"
    empty.mkdir()
    (empty / "pkgbase").write_text("linux-rpi\n")
    (empty / "vmlinuz").write_text("")
    with universal(bare_chroot(root), hooks):
        (root / "usr/bin/dracut").unlink()
        assert run_dracut_hook(root) == [], "there is no dracut"
        (root / "usr/bin/dracut").touch()
        assert run_dracut_hook(root) == [
            f"--force --no-hostonly --reproducible --keep --tmpdir {root}/var/tmp/dracut-kept"
            f" --kver 6.1 {root}/boot/initramfs-linux-lts.img"
        ]
        assert str((hooks / "90-dracut-install.hook").readlink()) == "/dev/null"
        last = max(hooks.iterdir())
        assert "Exec = /usr/bin/sh /run/dracut-initramfs" in last.read_text().splitlines()
    assert (root / "boot/vmlinuz-linux-lts").read_text() == "kernel"
    assert not (root / "boot/vmlinuz-linux-rpi").exists(), "it is empty"
    assert not any((root / "etc").iterdir()), "dracut's configuration stays as it was"

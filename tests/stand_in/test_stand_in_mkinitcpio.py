"""The stand-in of mkinitcpio: what each hook adds to an image, and what becomes of wrong ones."""

import shutil
import subprocess
from pathlib import Path

import pytest

from aimager.stand_in.cpio import write_cpio
from aimager.stand_in.tables import CONTENT

PROGRAM = "usr/bin/mkinitcpio"
MAKER = "usr/lib/stand-in-initramfs/make-initramfs"
DEFAULT = "base systemd microcode modconf kms keyboard sd-vconsole block filesystems fsck"

pytestmark = pytest.mark.skipif(
    not (shutil.which("bash") and shutil.which("cpio")), reason="bash or cpio is missing"
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with one kernel, and in the place of what packs the image one that tells its words."""
    for folder in ("usr/bin", "usr/lib/modules/7-x", "usr/lib/stand-in-initramfs", "etc", "boot"):
        (tmp_path / folder).mkdir(parents=True)
    text = (CONTENT / "packages/mkinitcpio" / PROGRAM).read_text()
    for top in ("/usr/lib/", "/etc/", "/boot/"):
        text = text.replace(f" {top}", f" {tmp_path}{top}").replace(f"={top}", f"={tmp_path}{top}")
        text = text.replace(f"'{top}", f"'{tmp_path}{top}").replace(f"({top}", f"({tmp_path}{top}")
    (tmp_path / PROGRAM).write_text(text)
    (tmp_path / MAKER).write_text(
        '#!/bin/bash\nprintf "%s\\n" "$@"\n'
        'while [[ $1 != --early ]]; do shift; done\ncd "$2" && find . -type f\n'
    )
    (tmp_path / MAKER).chmod(0o755)
    (tmp_path / "etc/vconsole.conf").write_text("KEYMAP=us\n")
    return tmp_path


def run(root: Path, hooks: str) -> tuple[int, list[str], str]:
    """Have it make an image by these hooks: its exit code, what the maker is told, complaints."""
    (root / "etc/mkinitcpio.conf").write_text(f"HOOKS=({hooks})\n")
    done = subprocess.run(
        ["bash", root / PROGRAM, "-k", "7-x", "-g", root / "boot/initramfs.img"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout.splitlines(), done.stderr


@pytest.mark.parametrize(
    ("hooks", "modules"),
    [
        (DEFAULT, ",kms,keyboard,block,filesystems"),
        (DEFAULT.replace(" kms", ""), ",keyboard,block,filesystems"),
        (f"autodetect {DEFAULT}", "host,kms,keyboard,block,filesystems"),
        ("base", ""),
    ],
)
def test_hooks_choose_the_modules(root: Path, hooks: str, modules: str) -> None:
    status, said, _ = run(root, hooks)
    assert status == 0
    assert said[said.index("--modules") + 1] == modules


def test_a_hook_that_is_not_there_is_an_error(root: Path) -> None:
    status, said, complaints = run(root, "base plymouth block")
    assert status == 1
    assert "==> ERROR: Hook 'plymouth' cannot be found\n" in complaints
    assert said[said.index("--modules") + 1] == ",block", "the image is made all the same"


@pytest.mark.parametrize(("machine", "found"), [("x86_64", True), ("aarch64", False)])
def test_microcode_comes_in_an_archive_of_its_own(root: Path, machine: str, found: bool) -> None:
    uname = root / "uname"
    uname.write_text(f"#!/bin/sh\necho {machine}\n")
    uname.chmod(0o755)
    text = (root / PROGRAM).read_text()
    (root / PROGRAM).write_text(text.replace("$(uname -m)", f"$({uname} -m)"))
    file = "kernel/x86/microcode/AuthenticAMD.bin"
    (root / "boot/amd-ucode.img").write_bytes(write_cpio({file: b"code"}))
    status, said, complaints = run(root, DEFAULT)
    assert status == 0
    assert (f"./{file}" in said) == found
    assert ("not supported, skipping hook" in complaints) != found


def test_the_console_has_to_have_its_file(root: Path) -> None:
    (root / "etc/vconsole.conf").unlink()
    status, said, complaints = run(root, DEFAULT)
    assert status == 1
    assert "==> ERROR: file not found: " in complaints
    assert said[said.index("--files") + 1] == ""


def test_the_console_is_what_its_file_says(root: Path) -> None:
    status, said, complaints = run(root, DEFAULT)
    assert (status, said[said.index("--files") + 1]) == (0, str(root / "etc/vconsole.conf"))
    assert "vconsole" not in complaints

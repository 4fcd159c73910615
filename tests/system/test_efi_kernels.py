"""systemd-boot's kernels are EFI programs, which compressed ones are made and others refused."""

import gzip
import lzma
import os
import re
import struct
import subprocess
from pathlib import Path

import pytest
import zstandard

from aimager import limits
from aimager.errors import ImageError
from aimager.resources import read_data
from aimager.sandbox.tree import Tree
from aimager.system.bootloader.efi_kernels import HOOK, SCRIPT, make_startable
from aimager.system.kernels import Kernel
from tests.support.efi_program import EFI_PROGRAM

PACKED = gzip.compress(EFI_PROGRAM, mtime=0)


def kernel(name: str = "linux") -> Kernel:
    return Kernel(name, "6.1", Path(f"vmlinuz-{name}"), Path("initramfs"))


def put(root: Path, content: bytes, name: str = "vmlinuz-linux") -> Path:
    path = root / "boot" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o640)
    return path


def test_a_compressed_kernel_is_unpacked_in_place(tmp_path: Path) -> None:
    packed, plain = put(tmp_path, PACKED), put(tmp_path, EFI_PROGRAM, "vmlinuz-lts")
    make_startable(Tree(tmp_path), [kernel(), kernel("lts")])
    assert packed.read_bytes() == plain.read_bytes() == EFI_PROGRAM
    assert packed.stat().st_mode & 0o777 == 0o640
    assert os.access(tmp_path / SCRIPT, os.X_OK)
    hook = (tmp_path / HOOK).read_text()
    assert f"Exec = /usr/bin/sh /{SCRIPT}\n" in hook
    assert HOOK.rpartition("/")[2] > "90-mkinitcpio-install.hook"
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    make_startable(Tree(tmp_path), [kernel("lts")])
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_nothing_is_left_where_kernels_are_programs(tmp_path: Path) -> None:
    put(tmp_path, EFI_PROGRAM)
    make_startable(Tree(tmp_path), [kernel()])
    assert [path.name for path in tmp_path.rglob("*")] == ["boot", "vmlinuz-linux"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\x7fELF" + bytes(200), r"is not an EFI program$"),
        (b"MZ", r"is not an EFI program$"),
        (b"MZ" + bytes(200), r"is not an EFI program$"),
        (EFI_PROGRAM[:60] + struct.pack("<I", 1 << 31), r"is not an EFI program$"),
        (zstandard.compress(EFI_PROGRAM), r"is not an EFI program: it is compressed by zstd$"),
        (lzma.compress(EFI_PROGRAM), r"is not an EFI program: it is compressed by xz$"),
        (PACKED[:-12], r"is compressed by gzip and damaged"),
        (
            gzip.compress(bytes(200), mtime=0),
            r"holds, compressed by gzip, what is not an EFI program$",
        ),
        (gzip.compress(PACKED, mtime=0), r"holds, compressed by gzip, what is not an EFI program$"),
        (gzip.compress(bytes(9 << 20), mtime=0), r"is compressed by gzip and damaged"),
    ],
)
def test_others_are_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, why: str
) -> None:
    monkeypatch.setattr(limits, "KERNEL", 8 << 20)
    path = put(tmp_path, content)
    with pytest.raises(ImageError) as caught:
        make_startable(Tree(tmp_path), [kernel()])
    told = caught.value.message
    assert told.startswith("systemd-boot cannot start the kernel linux: /boot/vmlinuz-linux ")
    assert re.search(why, told), told
    assert "doit boards" in caught.value.hint
    assert path.read_bytes() == content
    assert not (tmp_path / HOOK).exists()


def test_the_hook_unpacks_what_an_upgrade_brings(tmp_path: Path) -> None:
    packed, plain = put(tmp_path, PACKED), put(tmp_path, EFI_PROGRAM, "vmlinuz-lts")
    foreign = gzip.compress(b"something else", mtime=0)
    other = put(tmp_path, foreign, "vmlinuz-other")
    initramfs = put(tmp_path, PACKED, "initramfs-linux.img")
    script = read_data("aimager.system", "content/unpack-kernels")
    argv = ["sh", "-s", str(tmp_path / "boot")]
    for _ in range(2):
        done = subprocess.run(argv, input=script, capture_output=True, text=True, check=True)
        assert done.stderr == f"{other} holds no EFI program, and stays as it is\n"
    assert packed.read_bytes() == plain.read_bytes() == EFI_PROGRAM
    assert packed.stat().st_mode & 0o777 == 0o640
    assert other.read_bytes() == foreign
    assert initramfs.read_bytes() == PACKED
    assert len(list((tmp_path / "boot").iterdir())) == 4


@pytest.mark.parametrize("name", ["Image", "zImage", "kernel8.img", "vmlinuz-linux-aarch64"])
def test_the_hook_knows_kernels_of_packages_own_names(tmp_path: Path, name: str) -> None:
    packed = put(tmp_path, PACKED, name)
    script = read_data("aimager.system", "content/unpack-kernels")
    subprocess.run(["sh", "-s", str(tmp_path / "boot")], input=script, text=True, check=True)
    assert packed.read_bytes() == EFI_PROGRAM


def test_a_kernel_that_cannot_be_unpacked_leaves_nothing_behind(tmp_path: Path) -> None:
    damaged, packed = put(tmp_path, PACKED[:-9], "vmlinuz-a"), put(tmp_path, PACKED, "vmlinuz-b")
    script = read_data("aimager.system", "content/unpack-kernels")
    argv = ["sh", "-s", str(tmp_path / "boot")]
    done = subprocess.run(argv, input=script, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.endswith(f"{damaged} cannot be unpacked, and stays as it is\n")
    assert damaged.read_bytes() == PACKED[:-9]
    assert packed.read_bytes() == EFI_PROGRAM
    assert sorted(path.name for path in (tmp_path / "boot").iterdir()) == ["vmlinuz-a", "vmlinuz-b"]

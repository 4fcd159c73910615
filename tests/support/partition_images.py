"""Small trees, file systems of them, and fsck for these."""

import os
import subprocess
from pathlib import Path

from aimager.image.filesystem.ext4 import make_ext4
from aimager.image.filesystem.fat import make_fat
from aimager.model.partition import MiB
from tests.support import trees

PROGRAMS = {**os.environ, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


def small_tree(top: Path, count: int = 3, size: int = 10_000) -> Path:
    top.mkdir()
    content = bytes(range(1, 33)) * -(-size // 32)
    for number in range(count):
        # Few in a folder: mke2fs searches all of it for each one's name.
        folder = top / f"{number // 200:03}"
        folder.mkdir(exist_ok=True)
        (folder / f"{number:06}").write_bytes(content[:size])
    return top


def boot_tree(top: Path, *, reverse: bool = False) -> Path:
    names = ["vmlinuz-linux", "EFI/BOOT/BOOTX64.EFI", "dtbs/broadcom/bcm2711-rpi-4-b.dtb",
             *(f"overlays/{number:03}.dtbo" for number in range(300))]  # fmt: skip
    for name in reversed(names) if reverse else names:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(name * 100)
    (top / "Image").symlink_to("vmlinuz-linux")
    return top


def ext4(tree: Path, image: Path, size: int | None = None) -> Path:
    make_ext4(trees.TOOLS, tree, image, size=size, uuid=trees.UUID, label="root", epoch=trees.EPOCH)
    return image


def fat(tree: Path, image: Path, size: int = 40 * MiB) -> Path:
    make_fat(
        trees.TOOLS, tree, image, size=size, volume_id="1a2b3c4d", label="boot", epoch=trees.EPOCH
    )
    return image


def check_fat(image: Path) -> None:
    done = subprocess.run(
        ["fsck.fat", "-vn", image], capture_output=True, text=True, env=PROGRAMS, check=False
    )
    assert done.returncode == 0, done.stdout

"""A root in which each function of ours finds what it looks for, and traps to put in its place."""

import io
import os
import shutil
import signal
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from aimager.errors import AimagerError
from aimager.system.configure import ImageRoot
from aimager.toolbox import Toolbox
from tests.support.efi_program import EFI_PROGRAM
from tests.support.trees import bare_chroot

SECONDS = 20
"""After so many, a call is taken to be blocked."""

_LOCAL = "var/lib/pacman/local/nano-8-1"

_UNTIDY = f"07070100000007{80 * chr(48)}0000000b00000000TRAILER!!!{4 * chr(0)}"
"""An archive of nothing, which would be written otherwise by us."""

FILES = {
    "etc/group": "root:x:0:\nwheel:x:998:\n",
    "etc/hostname": "old\n",
    "etc/fstab": "# old\n",
    "etc/locale.gen": "#en_US.UTF-8 UTF-8\n#de_DE.UTF-8 UTF-8\n",
    "etc/locale.conf": "LANG=C\n",
    "etc/vconsole.conf": "KEYMAP=de\n",
    "etc/localtime": "TZif",
    "etc/passwd": "root:x:0:0::/root:/bin/sh\n",
    "etc/resolv.conf": "nameserver 10.0.0.1\n",
    "etc/pacman.conf": "[core]\nInclude = x\n",
    "etc/pacman.d/hooks/50-own.hook": "Description = Updating\n",
    "etc/pacman.d/mirrorlist": "#Server = http://m/$repo\n",
    "etc/mkinitcpio.conf": "HOOKS=(base)\n",
    "etc/mkinitcpio.conf.d/zzz-aimager-universal.conf": "universal=()\n",
    "etc/mkinitcpio.d/linux-arm.preset": "ALL_kver='6.1-arm'\n",
    "etc/booster.yaml": "universal: true\n",
    "etc/motd.d/hello": "old\n",
    "etc/sudoers.d/10-groups": "old\n",
    "etc/systemd/network/20-wired.network": "old\n",
    "etc/systemd/system/multi-user.target.wants/sshd.service": "",
    "etc/systemd/system-preset/10-own.preset": "disable *\n",
    "usr/bin/pacman-key": "",
    "usr/bin/locale-gen": "",
    "usr/lib/locale/locale-archive": "made",
    "usr/lib/locale/.made-for": "other",
    "usr/lib/modules/6.1/pkgbase": "linux\n",
    "usr/lib/modules/6.1/dtb/vendor/a.dtb": "dtb",
    "usr/lib/modules/6.1-arm/dtb/b.dtb": "dtb",
    "usr/lib/systemd/boot/efi/systemd-bootx64.efi": "MZ",
    "usr/lib/systemd/system/systemd-networkd.service": "",
    "usr/lib/systemd/system/systemd-resolved.service": "",
    "usr/lib/systemd/system-preset/99-default.preset": "# none\n",
    "usr/lib/syslinux/bios/menu.c32": "c32",
    "usr/lib/syslinux/bios/libutil.c32": "c32",
    "usr/lib/syslinux/bios/libcom32.c32": "c32",
    "usr/lib/u-boot.bin": "u-boot",
    "usr/local/lib/grow-root": "old\n",
    "usr/share/libalpm/hooks/60-initcpio.hook": "Description = Updating\nExec = /mkinitcpio\n",
    "usr/share/pacman/keyrings/mine.gpg": "old",
    "boot/vmlinuz-linux": EFI_PROGRAM.decode(),
    "boot/initramfs-linux.img": "initramfs",
    "usr/share/applications/mimeinfo.cache": "[MIME Cache]\nb/b=b;a;\n",
    "usr/lib/python3/__pycache__/a.pyc": "compiled",
    "var/cache/man/index.db": "index",
    "boot/booster-linux.img": _UNTIDY,
    "boot/Image": EFI_PROGRAM.decode(),
    "boot/amd-ucode.img": "ucode",
    "boot/config.txt": "initramfs initramfs-linux.img\n",
    "boot/cmdline.txt": "root=/dev/x quiet\n",
    "boot/loader/loader.conf": "old\n",
    "boot/loader/entries/linux.conf": "old\n",
    "boot/EFI/BOOT/BOOTX64.EFI": "old",
    "boot/extlinux/extlinux.conf": "old\n",
    "boot/syslinux/syslinux.cfg": "old\n",
    "home/alice/file": "hers",
    "run/universal-initramfs": "old\n",
    "run/universal-initramfs.done": "",
    "run/mkinitcpio.conf": "HOOKS=(base autodetect)\n",
    "run/booster.yaml": "",
    "run/aimager-script": "old\n",
    "var/cache/pacman/pkg/old.pkg": "old",
    "var/lib/pacman/sync/core.db": "old",
    "var/log/app/app.log": "what it did",
    "var/log/journal/abc/system.journal": "journal",
    f"{_LOCAL}/desc": "%NAME%\nnano\n\n%VERSION%\n8-1\n\n%INSTALLDATE%\n7\n\n",
    f"{_LOCAL}/files": "%FILES%\nusr/\nusr/share/libalpm/hooks/60-initcpio.hook\n\n",
    f"{_LOCAL}/install": "post_install() {\n  true\n}\n",
}
FOLDERS = ("dev", "proc", "sys", "tmp")


class QuietRoot(ImageRoot):
    """A root whose programs are not run."""

    def __init__(self, root: Path) -> None:
        super().__init__(bare_chroot(root), Toolbox(None, io.BytesIO()), 7)

    def run(self, argv: Sequence[str], input: bytes = b"") -> str:
        return ""


def make_root(root: Path) -> None:
    """A root with something in every place that is touched."""
    for name in FOLDERS:
        (root / name).mkdir(parents=True)
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def set_trap(root: Path, outside: Path, path: str, trap: str) -> None:
    """Put a trap to ``path`` of the root, which may lead to its likeness in ``outside``."""
    place, likeness = root / path, outside / path
    place.parent.mkdir(parents=True, exist_ok=True)
    if not os.path.lexists(place):
        place.write_text("a secret")
    if trap == "link in the middle":
        first = path.partition("/")[0]
        if (root / first).is_symlink():
            return
        (root / first).rename(outside / first)
        (root / first).symlink_to(outside / first)
        return
    likeness.parent.mkdir(parents=True, exist_ok=True)
    place.rename(likeness)
    if trap == "hard link":
        target = likeness if likeness.is_file() else outside / "other"
        target.touch()
        os.link(target, place)
    else:
        _LAYERS[trap](place, likeness)


def _folder(place: Path, likeness: Path) -> None:
    (place / "in/it").mkdir(parents=True)


def _huge(place: Path, likeness: Path) -> None:
    with place.open("wb") as stream:
        stream.truncate(1 << 42)


_LAYERS: dict[str, Callable[[Path, Path], object]] = {
    "absolute link": lambda place, likeness: place.symlink_to(likeness),
    "relative link": lambda place, likeness: place.symlink_to(
        os.path.relpath(likeness, place.parent)
    ),
    "dangling link": lambda place, likeness: place.symlink_to(likeness.parent / "not/there"),
    "loop": lambda place, likeness: place.symlink_to(place.name),
    "fifo": lambda place, likeness: os.mkfifo(place),
    "folder": _folder,
    "file": lambda place, likeness: place.write_bytes(b"\xff\n\0"),
    "huge file": _huge,
}
TRAPS = (*_LAYERS, "link in the middle", "hard link")


def everything(top: Path) -> dict[str, tuple[object, ...]]:
    """All below a folder as it must stay: kinds, modes, owners, times, and content."""
    found: dict[str, tuple[object, ...]] = {}
    for path in (top, *sorted(top.rglob("*"))):
        status = path.lstat()
        held = path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
        traits = (status.st_mode, status.st_uid, status.st_gid, status.st_mtime_ns)
        found[str(path)] = (*traits, held)
    return found


@contextmanager
def soon() -> Iterator[None]:
    """Fail a block that takes too long, as one that waits for a pipe's other end does."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise TimeoutError("it is blocked")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


BESIDE = {"work", "root.subvolumes", "boot-tree"}
"""What may be made beside a root."""


def spring(tmp_path: Path, call: Callable[[Path], object], paths: Iterable[str], trap: str) -> None:
    """Call a function on a root with traps: it works in there, or says in a sentence why not."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    outside.mkdir()
    make_root(root)
    for path in paths:
        set_trap(root, outside, path, trap)
    before = everything(outside)
    beside = {entry.name for entry in tmp_path.iterdir()}
    with soon():
        try:
            call(root)
        except AimagerError as error:
            assert "\n" not in error.message
    assert everything(outside) == before
    assert {entry.name for entry in tmp_path.iterdir()} - beside <= BESIDE
    shutil.rmtree(root)

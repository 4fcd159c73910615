"""What the machine itself needs for the same result, with nothing verified, kept or reproducible.

Packages are decompressed and written by two jobs at once, hooks run natively, and the images are
made by the same programs, those of the host.
"""

import fnmatch
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from aimager import files
from aimager.memory import ALL_THERE_IS, tmpfs_size
from aimager.model.lock import read_lock
from aimager.model.partition import MiB
from aimager.package_files import read_members
from aimager.process import ENVIRONMENT
from aimager.sandbox.mounts import Bind, Proc, Tmpfs, carry_out, device_mounts
from aimager.sandbox.namespace import call
from aimager.sandbox.syscalls import MNT_DETACH, umount2

_FIRST = ("filesystem", "base-files")
"""They have the links that other packages' files lie behind."""

_ESP = 1024 * MiB
_JOBS = 2


@dataclass(frozen=True)
class Floor:
    """What to make in ``out``: of the packages of ``source``, or of the tree if it is an archive.

    ``work`` is a folder for the call alone, ``store`` holds packages.
    """

    source: Path
    store: Path
    work: Path
    out: Path


def make(floor: Floor, *, in_memory: bool = True) -> None:
    """Make a disk image, and of packages a root archive too."""
    floor.out.mkdir(parents=True, exist_ok=True)
    size = tmpfs_size(0, wish=ALL_THERE_IS) if in_memory else None
    reads = [floor.source]
    if floor.source.suffix == ".json":
        reads += [package.path(floor.store) for package in read_lock(floor.source).packages]
    call(_make, floor, work=floor.work, reads=reads, products=products(floor.out), tmpfs=size)


def products(out: Path) -> list[Path]:
    """What is made in the folder ``out``, all or a part."""
    return [out / name for name in ("root.tar", "disk.img")]


def _make(floor: Floor) -> None:
    root = floor.work / "root"
    root.mkdir()
    if floor.source.suffix == ".json":
        _unpack_all(floor, root)
        with mounted(root):
            _run_hooks(root)
        _run("tar", "--create", f"--file={floor.out / 'root.tar'}", f"--directory={root}", ".")
    else:
        _run("tar", "--extract", "--zstd", f"--file={floor.source}", f"--directory={root}")
    make_images(root, floor.work, floor.out / "disk.img")


@contextmanager
def mounted(root: Path) -> Iterator[None]:
    """Have what programs expect mounted in ``root``, as arch-chroot(8) does."""
    names = ("dev", "proc", "run", "sys", "tmp")
    for name in names:
        (root / name).mkdir(exist_ok=True)
    carry_out(
        [
            Proc(root / "proc"),
            Bind(Path("/sys"), root / "sys", optional=True),
            *device_mounts(root / "dev"),
            Tmpfs(root / "run"),
            Tmpfs(root / "tmp", mode=0o1777),
        ]
    )
    try:
        yield
    finally:
        for name in names:
            with suppress(OSError):  # one that is optional
                umount2(root / name, MNT_DETACH)


def _run(*argv: str | Path, root: Path | None = None, given: str = "") -> None:
    """Run a program; what it says, and whether it succeeds in a root this bare, does not matter."""
    subprocess.run(
        argv if root is None else ["chroot", root, *argv],
        env=ENVIRONMENT,
        input=given.encode(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=root is None,
    )


def _unpack_all(floor: Floor, root: Path) -> None:
    packages = sorted(read_lock(floor.source).packages, key=lambda p: p.name not in _FIRST)
    first = [package.path(floor.store) for package in packages if package.name in _FIRST]
    others = [package.path(floor.store) for package in packages if package.name not in _FIRST]
    for path in first:
        _unpack(path, root)
    with ThreadPoolExecutor(_JOBS) as pool:
        list(pool.map(lambda path: _unpack(path, root), others))


def _unpack(package: Path, root: Path) -> None:
    options = ("--keep-directory-symlink", "--exclude=.[A-Z]*", "--warning=no-timestamp")
    _run("tar", "--extract", f"--file={package}", f"--directory={root}", *options)


def import_keys(package: Path, name: str) -> None:
    """Have gpg import the file ``name`` of a keyring package, and see what its keys say."""
    found = read_members(package, lambda path: path.endswith(f"/{name}"))
    with tempfile.TemporaryDirectory(prefix="bench", dir="/tmp") as home:
        (Path(home) / "pubring.gpg").touch(mode=0o600)
        for words in (["--import"], ["--check-trustdb"]):
            argv = ["gpg", "--homedir", home, "--batch", "--quiet", "--no-autostart", *words]
            given = b"".join(found.values())
            # It fails where it cannot take one of many keys.
            subprocess.run(
                argv, env=ENVIRONMENT, input=given, stderr=subprocess.DEVNULL, check=False
            )


def _run_hooks(root: Path) -> None:
    """Run what pacman would after the transaction, and make the default locale."""
    _run("ldconfig", root=root)
    names = ["usr/"]
    names += [
        os.path.join(folder, name)[len(str(root)) + 1 :]  # noqa: PTH118 - thousands of them
        for folder, folders, files_there in os.walk(root / "usr")
        for name in (*files_there, *(f"{folder_there}/" for folder_there in folders))
    ]
    for path in sorted((root / "usr/share/libalpm/hooks").glob("*.hook")):
        for command, targets in hooks(path.read_text(), names):
            _run("sh", "-c", command, root=root, given=targets)
    (root / "etc/locale.gen").write_text("en_US.UTF-8 UTF-8\n")
    _run("locale-gen", root=root)


def hooks(text: str, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What a hook (alpm-hooks(5)) runs after a transaction of ``names``, and what it is given."""
    values = re.findall(r"^[ \t]*(\w+)[ \t]*=[ \t]*(.*?)[ \t]*$", text, re.MULTILINE)
    patterns = [value for name, value in values if name == "Target"]
    command = next((value for name, value in values if name == "Exec"), "")
    found = [n for n in names if any(fnmatch.fnmatchcase(n, pattern) for pattern in patterns)]
    if found and command and ("When", "PostTransaction") in values:
        needs = re.search(r"^[ \t]*NeedsTargets", text, re.MULTILINE)
        yield command, "".join(f"{name}\n" for name in found) if needs else ""


def make_images(root: Path, work: Path, disk: Path, *, sparse: bool = True) -> None:
    """Make an ESP of /boot, an ext4 of the rest, and a disk of both."""
    esp, part = work / "esp.img", work / "root.img"
    boot = work / "boot"
    (root / "boot").mkdir(exist_ok=True)
    (root / "boot").rename(boot)
    (root / "boot").mkdir()
    with esp.open("wb") as stream:
        stream.truncate(_ESP)
    _run("mkfs.fat", "-F", "32", esp)
    if any(boot.iterdir()):
        _run("mcopy", "-s", "-Q", "-i", esp, *boot.iterdir(), "::/")
    used = sum(path.lstat().st_blocks * 512 for path in root.rglob("*"))
    size = (used * 9 // 8 + 64 * MiB) // MiB * MiB
    _run("mke2fs", "-q", "-F", "-t", "ext4", "-d", root, part, f"{size // 1024}k")
    _assemble(((esp, MiB), (part, MiB + _ESP)), size + _ESP + 2 * MiB, disk, sparse)


def _assemble(parts: Sequence[tuple[Path, int]], size: int, disk: Path, sparse: bool) -> None:
    with disk.open("wb") as stream:
        stream.truncate(size)
    _run("sfdisk", "--quiet", disk, given=f"label: gpt\nsize={_ESP // MiB}MiB, type=U\n,\n")
    for part, start in parts:
        if not sparse:
            place = ("conv=notrunc", "bs=1M", f"seek={start // MiB}", "status=none")
            _run("dd", f"if={part}", f"of={disk}", *place)
            continue
        with part.open("rb") as source, disk.open("r+b") as target:
            copied = part.stat().st_size
            files.copy_data(source.fileno(), target.fileno(), size=copied, at=start)

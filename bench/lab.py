"""doit run on caches that are as warm as a row asks for."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from aimager.packages.sync_database import read_database
from aimager.stand_in.signing import SigningKey

ROOT = Path(__file__).parent.parent
HOST = "archlinux-x86_64"
CELL = f"{HOST}-x64-uefi"
"""The board of most rows; ``BOARD`` are its words."""

BOARD = ("distro=archlinux", "board=x64-uefi")

PLAIN, UPGRADED, LARGE = "plain", "upgraded", "large"
"""The mirrors of a lab: one that stays, one whose base is upgraded, one of the real size."""

_KEPT = ("sync-databases", "resolve-packages", "fetch-packages", "keyring-init", "keyring-backup")
"""The tasks before a platform's packages are installed."""


@dataclass(frozen=True)
class Lab:
    """``folder`` holds caches, results and mirrors, of which ``url`` is the address.

    ``trusted`` are the fingerprints of those who signed the mirrors' packages, with commas, and
    ``key`` is what signs more; ``real`` are the words that add `bench.real_keyring`'s repository.
    ``packages`` are what its board has beside its own.
    """

    folder: Path
    url: str = ""
    trusted: str = ""
    key: SigningKey | None = None
    real: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()

    def board(self, *packages: str) -> tuple[str, ...]:
        """The words of the board, with these packages more."""
        more = ",".join((*self.packages, *packages))
        return (*BOARD, f"install-pkgs={more}") if more else BOARD

    def both(self, *packages: str) -> tuple[str, ...]:
        """Those for a root archive, too."""
        return (*self.board(*packages), "create=root.tar,disk.img")

    def mirror(self, name: str) -> Path:
        """The folder of a mirror."""
        return self.folder / "mirrors" / name

    def address(self, mirror: str) -> str:
        """Where a mirror is served."""
        return f"{self.url}/{mirror}"

    def words(self, mirror: str = PLAIN) -> tuple[str, ...]:
        """What names a mirror, and whom to trust."""
        return (f"repo-url-parent={self.address(mirror)}", f"trust-key={self.trusted}")

    @property
    def warm(self) -> Path:
        """The cache in which everything was built once."""
        return self.folder / "warm"

    @property
    def cold(self) -> Path:
        """The cache that holds nothing but packages."""
        return self.folder / "cold"

    @property
    def out(self) -> Path:
        """The results."""
        return self.folder / "out"

    @property
    def said(self) -> Path:
        """The file with what programs said."""
        return self.folder / "said"

    def run(self, argv: Sequence[str], *, cwd: Path = ROOT, **env: str) -> None:
        """Run a program, and keep what it says.

        :raises CalledProcessError: when it fails
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.said.open("ab") as said:
            subprocess.run(
                argv,
                cwd=cwd,
                env={**os.environ, **env},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                check=True,
            )

    def doit(self, cache: Path, *words: str, record: Path | None = None) -> None:
        """Run doit; ``record`` gets the moments of its steps."""
        module = ["bench.recorded", str(record)] if record else ["doit"]
        argv = [sys.executable, "-m", *module, "-f", str(ROOT / "dodo.py"), *words]
        self.run(argv, AIMAGER_CACHE=str(cache))

    def build(
        self,
        cache: Path,
        *words: str,
        mirror: str = PLAIN,
        record: Path | None = None,
    ) -> None:
        """Run ``doit build``."""
        told = (f"out={self.out}", *words, *self.words(mirror))
        self.doit(cache, "build", *told, record=record)

    def fill(self, cache: Path) -> None:
        """Make a cache anew that holds nothing but the packages of the warm one."""
        shutil.rmtree(cache, ignore_errors=True)
        cache.mkdir(parents=True)
        subprocess.run(["cp", "-al", self.warm / "pkg", cache / "pkg"], check=True)

    def chill(self) -> None:
        """Leave nothing but packages in the cold cache, and no results."""
        self.fill(self.cold)
        shutil.rmtree(self.out, ignore_errors=True)

    def forget(self, task: str, subject: str) -> None:
        """Remove from the warm cache what a task has made."""
        shutil.rmtree(self.warm / "product" / task / subject, ignore_errors=True)

    def forget_platform(self, platform: str) -> None:
        """Remove from the warm cache all that was installed for a platform and no board."""
        for task in (self.warm / "product").iterdir():
            for subject in (platform, f"{platform}-none"):
                if task.name not in _KEPT:
                    self.forget(task.name, subject)

    def shares_blocks(self) -> bool:
        """Whether files of the lab can share blocks (ioctl_ficlone(2))."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=self.folder) as one, NamedTemporaryFile(dir=self.folder) as two:
            argv = ["cp", "--reflink=always", one.name, two.name]
            return not subprocess.run(argv, capture_output=True, check=False).returncode

    def stock(self) -> None:
        """Have the packages of the mirror's core and extra in the warm cache, as the same files."""
        store = self.warm / "pkg"
        for name in ("core", "extra"):
            (database,) = (self.mirror(PLAIN) / "archlinux" / name).rglob("*.db")
            for package in read_database(name, database).values():
                target = package.locked.path(store)
                target.parent.mkdir(parents=True, exist_ok=True)
                for end in ("", ".sig"):
                    path = target.with_name(f"{target.name}{end}")
                    path.unlink(missing_ok=True)
                    path.hardlink_to(database.with_name(path.name))

    def products(self) -> set[Path]:
        """The folders of all products of the warm cache."""
        return set((self.warm / "product").glob("*/*/*"))

    def product(self, task: str, subject: str, name: str) -> Path:
        """A file of the product that the warm cache used last."""
        found = (self.warm / "product" / task / subject).glob(f"*/{name}")
        return max(found, key=lambda path: (path.parent / "record.json").stat().st_mtime_ns)

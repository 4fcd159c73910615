"""doit run on caches that are as warm as a row asks for."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
_REMADE = ("make-rootfs-archive", "install-packages", "pack-image")


@dataclass(frozen=True)
class Lab:
    """``folder`` holds the caches and results, and ``words`` name a mirror and whom to trust.

    ``real`` are the words that add the repository of `bench.real_keyring`.
    """

    folder: Path
    words: tuple[str, ...]
    real: tuple[str, ...] = ()

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

    def doit(self, cache: Path, *words: str) -> None:
        """Run doit, and keep what it says in a file.

        :raises CalledProcessError: when it fails
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "said").open("ab") as said:
            subprocess.run(
                [sys.executable, "-m", "doit", "-f", str(ROOT / "dodo.py"), *words],
                env={**os.environ, "AIMAGER_CACHE": str(cache)},
                stdout=said,
                stderr=subprocess.STDOUT,
                check=True,
            )

    def build(self, cache: Path, *words: str, jobs: int = 1) -> None:
        """Run ``doit build``."""
        parallel = ("-n", str(jobs)) if jobs > 1 else ()
        self.doit(cache, *parallel, "build", f"out={self.out}", *words, *self.words)

    def chill(self) -> None:
        """Leave nothing but packages in the cold cache."""
        shutil.rmtree(self.cold, ignore_errors=True)
        self.cold.mkdir(parents=True)
        subprocess.run(["cp", "-al", self.warm / "pkg", self.cold / "pkg"], check=True)
        shutil.rmtree(self.out, ignore_errors=True)

    def forget(self, task: str, subject: str) -> None:
        """Remove from the warm cache what a task has made."""
        shutil.rmtree(self.warm / "product" / task / subject, ignore_errors=True)

    def forget_platform(self, platform: str) -> None:
        """Remove from the warm cache all that was installed for a platform and no board."""
        for task in _REMADE:
            for subject in (platform, f"{platform}-none"):
                self.forget(task, subject)

    def product(self, task: str, subject: str, name: str) -> Path:
        """A file of the product that the warm cache used last."""
        found = (self.warm / "product" / task / subject).glob(f"*/{name}")
        return max(found, key=lambda path: (path.parent / "record.json").stat().st_mtime_ns)

"""What the tests of whole builds share: the stand-in mirror, a cache, and doit run as a user does.

They keep it in ``AIMAGER_TEST_CACHE``, by default a folder of the project's cache, so that a
second run finds downloads and packages there; a build's own products are always made anew.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from aimager import artifacts, stand_in
from aimager.errors import AimagerError

ROOT = Path(__file__).parent.parent
USER = ("useradd=-m -G wheel alice", "chpasswd=alice:secret", "sudo-group=wheel")


@dataclass(frozen=True)
class Doit:
    """Runs doit on a cache and an output folder of its own, against a mirror."""

    folder: Path
    variables: tuple[str, ...]

    @property
    def cache(self) -> Path:
        """The cache folder."""
        return self.folder / "cache"

    @property
    def out(self) -> Path:
        """The folder of the results."""
        return self.folder / "out"

    def command(self, *words: str) -> list[str]:
        """The command line of ``doit`` with these words."""
        doit = [sys.executable, "-m", "doit", "-f", str(ROOT / "dodo.py")]
        return [*doit, *words, f"out={self.out}", *self.variables]

    @property
    def environment(self) -> dict[str, str]:
        """The environment to run it in."""
        return {**os.environ, "AIMAGER_CACHE": str(self.cache)}

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run ``doit build`` with these words, and return all that it says."""
        return subprocess.run(
            self.command("build", *words),
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def build(self, *words: str) -> str:
        """Run it, and fail the test when it fails."""
        done = self.run(*words)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def refuse(self, *words: str) -> str:
        """Run it, and fail the test unless it fails with a sentence."""
        done = self.run(*words)
        assert done.returncode != 0, done.stdout
        assert "Traceback" not in done.stdout
        return done.stdout

    def at(self, url: str) -> "Doit":
        """The same, against another mirror."""
        kept = (v for v in self.variables if not v.startswith("repo-url-parent="))
        return replace(self, variables=(f"repo-url-parent={url}", *kept))


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> None:
    """Have child processes heed SIGINT: a shell's background jobs ignore it, and pass that on."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def test_cache() -> Path:
    """Where the tests keep what is costly."""
    return Path(os.environ.get("AIMAGER_TEST_CACHE") or artifacts.CACHE / "test").absolute()


@pytest.fixture(scope="session")
def mirror(test_cache: Path) -> Path:
    """The stand-in mirror's folder."""
    folder = test_cache / "mirror"
    try:
        stand_in.make_mirror(folder, work=test_cache / "mirror.work")
    except AimagerError as error:
        pytest.skip(f"there is no stand-in mirror: {error}")
    return folder


@pytest.fixture(scope="session")
def mirror_url(mirror: Path) -> Iterator[str]:
    """Its address."""
    with stand_in.serve(mirror) as url:
        yield url


@pytest.fixture(scope="session")
def doit(test_cache: Path, mirror: Path, mirror_url: str) -> Doit:
    """doit on an empty cache that all tests of builds share."""
    folder = test_cache / "builds"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    variables = (f"repo-url-parent={mirror_url}", f"trust-key={stand_in.fingerprint(mirror)}")
    return Doit(folder, variables)

"""doit run as a user does, on a cache and an output folder of its own."""

import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from tests.support.places import ROOT

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

    @property
    def start(self) -> Path:
        """The folder to run it in: doit takes its commands from the checkout that it starts in."""
        return ROOT

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run ``doit build`` with these words, and return all that it says."""
        return subprocess.run(
            self.command("build", *words),
            env=self.environment,
            cwd=self.start,
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


@dataclass(frozen=True)
class Shared(Doit):
    """doit with a folder of results of its own, on another's cache."""

    shared: Path

    @property
    def cache(self) -> Path:
        """The cache folder."""
        return self.shared


@dataclass(frozen=True)
class Warm:
    """doit on a cache that is not empty, and what it said of its first build."""

    doit: Doit
    said: str

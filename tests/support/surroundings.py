"""doit run in other surroundings: from another checkout, as another user, in another environment.

What a machine lacks is told in a sentence, so that a test can skip with it.
"""

import os
import pwd
import shutil
import site
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.places import ROOT
from tests.support.runs import Doit

CI_USER = "aimager-ci"
"""The ordinary user whom .ci/run makes."""

_NEEDS = "import cryptography, doit, fsspec, license_expression, requests, tqdm, zstandard"


@dataclass(frozen=True)
class Elsewhere(Doit):
    """``prefix`` are the words that run a command as another user or in a namespace.

    ``options`` are doit's own, such as ``-n 2``; ``settings`` are added to the environment, and
    an empty one is taken away.
    """

    checkout: Path = ROOT
    prefix: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    python: str = sys.executable

    def command(self, *words: str) -> list[str]:
        """The command line of ``doit`` with these words."""
        task, *others = words
        doit = [self.python, "-m", "doit", "-f", str(self.checkout / "dodo.py")]
        run = ["run", *self.options, task] if self.options else [task]
        return [*self.prefix, *doit, *run, *others, f"out={self.out}", *self.variables]

    @property
    def start(self) -> Path:
        """The folder to run it in."""
        return self.checkout

    @property
    def environment(self) -> dict[str, str]:
        """The environment to run it in."""
        path = os.pathsep.join((str(self.checkout), *site.getsitepackages()))
        named = {**super().environment, "PYTHONPATH": path, **self.settings}
        return {name: value for name, value in named.items() if value}


@dataclass(frozen=True)
class OtherUser:
    """An ordinary user for whom root may run commands, and a Python that the user may run."""

    name: str
    home: Path
    python: str

    @property
    def prefix(self) -> tuple[str, ...]:
        """The words that run a command as the user; the environment is kept."""
        return ("runuser", "-u", self.name, "--")

    @property
    def settings(self) -> dict[str, str]:
        """What of the environment is the user's own."""
        return {"HOME": str(self.home), "USER": self.name, "LOGNAME": self.name}

    def give(self, folder: Path) -> None:
        """Make all below ``folder`` the user's."""
        subprocess.run(["chown", "-R", f"{self.name}:{self.name}", folder], check=True)


def find_user() -> OtherUser | str:
    """The user of .ci/run, or the reason why nothing can be run as that user."""
    if os.getuid() != 0:
        return "only root may run a build as another user"
    try:
        entry = pwd.getpwnam(CI_USER)
    except KeyError:
        return f"there is no user {CI_USER}, whom .ci/run makes"
    if shutil.which("runuser") is None:
        return "runuser of util-linux is missing"
    user = OtherUser(CI_USER, Path(entry.pw_dir), "")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(site.getsitepackages())}
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        argv = [*user.prefix, python, "-c", _NEEDS]
        done = subprocess.run(argv, env=environment, cwd="/", capture_output=True, check=False)
        if done.returncode == 0:
            return OtherUser(user.name, user.home, python)
    return f"{CI_USER} may run no Python {version} with what a build needs"


def other_locale(folder: Path) -> Mapping[str, str]:
    """The environment of a locale that sorts and writes otherwise than C, made in ``folder``.

    Nothing where neither localedef nor the locales' sources are here, and none is installed.
    """
    listed = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=False)
    there = [name for name in listed.stdout.split() if name.lower().startswith(("tr_", "de_"))]
    made = {}
    if not there and shutil.which("localedef"):
        argv = ["localedef", "-i", "tr_TR", "-f", "UTF-8", str(folder / "tr_TR.UTF-8")]
        # Its status is 1 when it only warns.
        subprocess.run(argv, capture_output=True, check=False)
        if (folder / "tr_TR.UTF-8/LC_COLLATE").is_file():
            there, made = ["tr_TR.UTF-8"], {"LOCPATH": str(folder)}
    return {**made, **dict.fromkeys(("LANG", "LC_ALL"), there[0])} if there else {}


def faked_time() -> Mapping[str, str]:
    """The environment that makes it another day, by libfaketime; nothing where it is missing."""
    places = (Path("/usr/lib"), Path("/usr/lib64"), Path("/usr/local/lib"))
    for library in _libraries(places):
        return {
            "LD_PRELOAD": str(library),
            "FAKETIME": "-411d",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
    return {}


def _libraries(places: tuple[Path, ...]) -> Iterator[Path]:
    for place in places:
        yield from place.glob("faketime/libfaketimeMT.so.1")
        yield from place.glob("*/faketime/libfaketimeMT.so.1")


def with_umask(mask: int) -> tuple[str, ...]:
    """The words that run a command with another umask."""
    return ("sh", "-c", f'umask {mask:03o}; exec "$@"', "sh")

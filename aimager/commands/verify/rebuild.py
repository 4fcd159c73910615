"""Building again what a manifest tells of, with nothing of earlier builds but packages."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from aimager import process
from aimager.commands.verify.published import Published
from aimager.config.build import read_build
from aimager.config.variables import is_secret
from aimager.errors import ConfigError, ImageError
from aimager.graph import artifacts
from aimager.graph.workers import end_with
from aimager.packages.lock_file import LockFile
from aimager.places import search_path

_NOT_TAKEN = frozenset(
    (
        *("out", "builds", "only", "report", "sign", "remote", "workers", "install-pkgs"),
        *("shell", "check-twice"),
    )
)
"""Words that a rebuild does without: it is of one build, and takes no products of others."""

_OWN = ("manifest", "lock")
_PATIENCE = 20
"""Seconds for a build that is ended to clean up."""


def find_words(published: Published, given: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The words of the build: those that the manifest tells, and those that are ``given``.

    Relative paths start at ``folder``.

    :raises ConfigError: when one is missing, is not for it, or means something else than it did
    """
    told, again = published.words, published.recipe.given_again
    own = {name: text for name, text in given.items() if name not in _OWN}
    for name in again:
        if name not in own:
            why = "is secret" if is_secret(name) else "is of files, keys or programs"
            raise ConfigError(
                f"{name}= has to be given again: it {why}, and the manifest only names it",
                hint=f"add {name}= as in the build that is verified",
            )
    for name, text in own.items():
        if name in _NOT_TAKEN:
            raise ConfigError(f"{name}= has no place in a rebuild", hint=f"leave {name}= out")
        if name in told and told[name] != text:
            given_text = "" if is_secret(name) else text
            raise ConfigError(
                f"{name}={given_text} is not what the image was built with: {told[name]}",
                hint=f"leave {name}= out: the manifest tells it",
            )
    words = {**told, **own, "lock": given["lock"]}
    build = read_build(words, folder, epoch=published.recipe.epoch)
    if build and build.id != published.build:
        raise ConfigError(
            f"the words and the lock file are of {build.id}, the manifest is of {published.build}",
            hint="name the lock file that was published with the manifest",
        )
    if build is None or build.settings_fingerprint != published.recipe.settings:
        said = ", ".join(f"{name}=" for name in again)
        raise ConfigError(
            "the settings are not those that the image was built with"
            + (f": {said} or the board is other" if said else ": its board is other here"),
            hint="give the same again, and take the version of aimager that it was built with",
        )
    return words


@contextmanager
def rebuilt(
    published: Published, words: Mapping[str, str], lock_file: LockFile, folder: Path
) -> Iterator[Path]:
    """Yield the folder of the results of a build that is made anew, and gone after the block.

    What it says goes to standard error.

    :raises ImageError: when it cannot be built
    """
    place = artifacts.RUN / "verify"  # goes with the run's folder, whatever ends the run
    cache, out = place / "cache", place / "out"
    cache.mkdir(parents=True, mode=0o700)
    _link_packages(lock_file, cache / artifacts.store().name)
    said = [f"{name}={text}" for name, text in words.items()]
    argv = [
        sys.executable,
        "-P",
        "-m",
        "aimager.commands.program",
        "pack-image",
        *said,
        f"out={out}",
    ]
    status = _run(argv, _environment(cache, published.recipe.epoch), folder)
    if status:
        raise ImageError(
            f"{published.build} could not be built again, so nothing is verified",
            hint="what stopped the build is said above",
        )
    yield out / published.build


def _environment(cache: Path, epoch: int | None) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    time = {} if epoch is None else {"SOURCE_DATE_EPOCH": str(epoch)}
    return {**kept, **time, "AIMAGER_CACHE": str(cache), "PYTHONPATH": search_path()}


def _run(argv: list[str], environment: Mapping[str, str], folder: Path) -> int:
    """Run it to its end; it ends with this process, even if that is killed (SIGKILL)."""
    child = subprocess.Popen(
        argv,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        preexec_fn=partial(end_with, os.getpid(), signal.SIGTERM),
    )
    try:
        return child.wait()
    finally:
        process.end(child, _PATIENCE)


def _link_packages(lock_file: LockFile, store: Path) -> None:
    """Have in ``store`` what the usual one has of the packages; each is checked when it is used."""
    usual = artifacts.store()
    for packages in lock_file.packages.values():
        for package in packages:
            for path in (package.path(usual), package.signature(usual)):
                if path.is_file():
                    target = store / path.relative_to(usual)
                    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                    if not target.exists():
                        _link(path, target)


def _link(path: Path, target: Path) -> None:
    try:
        target.hardlink_to(path)
    except OSError:  # on another disk, or of another user (fs.protected_hardlinks)
        shutil.copyfile(path, target)

"""What ``doit personalise`` works with: folders of the cache, and programs of the host or of it."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from aimager import process
from aimager.errors import HostError
from aimager.files import Readers
from aimager.graph import artifacts
from aimager.model.architecture import host_architecture
from aimager.model.build import Tools
from aimager.model.settings import Settings
from aimager.products.run_folder import hold_run_folder
from aimager.stages.personalise import Personalise, needed_programs

_TASK = "personalise"
_PACKAGES = {
    "debugfs": "e2fsprogs",
    "mcopy": "mtools",
    "mdel": "mtools",
    "openssl": "openssl",
    "useradd": "shadow (on Debian: passwd)",
    "chpasswd": "shadow (on Debian: passwd)",
}


def personalise(
    image: Path,
    target: Path | None,
    setup: Settings,
    seed: str,
    readers: Readers,
    tools: Tools | None,
) -> tuple[str, ...]:
    """Set a finished image up, as `Personalise` does; returns the paths in it that have changed.

    Without a word on ``tools``, the host's programs do it where it has all of them, for those of
    the cache have to be unpacked first.

    :raises AimagerError: when it cannot be
    """
    borrowed = _find_programs(needed_programs(setup), tools)
    hold_run_folder(artifacts.RUN)
    workshop = artifacts.workshop(_TASK, "image")  # a name could be too long, or have a colon
    return Personalise(image, target, setup, seed, readers, borrowed, workshop=workshop).run()


def _find_programs(needed: Sequence[str], tools: Tools | None) -> Path | None:
    """The archive of programs to use; None: the host has all that are ``needed``.

    :raises HostError: when neither the host nor the cache has them
    """
    where = process.ENVIRONMENT["PATH"]
    missing = [name for name in needed if not shutil.which(name, path=where)]
    if tools is Tools.host or not (missing or tools is Tools.borrowed):
        if not missing:
            return None
    elif borrowed := _newest_borrowed():
        return borrowed
    packages = dict.fromkeys(_PACKAGES[name] for name in missing)
    if not missing:
        raise HostError(
            "the cache has no borrowed programs",
            hint="leave out tools=borrowed, or build an image first",
        )
    raise HostError(
        f"personalise needs {' and '.join(missing)}, which this machine does not have",
        hint=f"install {', '.join(packages)}, or build an image first: its programs are used then",
    )


def _newest_borrowed() -> Path | None:
    """The programs that the last build on a host like this borrowed, if the cache still has any."""
    subject = f"*-{host_architecture()}.borrowed*"
    found = artifacts.products().glob(f"make-rootfs-archive/{subject}/[!.]*/borrowed.tar")
    return max(found, key=lambda path: path.stat().st_mtime_ns, default=None)

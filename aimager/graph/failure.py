"""What to do about a task that failed, as far as that depends on how its build was asked for."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from aimager.errors import (
    AimagerError,
    CommandError,
    HostError,
    SuppliedError,
    explain_system_error,
)
from aimager.graph import artifacts
from aimager.model.build import Build
from aimager.packages.mirrors import naming_mirror


def explain_system(error: OSError) -> HostError | None:
    """As `explain_system_error`; what is in the folder of a run, and gone by then, is the cache."""
    place = error.filename
    if isinstance(place, str | os.PathLike) and Path(place).is_relative_to(artifacts.runs()):
        error.filename = str(artifacts.CACHE)
    return explain_system_error(error)


def hint_of(error: AimagerError, subject: str, builds: Sequence[Build], log: Path) -> str:
    """The hint of ``error``, which the making of ``subject`` ended in.

    ``log`` has what programs said; ``builds`` are those of its run, if there are some.
    """
    if isinstance(error, CommandError) and not error.hint:
        return f"all that it said is in {log}"
    if not isinstance(error, SuppliedError) or not builds:
        return error.hint
    # Single repositories' mirrors are those of the platform that is built, not of the host's.
    made_for = next((build for build in builds if _is_of(subject, build)), None)
    build = made_for or builds[0]
    choice = build.mirrors if made_for else replace(build.mirrors, repositories=())
    distro = next((name for name, _ in choice.distros if subject.startswith(f"{name}-")), "")
    return naming_mirror(error.hint, error.repository, build.repositories, choice, distro=distro)


def _is_of(subject: str, build: Build) -> bool:
    return subject.startswith(build.platform.id) or subject.partition(".")[0] == build.id

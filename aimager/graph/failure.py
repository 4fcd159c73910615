"""What to do about a task that failed, as far as that depends on how its build was asked for."""

from dataclasses import replace
from pathlib import Path

from aimager.errors import AimagerError, CommandError, SuppliedError
from aimager.model.build import Build
from aimager.packages.mirrors import naming_mirror


def hint_of(error: AimagerError, subject: str, build: Build | None, log: Path) -> str:
    """The hint of ``error``, which the making of ``subject`` ended in.

    ``log`` has what programs said; ``build`` is the one that it was made for, if there is one.
    """
    if isinstance(error, CommandError) and not error.hint:
        return f"all that it said is in {log}"
    if not isinstance(error, SuppliedError) or build is None:
        return error.hint
    # Single repositories' mirrors are those of the platform that is built, not of the host's.
    is_built = subject.startswith(build.platform.id)
    choice = build.mirrors if is_built else replace(build.mirrors, repositories=())
    return naming_mirror(error.hint, error.repository, build.repositories, choice)

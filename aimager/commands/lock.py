"""Lock files: exactly which packages a build takes, written for others to build the same."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from aimager.errors import ConfigError
from aimager.files import OPEN, publish_text
from aimager.graph import artifacts
from aimager.graph.plan import Plan
from aimager.model.lock import read_lock
from aimager.packages.lock_file import (
    LockedBuild,
    LockFile,
    format_lock_file,
    join_locks,
    read_lock_file,
)
from aimager.packages.lock_file_changes import changes, download_size
from aimager.units import count, size


def write_lock_file(plans: Sequence[Plan]) -> None:
    """Write the lock file that the build names.

    :raises ConfigError: when it names none
    """
    path, lock_file = _lock_anew(plans)
    publish_text(path, format_lock_file(lock_file), mode=OPEN)
    print(f"   {path}: {_count(lock_file)}")


def update_lock_file(plans: Sequence[Plan]) -> None:
    """Write it, and say what is now different in it.

    :raises ConfigError: when the build names none, or one that is not there
    """
    path, lock_file = _lock_anew(plans)
    before = read_lock_file(path)
    for change in changes(before, lock_file):
        print(f"   {change}")
    publish_text(path, format_lock_file(lock_file), mode=OPEN)
    download = size(download_size(lock_file, artifacts.store()))
    print(f"   {path}: {_count(lock_file)}, {download} to download")


def _lock_anew(plans: Sequence[Plan]) -> tuple[Path, LockFile]:
    """Where the lock file is to lie, and what it is to hold now."""
    path = plans[0].build.lock if plans else None
    if path is None:
        raise ConfigError("there is nothing to lock", hint="name distro= or board=, and lock=FILE")
    requests = {request.subject: request for plan in plans for request in plan.requests}
    parts = {subject: read_lock(artifacts.lock(subject)) for subject in requests}
    locked = {plan.build.id: _locked(plan) for plan in plans}
    if len(plans) == 1 and not plans[0].build.name:
        return path, join_locks(parts, locked[plans[0].build.id])
    _check_others(path, locked)
    return path, join_locks(parts, locked)


def _check_others(path: Path, locked: Mapping[str, LockedBuild]) -> None:
    """Refuse to write a lock file without builds that it holds: all have the same packages.

    :raises ConfigError: then
    """
    others = read_lock_file(path).builds.keys() - locked.keys() if path.exists() else set()
    if others:
        raise ConfigError(
            f"the lock file {path} holds {', '.join(sorted(others))} as well, which would be lost",
            hint="lock all of its builds together, without only=, or name another file with lock=",
        )


def _locked(plan: Plan) -> LockedBuild:
    """What a lock file says of a build."""
    build = plan.build
    return LockedBuild(
        distro=build.platform.distro.id,
        architecture=build.platform.architecture,
        board=build.board.id,
        install_packages=build.packages,
        host=plan.maker.id,
        settings=build.settings_fingerprint,
        initramfs=build.initramfs or "",
        add_repos=tuple(repository.word for repository in build.repositories),
        file_systems=build.file_systems,
        board_sha256=build.board_sha256,
        level=build.platform.level,
        repos_first=tuple(r.id for r in build.repositories if r.comes_first),
        repos_for_build=tuple(r.id for r in build.repositories if r.is_for_build),
    )


def _count(lock_file: LockFile) -> str:
    return count(sum(map(len, lock_file.packages.values())), "package")

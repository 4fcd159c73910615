"""The lock file that was published with a manifest."""

from dataclasses import replace
from pathlib import Path

from aimager.commands.verify.published import Published
from aimager.errors import ConfigError
from aimager.image.compare.packages import locked_packages
from aimager.packages.lock_file import LockFile

HINT = "name what was published: doit verify manifest=manifest.json lock=image.lock"

_THE_OTHER = "name the lock file that was published with the manifest"


def find_lock(manifest: Path) -> Path:
    """The only file ``*.lock`` beside the manifest.

    :raises ConfigError: when there is none, or there are several
    """
    found = sorted(manifest.parent.glob("*.lock"))
    if len(found) != 1:
        said = "several files *.lock lie" if found else "no file *.lock lies"
        raise ConfigError(f"verify needs lock=: {said} beside {manifest}", hint=HINT)
    return found[0]


def matching_lock(published: Published, path: Path, lock_file: LockFile) -> LockFile:
    """What the lock file at ``path`` has of the manifest's build, as one of that build alone.

    Of several builds that make the same image under other names it is one with the manifest's
    packages.

    :raises ConfigError: when the lock file is not the manifest's
    """
    own = [
        _alone(lock_file, name) for name, it in lock_file.builds.items() if it.id == published.build
    ]
    if lock_file.build and lock_file.build.id == published.build:
        own = [lock_file]
    if not own:
        raise ConfigError(
            f"the lock file {path} is that of {lock_file.told}, the manifest that of"
            f" {published.build}",
            hint=_THE_OTHER,
        )
    faults = [_find_fault(published, it) for it in own]
    if all(faults):
        raise ConfigError(
            f"the lock file {path} is not the manifest's: {faults[0]}", hint=_THE_OTHER
        )
    return own[faults.index("")]


def _alone(lock_file: LockFile, name: str) -> LockFile:
    """The lock file without its other builds than ``name``, which goes by its image's id."""
    build, others = lock_file.builds[name], lock_file.builds.keys() - {name}
    parts = {}
    for subject, part in lock_file.parts.items():
        of, dot, rest = subject.partition(".")  # no name has one
        if of not in others:
            parts[f"{build.id if of == name else of}{dot}{rest}"] = part
    return replace(lock_file, build=build, builds={}, parts=parts, format=1)


def _find_fault(published: Published, lock_file: LockFile) -> str:
    """In what the lock file does not have the manifest's packages; empty: it has them."""
    held = locked_packages(lock_file, published.build)
    for name, package in published.manifest.packages.items():
        if package.sha256 is None:  # it came with the user's own root archive
            continue
        found = held.get(name)
        if found is None or found.sha256 != package.sha256:
            there = f"{name} {found.version}" if found else f"no {name}"
            what = "another file of it" if found and found.version == package.version else there
            return f"that has {name} {package.version}, and the lock file {what}"
    return ""

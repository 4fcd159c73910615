"""What changed between two lock files, and how much of the new one is to be downloaded."""

from collections.abc import Mapping
from pathlib import Path

from aimager.model.lock import LockedPackage
from aimager.packages.lock_file import LockFile


def package_changes(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """What changed between versions by name: ``a 1-1 -> 2-1``, ``a 1-1 added``, ``... removed``."""
    return list(_changes_by_name(old, new).values())


def changes(old: LockFile, new: LockFile) -> list[str]:
    """The same between two lock files; ``a 1-1 rebuilt`` is another file of the same version.

    Sorted by name. A name has one line, or, where platforms differ, one for each of them, which
    begins with the platform's id.
    """
    found: dict[str, dict[str, str]] = {}
    for platform in sorted({*old.packages, *new.packages}):
        before, after = old.packages.get(platform, ()), new.packages.get(platform, ())
        for name, line in _platform_changes(before, after).items():
            found.setdefault(name, {})[platform] = line
    return [line for _, by_platform in sorted(found.items()) for line in _told_once(by_platform)]


def _told_once(lines: Mapping[str, str]) -> list[str]:
    """What became of one name, by platform."""
    if len(set(lines.values())) == 1:
        return list(lines.values())[:1]
    return [f"{platform}: {line}" for platform, line in lines.items()]


def download_size(new: LockFile, store: Path) -> int:
    """How many bytes of its packages are not yet in ``store``; a file counts once."""
    sizes = {
        package.path(store): package.size
        for packages in new.packages.values()
        for package in packages
    }
    return sum(size for path, size in sizes.items() if not path.exists())


def _platform_changes(
    old: tuple[LockedPackage, ...], new: tuple[LockedPackage, ...]
) -> dict[str, str]:
    before, after = ({package.name: package for package in packages} for packages in (old, new))
    rebuilt = {
        name: f"{package} rebuilt"
        for name, package in after.items()
        if name in before and before[name].sha256 != package.sha256
    }
    versions = ({name: p.version for name, p in side.items()} for side in (before, after))
    return rebuilt | _changes_by_name(*versions)


def _changes_by_name(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str]:
    lines = {}
    for name in sorted({*old, *new}):
        if name not in old:
            lines[name] = f"{name} {new[name]} added"
        elif name not in new:
            lines[name] = f"{name} {old[name]} removed"
        elif old[name] != new[name]:
            lines[name] = f"{name} {old[name]} -> {new[name]}"
    return lines

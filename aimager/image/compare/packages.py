"""Which packages two images, manifests or locks have, and what became of each."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from aimager.packages.database_entry import first_value, read_fields, read_number
from aimager.packages.lock_file import LockFile
from aimager.packages.version import compare_versions

_RECORD = re.compile(r"var/lib/pacman/local/[^/]+/desc")
_LONGEST = 255
"""Bytes of a package's name or version: both are in the name of its record's folder."""


class Change(StrEnum):
    """What became of a package; ``rebuilt`` is another file of the same version."""

    added = "added"
    removed = "removed"
    upgraded = "upgraded"
    downgraded = "downgraded"
    rebuilt = "rebuilt"


@dataclass(frozen=True)
class Package:
    """A package; its installed size in bytes, and the SHA-256 of its file, where they are known."""

    version: str
    size: int | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class PackageChange:
    """What became of the package ``name``; its versions, None where it is not there.

    ``size`` is its installed size afterwards, of one that was removed before, and ``growth`` how
    much larger it became, each in bytes where they are known.
    """

    name: str
    change: Change
    before: str | None
    after: str | None
    size: int | None
    growth: int | None


def is_record(path: str) -> bool:
    """Whether pacman has its record of an installed package there."""
    return bool(_RECORD.fullmatch(path))


def read_record(desc: bytes) -> tuple[str, Package]:
    """The name and the package that a record of pacman's local database (its ``desc``) tells of.

    :raises ValueError: when it lacks its name or version, or has a wrong size
    """
    fields = read_fields(desc.decode(errors="replace"))
    try:
        name, version = first_value(fields, "NAME"), first_value(fields, "VERSION")
    except KeyError as error:
        raise ValueError(f"it lacks its {error.args[0]}") from error
    if max(len(name), len(version)) > _LONGEST:
        raise ValueError("its NAME or VERSION is too long")
    return name, Package(version, read_number(fields, "SIZE", "0"))


def locked_packages(lock_file: LockFile, build: str = "") -> dict[str, Package]:
    """The packages of a lock file: by name those of the image of ``build``, or of its only one.

    Others, as those of other builds and of borrowed programs, come as ``PLATFORM: NAME``.
    """
    part = lock_file.parts.get(build or (lock_file.build.id if lock_file.build else ""))
    own = frozenset(part.packages) if part else frozenset()
    found = {}
    for platform, packages in lock_file.packages.items():
        for package in packages:
            is_plain = part and part.platform == platform and package.name in own
            name = package.name if is_plain else f"{platform}: {package.name}"
            found[name] = Package(package.version, package.installed_size, package.sha256)
    return found


def find_changes(
    before: Mapping[str, Package], after: Mapping[str, Package]
) -> tuple[PackageChange, ...]:
    """What became of each package that is not the same, the largest first."""
    found = (_change(name, before.get(name), after.get(name)) for name in sorted({*before, *after}))
    changed = [change for change in found if change]
    return tuple(sorted(changed, key=lambda change: (-(change.size or 0), change.name)))


def _change(name: str, before: Package | None, after: Package | None) -> PackageChange | None:
    change = _what_became(before, after)
    if change is None:
        return None
    sizes = [it.size if it else 0 for it in (before, after)]
    growth = sizes[1] - sizes[0] if sizes[0] is not None and sizes[1] is not None else None
    last = after or before
    return PackageChange(
        name=name,
        change=change,
        before=before.version if before else None,
        after=after.version if after else None,
        size=last.size if last else None,
        growth=growth,
    )


def _what_became(before: Package | None, after: Package | None) -> Change | None:
    if before is None:
        return Change.added
    if after is None:
        return Change.removed
    if before.version != after.version:
        is_newer = compare_versions(before.version, after.version) <= 0
        return Change.upgraded if is_newer else Change.downgraded
    known = before.sha256 is not None and after.sha256 is not None
    return Change.rebuilt if known and before.sha256 != after.sha256 else None

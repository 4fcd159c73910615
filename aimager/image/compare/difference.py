"""What differs between two sides, found from what was read of both."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from aimager.errors import ConfigError
from aimager.image.compare.common_files import common_files
from aimager.image.compare.contents import Contents, Form
from aimager.image.compare.differing_bytes import Bytes, compare_bytes
from aimager.image.compare.entry import Entry, differing_facts
from aimager.image.compare.manifest import Manifest
from aimager.image.compare.packages import (
    Package,
    PackageChange,
    find_changes,
    locked_packages,
)
from aimager.image.compare.side import Side


@dataclass(frozen=True)
class FileChange:
    """What became of the file at ``path``: added, removed or changed.

    ``size`` in bytes is that afterwards, or of one that was removed, before. ``facts`` are in what
    it changed.
    """

    path: str
    change: str
    size: int
    facts: tuple[str, ...] = ()

    @property
    def is_of_time_alone(self) -> bool:
        """Whether nothing but a time differs."""
        return bool(self.facts) and self.facts[0].startswith("time ")


@dataclass(frozen=True)
class FactChange:
    """A setting or an id that differs; None: one side has none."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Difference:
    """All that differs. ``files`` come in the order of their paths, those of times alone
    last. ``results`` are by the SHA-256 that manifests tell. ``ids`` are what partition tables and
    file systems tell of themselves, and ``bytes`` those of two images. ``notes`` say what could not
    be compared.
    """

    packages: tuple[PackageChange, ...] = ()
    files: tuple[FileChange, ...] = ()
    settings: tuple[FactChange, ...] = ()
    results: tuple[FactChange, ...] = ()
    ids: tuple[FactChange, ...] = ()
    bytes: Bytes | None = None
    notes: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs."""
        found = (*self.packages, *self.files, *self.settings, *self.results, *self.ids)
        return not found and not (self.bytes and self.bytes.differing)

    @property
    def files_size(self) -> int:
        """Bytes of the files that were added or changed."""
        return sum(it.size for it in self.files if it.change != "removed")


def compare(one: Side, other: Side) -> Difference:
    """What differs between two sides, as far as both tell of it.

    :raises ConfigError: when they tell of nothing that is the same
    """
    found = Difference(
        packages=_compare_packages(one, other),
        settings=_compare_manifests(one.manifest, other.manifest, _settings),
        results=_compare_manifests(one.manifest, other.manifest, _sums),
    )
    if one.contents and other.contents:
        return _with_contents(found, one, one.contents, other, other.contents)
    return found


def _compare_packages(one: Side, other: Side) -> tuple[PackageChange, ...]:
    packages, others = _packages(one, other), _packages(other, one)
    if packages is not None and others is not None:
        return find_changes(packages, others)
    if not (one.contents and other.contents):
        raise ConfigError(
            f"{one.name} and {other.name} have nothing in common that could be compared",
            hint="name two images, or what tells of packages: root images, manifests, lock files",
        )
    return ()


def _packages(side: Side, other: Side) -> Mapping[str, Package] | None:
    """Those of a side; of a lock file, beside what is none, those of the image alone. One of
    several builds has the names of the build that another lock file is of.

    :raises ConfigError: when the lock file is of several builds, and nobody tells which is meant
    """
    if side.lock is None:
        return side.packages
    if other.lock:
        locked = side.lock.build or other.lock.build
        return locked_packages(side.lock, locked.id if locked else "")
    build = str(other.manifest.data["build"]) if other.manifest else ""
    found = locked_packages(side.lock, build)
    own = {name: package for name, package in found.items() if ": " not in name}
    if not own:
        raise ConfigError(
            f"{side.name} is of {side.lock.told}, and {other.name} does not tell of which it is",
            hint="name the manifest beside the image, or the lock file of that build alone",
        )
    return own


def _with_contents(
    found: Difference, one: Side, before: Contents, other: Side, after: Contents
) -> Difference:
    is_same_form = before.form is after.form
    notes = tuple(dict.fromkeys((*before.notes, *after.notes)))
    entries = common_files(before, after)
    if entries is None:
        raise ConfigError(
            f"{one.name} and {other.name} cannot be compared: {notes[0]}",
            hint="name two images, or two archives",
        )
    found_files = _compare_files(*entries, is_same_form)
    files = tuple(sorted(found_files, key=lambda it: it.is_of_time_alone))
    found = replace(found, files=files, notes=notes)
    if not (is_same_form and one.image and other.image):
        return found
    found = replace(found, ids=tuple(_compare_facts(before.facts, after.facts)))
    # What is added to an archive moves all that follows: there only the files tell how much is new.
    are_compared = before.form is Form.image or (
        not files and one.image.suffix == other.image.suffix
    )
    return replace(found, bytes=compare_bytes(one.image, other.image) if are_compared else None)


def _compare_files(
    before: Mapping[str, Entry], after: Mapping[str, Entry], is_same_form: bool
) -> Iterator[FileChange]:
    """What became of each path, in the order of their names.

    Archives and file systems tell of times and extended attributes each in their own way.
    """
    for path in sorted({*before, *after}):
        if not is_same_form and path.endswith("/lost+found"):
            continue  # each ext4 has one, whatever it was filled from
        old, new = before.get(path), after.get(path)
        if old is None and new:
            yield FileChange(path, "added", new.size)
        elif new is None and old:
            yield FileChange(path, "removed", old.size)
        elif old and new and old != new:
            if not is_same_form:
                old, new = (replace(it, time=None, attributes=None) for it in (old, new))
            if facts := differing_facts(old, new):
                yield FileChange(path, "changed", new.size, tuple(facts))


def _compare_facts(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[FactChange]:
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield FactChange(name, before.get(name), after.get(name))


def _compare_manifests(
    one: Manifest | None,
    other: Manifest | None,
    facts: Callable[[Manifest], Mapping[str, str]],
) -> tuple[FactChange, ...]:
    return tuple(_compare_facts(facts(one), facts(other))) if one and other else ()


def _settings(manifest: Manifest) -> Mapping[str, str]:
    return manifest.settings


def _sums(manifest: Manifest) -> Mapping[str, str]:
    return {name: result.sha256 for name, result in manifest.results.items()}

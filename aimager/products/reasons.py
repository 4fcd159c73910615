"""Why a product is not the one that the cache holds, in words."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from aimager.model.lock import LockedPackage, read_lock
from aimager.packages.lock_file_changes import package_changes
from aimager.products.changed_settings import changed_settings
from aimager.products.derivation import Derivation
from aimager.products.record import Record, record_of

_DIGITS = 16
_MOST = 5
"""How many packages, settings and files are named; the others are counted."""

_LOCKS = ("lock", "below_lock")
"""The inputs of stages that are locks."""

_RETOLD = "recipe"
"""The setting that tells of others once more, for the manifest: a reason where they are none."""

_FOUND = "reused"
"""The input that says what the user's root archive holds."""


def locked_packages(sources: Mapping[str, Path]) -> tuple[LockedPackage, ...]:
    """All packages in those of ``sources`` that are locks."""
    locks = (read_lock(path) for name, path in sources.items() if name in _LOCKS)
    return tuple(package for lock in locks for package in lock.packages)


def versions_of(packages: Sequence[LockedPackage]) -> dict[str, str]:
    """The versions of packages, by name."""
    return {package.name: package.version for package in packages}


def origins_of(packages: Sequence[LockedPackage]) -> dict[str, str]:
    """The repositories and files of packages, the latter by a short SHA-256."""
    return {p.name: f"{p.repository} {p.sha256[:_DIGITS]}" for p in packages}


def differences(
    records: Sequence[Record],
    derivation: Derivation,
    sources: Mapping[str, Path],
    variables: Mapping[str, str],
) -> str:
    """How ``derivation`` differs from that of the product that was used last.

    ``variables`` are those that set its settings, as `changed_settings` takes them.
    """
    if not records:
        return "it has not been made before"
    last = records[0]
    changes = _inputs(last, derivation, sources, variables)
    told = (text for name, text in changes.items() if _is_own(name, sources, variables))
    own = list(dict.fromkeys(told))
    if last.derivation.stage != derivation.stage:
        others = f" ({', '.join(own)})" if own else ""
        return f"{derivation.stage} is to make it in place of {last.derivation.stage}{others}"
    found = [
        *_shortened(_packages(last, sources), "packages"),
        *_shortened(_settings(last.derivation, derivation, variables), "settings"),
        *_code(last.derivation.code, derivation.code),
    ]
    found += own if found else dict.fromkeys(changes.values())
    if not found and _retold(last.derivation) != _retold(derivation):
        return "the words that its manifest tells changed"
    return "; ".join(found or ["the cache does not hold it any more"])


def _packages(last: Record, sources: Mapping[str, Path]) -> list[str]:
    """How packages changed, also those of equal versions."""
    packages = locked_packages(sources)
    versions, origins = versions_of(packages), origins_of(packages)
    same = [name for name in origins if last.packages.get(name) == versions[name]]
    changes = package_changes(last.packages, versions)
    for name in same:
        before, after = last.origins.get(name, origins[name]).split(), origins[name].split()
        if before[1:] != after[1:]:
            changes.append(f"{name} {versions[name]} rebuilt")
        elif before != after:
            changes.append(f"{name} {versions[name]} moved from {before[0]} to {after[0]}")
    return sorted(changes)


def _shortened(changes: list[str], things: str) -> list[str]:
    if len(changes) <= _MOST:
        return changes
    return [*changes[:_MOST], f"{len(changes) - _MOST} more {things}"]


def _settings(old: Derivation, new: Derivation, variables: Mapping[str, str]) -> list[str]:
    """What settings changed, without those that became files, or were files."""
    files = {_field(name) for name in (*old.inputs, *new.inputs)}
    before, after = (
        {n: v for n, v in derivation.settings.items() if n not in files and _field(n) != _RETOLD}
        for derivation in (old, new)
    )
    return changed_settings(before, after, variables)


def _retold(derivation: Derivation) -> dict[str, str]:
    return {n: value for n, value in derivation.settings.items() if _field(n) == _RETOLD}


def _field(name: str) -> str:
    """The field of a stage that an input is of, or one of."""
    return name.partition(".")[0]


def _code(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    names = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    if not names:
        return []
    others = f" and {len(names) - _MOST} more files" if len(names) > _MOST else ""
    return [f"the code of {', '.join(names[:_MOST])}{others} changed"]


def _inputs(
    last: Record, new: Derivation, sources: Mapping[str, Path], variables: Mapping[str, str]
) -> dict[str, str]:
    """How the input files changed, by the names of inputs."""
    old = last.derivation
    names = sorted(old.inputs.keys() | new.inputs.keys())
    return {
        name: _input(name, last, sources.get(name), variables)
        for name in names
        if old.inputs.get(name) != new.inputs.get(name)
        and not _is_predicted(name, sources.get(name))
    }


def _is_predicted(name: str, path: Path | None) -> bool:
    """Whether an input would be found in the user's root archive, which has a reason of its own."""
    return name == _FOUND and path is not None and not record_of(path)


def _input(name: str, last: Record, path: Path | None, variables: Mapping[str, str]) -> str:
    variable, before = _variable(name, variables), last.derivation.inputs.get(name)
    record = record_of(path) if path else None
    if path and not record:
        how = "added" if before is None else "changed"
        return f"{variable}: {path.name} {how}" if variable else f"{path.name} {how}"
    maker = next((task for task, it in last.ancestors.items() if it == before), "")
    was_own = before is not None and not maker
    if was_own and (variable or path is None):
        return f"{variable or name} removed"
    if maker and path is None and not variable:
        return f"{maker} left out"
    if record and (before is not None or not variable):
        return f"{record.task} changed"
    return f"{variable or name} changed"


def _variable(name: str, variables: Mapping[str, str]) -> str:
    """The variable that names an input file; empty: none does."""
    return variables.get(_field(name), "")


def _is_own(name: str, sources: Mapping[str, Path], variables: Mapping[str, str]) -> bool:
    """Whether an input is, or was, the user's own file, which no task makes."""
    path = sources.get(name)
    if path is None:
        return bool(_variable(name, variables))
    return name not in _LOCKS and not record_of(path)

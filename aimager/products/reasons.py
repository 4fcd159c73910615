"""Why a product is not the one that the cache holds, in words."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from aimager.model.lock import LockedPackage, read_lock
from aimager.packages.lock_file import package_changes
from aimager.products.derivation import Derivation
from aimager.products.record import Record, record_of

_DIGITS = 16
_MOST = 5
"""How many packages, settings and files are named; the others are counted."""

_VARIABLES = {
    "setup.hostname": "hostname",
    "setup.locales": "locales",
    "setup.users": "useradd",
    "setup.passwords": "chpasswd",
    "setup.sudo_groups": "sudo-group",
    "setup.command_line": "append",
    "products": "create",
    "packages": "install-pkgs",
    "keyrings": "trust-key",
    "reused": "reuse-root-tar",
}
"""What a setting of a stage is called on the command line, where that is another word."""

_LOCKS = ("lock", "rootfs_lock")
"""The inputs of stages that are locks."""

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
    records: Sequence[Record], derivation: Derivation, sources: Mapping[str, Path]
) -> str:
    """How ``derivation`` differs from that of the product that was used last."""
    if not records:
        return "it has not been made before"
    last = records[0]
    changes = _inputs(last.derivation, derivation, sources)
    own = [text for name, text in changes.items() if _is_own(name, sources.get(name))]
    if last.derivation.stage != derivation.stage:
        others = f" ({', '.join(own)})" if own else ""
        return f"{derivation.stage} is to make it in place of {last.derivation.stage}{others}"
    found = [
        *_shortened(_packages(last, sources), "packages"),
        *_shortened(_settings(last.derivation, derivation), "settings"),
        *_code(last.derivation.code, derivation.code),
    ]
    found += own if found else dict.fromkeys(changes.values())
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


def _settings(old: Derivation, new: Derivation) -> list[str]:
    """What settings changed, without those that became files, or were files."""
    names = old.settings.keys() | new.settings.keys()
    files = old.inputs.keys() | new.inputs.keys()
    return [
        _setting(name, old.settings.get(name), new.settings.get(name))
        for name in sorted(names - files)
        if old.settings.get(name) != new.settings.get(name)
    ]


def _setting(name: str, old: str | None, new: str | None) -> str:
    variable = _variable(name)
    before, after = (json.loads(text) if text is not None else None for text in (old, new))
    words, others = _words(before), _words(after)
    if words is not None and others is not None:
        added = [f"{word} added" for word in others if word not in words]
        removed = [f"{word} removed" for word in words if word not in others]
        return f"{variable}: {', '.join(added + removed) or 'another order'}"
    if isinstance(before, list | dict) or isinstance(after, list | dict):
        return f"{variable} changed"
    return f"{variable}: {_word(before)} -> {_word(after)}"


def _variable(name: str) -> str:
    return _VARIABLES.get(name, name.replace("_", "-"))


def _words(value: object) -> list[str] | None:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return None
    return value


def _word(value: object) -> str:
    return "(none)" if value in (None, "") else str(value)


def _code(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    names = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    if not names:
        return []
    others = f" and {len(names) - _MOST} more files" if len(names) > _MOST else ""
    return [f"the code of {', '.join(names[:_MOST])}{others} changed"]


def _inputs(old: Derivation, new: Derivation, sources: Mapping[str, Path]) -> dict[str, str]:
    """How the input files changed, by the names of inputs."""
    names = sorted(old.inputs.keys() | new.inputs.keys())
    return {
        name: _input(name, old, new, sources.get(name))
        for name in names
        if old.inputs.get(name) != new.inputs.get(name)
        and not _is_predicted(name, sources.get(name))
    }


def _is_predicted(name: str, path: Path | None) -> bool:
    """Whether an input would be found in the user's root archive, which has a reason of its own."""
    return name == _FOUND and path is not None and not record_of(path)


def _input(name: str, old: Derivation, new: Derivation, path: Path | None) -> str:
    if path is None:
        removed = name in new.settings
        return f"{_variable(name)} removed" if removed else f"{name} changed"
    record = record_of(path)
    if record:
        return f"{record.task} changed"
    return f"{path.name} {'added' if name in old.settings else 'changed'}"


def _is_own(name: str, path: Path | None) -> bool:
    """Whether an input is the user's own file, which no task has made or will make."""
    return path is not None and name not in _LOCKS and not record_of(path)

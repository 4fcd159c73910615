"""What became of a stage's settings, by the names of the variables that set them.

A setting has a dotted name, as `aimager.products.derivation.Derivation` has it. Parts of the items
of a list go on with what tells the items apart, such as an id, so that
``table.partitions.root.file_system`` is one. In the names of ``variables`` a ``*`` stands for any
one part, and for the same in the variable; a name is also that of all its parts.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_KEYS = ("id", "role", "path", "user", "ssid", "name", "file")
"""What tells items of a list apart, by the names of their fields: the first that they have."""


_LONGEST = 160
"""Values that make a longer line are not told: keys, say."""

_Change = tuple[tuple[str, ...], object, object]
"""The parts of a setting's name, and its values before and after."""


@dataclass(frozen=True)
class Owner:
    """The variable that sets a setting; ``rest`` is what of the setting's name it does not name."""

    variable: str
    rest: tuple[str, ...] = ()


def changed_settings(
    old: Mapping[str, str], new: Mapping[str, str], variables: Mapping[str, str]
) -> list[str]:
    """What changed between two derivations' settings, each as JSON by dotted name."""
    changes = (
        change
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
        for change in _parts(tuple(name.split(".")), _value(old, name), _value(new, name))
    )
    return list(dict.fromkeys(_tell(change, variables) for change in changes))


def owner_of(path: Sequence[str], variables: Mapping[str, str]) -> Owner:
    """Who sets the setting ``path``: the variable of the longest name that it begins with.

    A setting that no variable sets is called by its own name.
    """
    best: Owner | None = None
    for name, variable in variables.items():
        parts = name.split(".")
        if len(parts) > len(path) or (best and len(path) - len(parts) >= len(best.rest)):
            continue
        if all(part in ("*", given) for part, given in zip(parts, path, strict=False)):
            stars = [given for part, given in zip(parts, path, strict=False) if part == "*"]
            called = variable.replace("*", stars[0]) if stars else variable
            best = Owner(called, tuple(path[len(parts) :]))
    return best or Owner(".".join(path).replace("_", "-"))


def _value(settings: Mapping[str, str], name: str) -> object:
    return json.loads(settings[name]) if name in settings else None


def _parts(path: tuple[str, ...], before: object, after: object) -> Iterator[_Change]:
    """What differs between two values: those of their parts that do, where these have names."""
    old, new = _by_name(before), _by_name(after)
    if old is None or new is None or [n for n in old if n in new] != [n for n in new if n in old]:
        yield path, before, after
        return
    for name in dict.fromkeys((*old, *new)):
        if old.get(name) != new.get(name):
            yield from _parts((*path, name), old.get(name), new.get(name))


def _by_name(value: object) -> dict[str, object] | None:
    """The parts of a value by what tells them apart; None: nothing does."""
    if isinstance(value, dict):
        return value
    if not isinstance(value, list):
        return None
    found: dict[str, object] = {}
    for item in value:
        named = _name_of(item)
        if named is None:
            return None
        name, part = named
        found[f"{name} {len(found) + 1}" if name in found else name] = part
    return found


def _name_of(item: object) -> tuple[str, object] | None:
    """What tells an item of a list apart, and the item; of a pair it is the first half."""
    if isinstance(item, dict):
        key = next((key for key in _KEYS if key in item), None)
        return (str(item[key]), item) if key else None
    if isinstance(item, list) and len(item) == 2 and isinstance(item[1], list):
        return str(item[0]), item[1]
    return None


def _tell(change: _Change, variables: Mapping[str, str]) -> str:
    path, before, after = change
    owner = owner_of(path, variables)
    if owner.rest:
        how = "changed"
        if len(owner.rest) == 1 and None in (before, after):
            how = "added" if before is None else "removed"
        return f"{owner.variable}: {owner.rest[0]} {how}"
    words, others = _words(before, after), _words(after, before)
    if (words and others is not None) or (others and words is not None):
        added = [f"{word} added" for word in others if word not in words]
        removed = [f"{word} removed" for word in words if word not in others]
        return f"{owner.variable}: {', '.join(added + removed) or 'another order'}"
    if isinstance(before, list | dict) or isinstance(after, list | dict):
        return f"{owner.variable} changed"
    told = f"{owner.variable}: {_text(before)} -> {_text(after)}"
    return told if len(told) < _LONGEST else f"{owner.variable} changed"


def _words(value: object, other: object) -> list[str] | None:
    """A list of texts; one that did not exist, or does not any more, is empty."""
    if value is None and isinstance(other, list):
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return None
    return value


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "(none)" if value in (None, "") else str(value)

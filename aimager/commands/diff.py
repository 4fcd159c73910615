"""``doit diff``: what differs between two images, manifests or lock files."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from aimager.codec import encode
from aimager.errors import ConfigError
from aimager.image.compare.difference import Difference, FactChange, FileChange, compare
from aimager.image.compare.packages import PackageChange
from aimager.image.compare.side import Side, read_sides
from aimager.shown import shown
from aimager.units import size

_SHORT = 20
"""So many lines of each kind are printed, unless all are asked for."""

_MARKS = {"added": "+", "removed": "-"}


def print_difference(
    variables: Mapping[str, str],
    folder: Path,
    *,
    names: Sequence[str],
    as_json: bool = False,
    all_lines: bool = False,
) -> int:
    """Print what differs between the two files or folders of ``names``, which start at ``folder``.

    Returns 0 where nothing does, else 1, as diff(1).

    :raises ConfigError: when the names are not two, or cannot be compared
    :raises ImageError: when an image is damaged
    """
    words = [name for name in names or () if name not in ("--json", "--all")]
    as_json, all_lines = as_json or "--json" in names, all_lines or "--all" in names
    _check_words(words, variables)
    one, other = read_sides(*(folder / word for word in words))
    found = compare(one, other)
    if as_json:
        print(json.dumps({"equal": found.is_empty, **encode(found)}, indent=1, sort_keys=True))
    else:
        print(*tell(found, one, other, None if all_lines else _SHORT), sep="\n")
    return 0 if found.is_empty else 1


def _check_words(words: Sequence[str], variables: Mapping[str, str]) -> None:
    """:raises ConfigError: for other words than two names"""
    if len(words) != 2:
        raise ConfigError(
            f"diff compares two files or folders, and was given {len(words)}",
            hint="name images, results' folders, manifest.json or lock files: doit diff A B",
        )
    if variables:
        raise ConfigError(
            f"{next(iter(variables))}= means nothing to diff",
            hint="leave it out: doit diff A B; a file with = in its name has to be renamed",
        )


def tell(found: Difference, one: Side, other: Side, most: int | None) -> Iterator[str]:
    """The lines for people, of each kind no more than ``most``."""
    if found.is_empty:
        yield f"nothing differs between {shown(one.name)} and {shown(other.name)}"
    yield from _section("packages", [(it.change, _package(it)) for it in found.packages], most)
    yield from _section("files", [(it.change, _file(it)) for it in found.files], most)
    yield from _section("settings", [("changed", _fact(it)) for it in found.settings], most)
    if found.results:
        yield f"results: {shown(', '.join(it.name for it in found.results))} differ"
    yield from _section("ids", [("changed", _fact(it)) for it in found.ids], most)
    yield from _tell_bytes(found)
    yield from (f"note: {shown(note)}" for note in found.notes)


def _section(name: str, lines: Sequence[tuple[str, str]], most: int | None) -> Iterator[str]:
    """A heading with how many there are of each kind, and the lines."""
    if not lines:
        return
    kinds = dict.fromkeys(kind for kind, _ in lines)
    told = (f"{sum(kind == it for it, _ in lines)} {kind}" for kind in kinds)
    yield f"{name}: {', '.join(told)}"
    yield from (f"   {line}" for _, line in islice(lines, most))
    if most is not None and len(lines) > most:
        yield f"   and {len(lines) - most} more, which --all lists"


def _package(it: PackageChange) -> str:
    versions = f"{it.before} -> {it.after}" if it.before and it.after else it.after or it.before
    mark = _MARKS.get(it.change, "~")
    told = f"{mark} {it.name} {versions}" + (" rebuilt" if it.change == "rebuilt" else "")
    if it.size is None:
        return shown(told)
    grown = f", {it.growth:+d} B" if it.growth and abs(it.growth) < 1000 else ""
    if it.growth and not grown:
        grown = f", {'+' if it.growth > 0 else '-'}{size(abs(it.growth))}"
    is_change = it.before and it.after
    return shown(f"{told}  {size(it.size)}{grown if is_change else ''}")


def _file(it: FileChange) -> str:
    mark = _MARKS.get(it.change, "~")
    told = ", ".join(it.facts) if it.facts else size(it.size) if it.size else ""
    return shown(f"{mark} {it.path}" + (f"  {told}" if told else ""))


def _fact(it: FactChange) -> str:
    before, after = (told if told is not None else "none" for told in (it.before, it.after))
    return shown(f"{it.name}: {before} -> {after}")


def _tell_bytes(found: Difference) -> Iterator[str]:
    it = found.bytes
    if it and it.differing:
        yield f"bytes: {size(it.differing)} of {size(it.total)} in blocks that differ"
        if not (found.files or found.ids):
            yield f"   the first is byte {it.first}, which is in no file that was compared"
    elif found.files_size:
        yield f"bytes: {size(found.files_size)} in files that were added or changed"

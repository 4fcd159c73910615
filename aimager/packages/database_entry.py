"""An entry of a database of packages: the name of its folder, and the fields of its files."""

from collections.abc import Mapping

from aimager.units import decimal


def split_entry(entry: str) -> tuple[str, str]:
    """The name and version of ``NAME-VERSION-RELEASE``, as libalpm splits it (_alpm_splitname)."""
    name, _, rest = entry.rpartition("-")
    name, _, version = name.rpartition("-")
    return name or entry, f"{version}-{rest}"


def read_fields(desc: str) -> dict[str, list[str]]:
    """The fields of a ``desc`` file, repo-add's or pacman's own: the lines below each name."""
    fields = {}
    for block in desc.split("\n\n"):
        key, *values = block.strip("\n").split("\n")
        fields[key.strip("%")] = values
    return fields


def read_number(fields: Mapping[str, list[str]], key: str, missing: str = "") -> int:
    """The number that is a field's value, where it may be missing this one.

    :raises ValueError: when it is not a number, or has more digits than any size or time
    """
    text = first_value(fields, key, missing)
    found = decimal(text)
    if found is None:
        raise ValueError(f"its {key} is {text}")
    return found


def first_value(fields: Mapping[str, list[str]], key: str, missing: str = "") -> str:
    """A field's value, where it may be missing this one.

    :raises KeyError: when it is missing, and must not be
    """
    values = fields.get(key)
    if values and values[0]:
        return values[0]
    if not missing:
        raise KeyError(key)
    return missing

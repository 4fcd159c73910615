"""What changed in settings is told by the variables that set them, part by part."""

import json
from typing import Any

import pytest

from aimager.products.changed_settings import Owner, changed_settings, owner_of

VARIABLES = {
    "table": "table",
    "table.partitions.*.file_system": "root-fs",
    "files": "files",
    "names": "names",
    "lines.*": "append-*",
    "keyrings.*.keys": "key or key-*",
}


def told(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What is told of these settings."""
    old, new = (
        {name: json.dumps(value) for name, value in side.items()} for side in (before, after)
    )
    return changed_settings(old, new, VARIABLES)


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("table", Owner("table")),
        ("table.label", Owner("table", ("label",))),
        ("table.partitions.root.size", Owner("table", ("partitions", "root", "size"))),
        ("table.partitions.root.file_system", Owner("root-fs")),
        ("lines.linux", Owner("append-linux")),
        ("lines", Owner("lines")),
        ("tables", Owner("tables")),
        ("some_thing.else", Owner("some-thing.else")),
        ("keyrings.mine.keys", Owner("key or key-mine")),
    ],
)
def test_a_setting_is_the_variables_of_the_longest_name(path: str, owner: Owner) -> None:
    assert owner_of(path.split("."), VARIABLES) == owner
    backwards = dict(reversed(VARIABLES.items()))
    assert owner_of(path.split("."), backwards) == owner


def partition(role: str, file_system: str = "ext4", size: int = 1) -> dict[str, Any]:
    """A partition, as a stage's settings have it."""
    return {"role": role, "file_system": file_system, "size": size}


BOOT, ROOT = partition("boot", "vfat"), partition("root")


@pytest.mark.parametrize(
    ("name", "before", "after", "expected"),
    [
        ("other", 1, 1, []),
        ("other", 1, 2, ["other: 1 -> 2"]),
        ("other", False, True, ["other: no -> yes"]),
        ("other", "x" * 200, "", ["other changed"]),
        ("names", ["a", "b"], ["b", "c"], ["names: c added, a removed"]),
        ("names", ["a", "b"], ["b", "a"], ["names: another order"]),
        ("names", [], ["a"], ["names: a added"]),
        ("names", ["a"], None, ["names: a removed"]),
        ("names", [["a"]], [["b"]], ["names changed"]),
        ("names", None, [{"arguments": []}], ["names changed"]),
        ("files", [], [{"path": "/a.b", "text": "x"}], ["files: /a.b added"]),
        ("files", [{"path": "/a", "text": "x"}], [], ["files: /a removed"]),
        ("files", [{"path": "/a", "text": "x"}], [{"path": "/a"}], ["files: /a changed"]),
        ("lines", [], [["linux", ["quiet"]]], ["append-linux: quiet added"]),
        ("lines", [["linux", ["a"]]], [["linux", ["b"]]], ["append-linux: b added, a removed"]),
        (
            "table.partitions",
            [BOOT, ROOT],
            [BOOT, partition("root", "btrfs", 2)],
            ["root-fs: ext4 -> btrfs", "table: partitions changed"],
        ),
        ("table.partitions", [BOOT, ROOT], [ROOT, BOOT], ["table: partitions changed"]),
        ("table.partitions", [BOOT], [BOOT, ROOT], ["table: partitions changed"]),
        (
            "table.partitions",
            [partition("raw"), partition("raw")],
            [partition("raw"), partition("raw", "xfs")],
            ["root-fs: ext4 -> xfs"],
        ),
    ],
)
def test_what_is_told(name: str, before: object, after: object, expected: list[str]) -> None:
    assert told({name: before}, {name: after}) == expected


def test_each_thing_is_told_once_in_the_order_of_settings() -> None:
    before = {"table.label": "gpt", "b": 1, "table.id": "", "gone": 1}
    after = {"table.label": "dos", "b": 2, "table.id": "x", "new": 1}
    assert told(before, after) == [
        *("b: 1 -> 2", "gone: 1 -> (none)", "new: (none) -> 1"),
        *("table: id changed", "table: label changed"),
    ]

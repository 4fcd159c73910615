"""What is said at the end of a build of the room that the disk has."""

from pathlib import Path

import pytest

from aimager.commands.next_steps import _growth
from aimager.config.build import read_build

BOOT = "label: gpt; aimager@boot: size=1G; "


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            {"table": BOOT + "aimager@root:; aimager@home:"},
            "home grows to the end",
        ),
        ({"table": BOOT + "aimager@root:; aimager@swap: size=1G"}, "the last, for swap, cannot"),
        ({"table": BOOT + "aimager@root:; size=1G"}, "the last is left empty"),
        ({"root-fs": "erofs"}, "erofs never changes"),
        ({"root-fs": "squashfs"}, "squashfs never changes"),
        (
            {"table": "label: gpt; aimager@root:; aimager@boot: size=1G"},
            "for boot, cannot",
        ),
        ({}, "root-size=16G"),
        ({"root-size": "8G"}, ""),
        ({"table": "=gpt_1g_esp_16g_root_x86_64"}, ""),
    ],
)
def test_what_grows_is_said(words: dict[str, str], told: str) -> None:
    build = read_build({"board": "x64-uefi", **words}, Path("/"))
    assert build
    said = " ".join(_growth(build, "disk.img"))
    assert told in said
    assert bool(told) == (" grows " in said)

"""Time zones and keymaps are those that the image has; others are told with the nearest."""

from pathlib import Path

import pytest

from aimager.errors import ConfigError
from aimager.sandbox.tree import Tree
from aimager.system.localisation import set_keymap, set_timezone

CONSOLE = "etc/vconsole.conf"


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    tree = Tree(tmp_path)
    for zone in ("UTC", "Europe/Berlin", "Europe/London", "America/Indiana/Knox", "tzdata.zi"):
        tree.write(f"usr/share/zoneinfo/{zone}", "TZif")
    for name in ("qwertz/de-latin1.map.gz", "qwerty/us.map.gz", "include/euro1.map.gz"):
        tree.write(f"usr/share/kbd/keymaps/i386/{name}", "")
    return tree


def refusal(error: pytest.ExceptionInfo[ConfigError]) -> tuple[str, str]:
    return error.value.message, error.value.hint


def test_time_zones(tree: Tree) -> None:
    link = tree.path / "etc/localtime"
    set_timezone(tree, "")
    assert str(link.readlink()) == "../usr/share/zoneinfo/UTC"
    for zone in ("America/Indiana/Knox", "Europe/Berlin"):
        set_timezone(tree, zone)
        assert str(link.readlink()) == f"../usr/share/zoneinfo/{zone}"
    set_timezone(tree, "")
    assert str(link.readlink()) == "../usr/share/zoneinfo/Europe/Berlin", "what there is, stays"
    for zone in ("Europe/Berln", "Europe"):
        with pytest.raises(ConfigError) as caught:
            set_timezone(tree, zone)
        told, hint = refusal(caught)
        assert told == f"the image does not have the time zone {zone}"
        assert hint.startswith("did you mean timezone=Europe/Berlin" if "/" in zone else "")
    tree.remove("usr/share/zoneinfo")
    with pytest.raises(ConfigError) as caught:
        set_timezone(tree, "UTC")
    assert refusal(caught)[1] == "install-pkgs=tzdata adds time zones"


def test_keymaps(tree: Tree) -> None:
    set_keymap(tree, "")
    assert tree.read_text(CONSOLE) == "KEYMAP=us\n"
    tree.write(CONSOLE, "FONT=eurlatgr\nKEYMAP=us\n")
    set_keymap(tree, "de-latin1")
    assert tree.read_text(CONSOLE) == "KEYMAP=de-latin1\nFONT=eurlatgr\n"
    set_keymap(tree, "")
    assert tree.read_text(CONSOLE).startswith("KEYMAP=de-latin1\n"), "what there is, stays"
    for keymap, hint in (("de_latin1", "did you mean keymap=de-latin1?"), ("euro1", "localectl")):
        with pytest.raises(ConfigError) as caught:
            set_keymap(tree, keymap)
        told, advice = refusal(caught)
        assert told == f"the image does not have the keymap {keymap}"
        assert advice.startswith(hint)
    tree.remove("usr/share/kbd")
    with pytest.raises(ConfigError) as caught:
        set_keymap(tree, "us")
    assert refusal(caught)[1] == "install-pkgs=kbd adds keymaps"

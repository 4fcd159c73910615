"""The time zone of a machine, and the keymap of its console, as systemd reads them."""

import re
from pathlib import PurePath

from aimager.errors import ConfigError
from aimager.near_names import nearest
from aimager.sandbox.tree import Tree
from aimager.system.initramfs import CONSOLE, KEYMAP

_ZONES = "usr/share/zoneinfo"
_KEYMAPS = "usr/share/kbd/keymaps"
_FILE = re.compile(r"(.+)\.k?map(?:\.(?:gz|zst|xz|bz2))?")
_SETTING = re.compile(r"^[ \t]*KEYMAP=.*\n?", re.MULTILINE)


def set_timezone(tree: Tree, zone: str) -> None:
    """Let the clock show the time of ``zone`` (localtime(5)); empty: UTC, where it shows no other.

    :raises ConfigError: when the image does not know the zone
    """
    if not zone:
        if not tree.lstat("etc/localtime"):
            tree.symlink("etc/localtime", f"../{_ZONES}/UTC")
        return
    if not tree.is_file(f"{_ZONES}/{zone}"):
        known = _list_zones(tree)
        hint = nearest(zone, known, "timezone={}") or "timedatectl list-timezones tells"
        raise ConfigError(
            f"the image does not have the time zone {zone}",
            hint=hint.strip() if known else "install-pkgs=tzdata adds time zones",
        )
    tree.symlink("etc/localtime", f"../{_ZONES}/{zone}")


def _list_zones(tree: Tree) -> list[str]:
    """The time zones of the image; files whose names begin otherwise are lists, or other forms."""
    paths = [path for path, _ in tree.walk(_ZONES)] if tree.is_dir(_ZONES) else []
    return sorted(path for path in paths if path[0].isupper() and tree.is_file(f"{_ZONES}/{path}"))


def set_keymap(tree: Tree, keymap: str) -> None:
    """Let the console have ``keymap`` (vconsole.conf(5)); empty: ``us``, where nothing is said.

    :raises ConfigError: when the image does not have the keymap
    """
    before = tree.read_text(CONSOLE) if tree.is_file(CONSOLE) else ""
    if not keymap:
        if not tree.exists(CONSOLE):
            tree.write(CONSOLE, f"{KEYMAP}\n", 0o644)
        return
    known = _list_keymaps(tree)
    if keymap not in known:
        hint = nearest(keymap, known, "keymap={}") or "localectl list-keymaps tells"
        raise ConfigError(
            f"the image does not have the keymap {keymap}",
            hint=hint.strip() if known else "install-pkgs=kbd adds keymaps",
        )
    tree.write(CONSOLE, f"KEYMAP={keymap}\n{_SETTING.sub('', before)}", 0o644)


def _list_keymaps(tree: Tree) -> list[str]:
    """The keymaps of the image; those in a folder ``include`` are parts of others."""
    paths = [path for path, _ in tree.walk(_KEYMAPS)] if tree.is_dir(_KEYMAPS) else []
    files = (PurePath(path) for path in paths)
    names = (_FILE.fullmatch(path.name) for path in files if path.parent.name != "include")
    return sorted({match[1] for match in names if match})

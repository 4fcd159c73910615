"""How initramfs makers are asked for what fits any machine, and how that is undone.

mkinitcpio reads the machine that it runs on in its hook autodetect (mkinitcpio.conf(5)); booster
does so unless its configuration says ``universal``; dracut unless that says ``hostonly="no"``.
"""

import posixpath
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import PurePath

from aimager.sandbox.drop_ins import files_at
from aimager.sandbox.tree import Tree

MKINITCPIO = "etc/mkinitcpio.conf"
BOOSTER = "etc/booster.yaml"
DROP_IN = "etc/mkinitcpio.conf.d/zzz-aimager-universal.conf"
"""Read after others, and of a name that nobody else gives: it is removed in the end."""

_DRACUT_DROP_IN = "etc/dracut.conf.d/zzz-aimager-universal.conf"
_DRACUT = 'hostonly="no"\nreproducible="yes"\n'

_PRESETS = "etc/mkinitcpio.d/*.preset"
_PRESET_CONFIG = re.compile(
    r"^[ \t]*\w+_(?:config=|options=(?:[^\n#]*[\"'(\s])?(?:-c|--config)[ =]*)"
    r"[\"']?([^\"'\s#()]+)",
    re.MULTILINE,
)

WITHOUT_AUTODETECT = """\

# For the time in which an image is made: an initramfs for any machine. Without autodetect, kms adds
# all drivers of graphics, and their firmware, of which a console needs none; whoever has it without
# autodetect asks for that.
read -ra HOOKS <<< "${HOOKS[*]-}"
if [[ " ${HOOKS[*]-} " == *' autodetect '* ]]; then
    for hook in "${!HOOKS[@]}"; do
        [[ ${HOOKS[hook]} == autodetect || ${HOOKS[hook]} == kms ]] && unset "HOOKS[hook]"
    done
    read -ra HOOKS <<< "${HOOKS[*]-}"
    unset hook
fi
"""
"""None of its lines looks like a setting, so that a script that edits those leaves it alone."""

PROGRAMS = {MKINITCPIO: "usr/bin/mkinitcpio", BOOSTER: "usr/bin/booster"}
"""Whose configurations they are; without the program, nothing has changed them."""

UNIVERSAL = "universal: true\n"
_SAYS = re.compile(r"^universal[ \t]*:.*\n?", re.MULTILINE)


def _mkinitcpio(text: str) -> str:
    return text + WITHOUT_AUTODETECT


def _booster(text: str) -> str:
    kept = _SAYS.sub("", text)
    return f"{kept}\n{UNIVERSAL}" if kept and not kept.endswith("\n") else kept + UNIVERSAL


def _without_mkinitcpios(text: str, before: str) -> str:
    return text.replace(WITHOUT_AUTODETECT, "")


def _without_boosters(text: str, before: str) -> str:
    start, ours, end = text.rpartition(UNIVERSAL)
    return f"{start}{''.join(_SAYS.findall(before))}{end}" if ours else text


_CHANGES: dict[str, tuple[Callable[[str], str], Callable[[str, str], str]]] = {
    MKINITCPIO: (_mkinitcpio, _without_mkinitcpios),
    BOOSTER: (_booster, _without_boosters),
}
"""What is done to a configuration, and how it is undone where somebody has edited it since."""


def put_back(tree: Tree, path: str, saved: Tree, name: str) -> None:
    """Undo the change of the configuration ``path``, which was as ``name`` in ``saved`` is.

    Where nothing else has changed it, it has its mode and times again. If it was not there before,
    ``name`` is not there either.
    """
    kind = BOOSTER if path == BOOSTER else MKINITCPIO
    change, undo = _CHANGES[kind]
    if not tree.is_file(path) or not tree.exists(PROGRAMS[kind]):
        return
    status = saved.stat(name)
    before = saved.read_text(name) if status else ""
    now = tree.read_text(path)
    if now == change(before):
        if status:
            times = (status.st_atime_ns, status.st_mtime_ns)
            tree.write(path, before, stat.S_IMODE(status.st_mode), times=times)
        else:
            tree.unlink(path)
    elif (undone := undo(now, before)) != now:
        tree.write(path, undone)


def preset_configurations(tree: Tree) -> set[str]:
    """The files that the presets of mkinitcpio name as configurations."""
    found = set()
    for preset in files_at(tree, _PRESETS):
        paths = _PRESET_CONFIG.findall(tree.read_text(preset))
        found |= {posixpath.normpath(f"/{path}").lstrip("/") for path in paths}
    return found


@contextmanager
def drop_in_removed(tree: Tree, path: str = DROP_IN) -> Iterator[None]:
    """Remove a drop-in after the block, and its folder if that was not there before."""
    folder = PurePath(path).parent
    had_folder = tree.exists(folder)
    try:
        yield
    finally:
        tree.unlink(path)
        if not had_folder and not tree.names(folder):
            tree.remove(folder)


@contextmanager
def universal_conf(tree: Tree, saved: Tree) -> Iterator[None]:
    """While in the block, the makers in ``tree`` are asked; ``saved`` keeps their configurations.

    What is changed in the block stays.
    """
    with ExitStack() as undoing:
        if tree.exists(PROGRAMS[MKINITCPIO]):
            undoing.enter_context(drop_in_removed(tree))
            tree.write(DROP_IN, WITHOUT_AUTODETECT)
            # A preset may name a file with -c, and then no drop-in is read (mkinitcpio(8)).
            for path in sorted({MKINITCPIO, *preset_configurations(tree)}):
                if _is_own_file(tree, path):
                    undoing.enter_context(_changed(tree, path, saved))
        if tree.exists(PROGRAMS[BOOSTER]) and (
            _is_own_file(tree, BOOSTER) or not tree.lstat(BOOSTER)
        ):
            undoing.enter_context(_changed(tree, BOOSTER, saved))
        if tree.exists("usr/bin/dracut"):
            undoing.enter_context(drop_in_removed(tree, _DRACUT_DROP_IN))
            tree.write(_DRACUT_DROP_IN, _DRACUT)
        yield


def _is_own_file(tree: Tree, path: str) -> bool:
    status = tree.lstat(path)
    return status is not None and stat.S_ISREG(status.st_mode)


@contextmanager
def _changed(tree: Tree, path: str, saved: Tree) -> Iterator[None]:
    kind = BOOSTER if path == BOOSTER else MKINITCPIO
    name = path.replace("/", "-")
    saved.unlink(name)
    text = ""
    if status := tree.stat(path):
        text, mode = tree.read_text(path), stat.S_IMODE(status.st_mode)
        saved.write(name, text, mode, times=(status.st_atime_ns, status.st_mtime_ns))
    tree.write(path, _CHANGES[kind][0](text))
    try:
        yield
    finally:
        put_back(tree, path, saved, name)
        saved.unlink(name)

"""Hooks and scriptlets that failed, by what pacman says of them: which, of what package, and why.

pacman goes on when one fails, and ends well, unless the hook comes before and has AbortOnFail. It
says that it failed, and by which signal, but not with which exit code (libalpm, util.c,
_alpm_run_chroot). What it runs around an installation is alpm-hooks(5).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath

from aimager.packages.local_database import LOCAL
from aimager.program_output import TAIL_LINES
from aimager.sandbox.tree import Tree

FAILED = re.compile(
    r"error: command (?:failed to execute correctly|terminated by signal (?P<signal>\d+))"
)
_PACKAGE = re.compile(r"(?:installing|upgrading|reinstalling|downgrading|removing) (\S+)\.\.\.")
_HOOK = re.compile(r"\( *\d+/\d+\) (.+)")
_SECTION = re.compile(r":: .+")

_BOOTS = re.compile(r"mkinitcpio|booster|dracut|initramfs|initcpio|depmod|kernel-install")
"""In what a hook says or runs, or a scriptlet is: without it, no image boots."""

_HOOK_FOLDERS = ("usr/share/libalpm/hooks", "etc/pacman.d/hooks")


@dataclass(frozen=True)
class Hook:
    """A hook of a root, by its file's name: what it says that it does, and what it runs."""

    name: str
    description: str
    runs: str
    aborts: bool
    """Whether nothing is installed if it fails."""


@dataclass(frozen=True)
class Failure:
    """What failed, as ``the hook NAME of the package NAME``, and the last that it ``said``."""

    what: str
    signal: int | None
    said: tuple[str, ...]
    boots: bool
    """Whether it makes what the image boots from."""
    aborts: bool = False
    """Whether nothing was installed therefore."""

    def tell(self, so: str = "") -> str:
        """That it failed, ``so`` what follows from that, and what it said, a line each."""
        how = f"was killed by signal {self.signal}" if self.signal else "failed"
        lines = "".join(f"\n    {line}" for line in self.said) or " it said nothing"
        return f"{self.what} {how}{so}:{lines}"


def failures(said: str, tree: Tree, own: Tree) -> list[Failure]:
    """Those that pacman ``said`` failed in ``tree``; ``own`` is a folder of further hooks."""
    return list(_failures(said, tree, own))


def _failures(said: str, tree: Tree, own: Tree) -> Iterator[Failure]:
    hooks: Mapping[str, Hook] | None = None
    what, output = "", list[str]()
    for line in said.splitlines():
        if heading := _heading(line):
            what, output = heading, []
        elif failed := FAILED.search(line):
            hooks = _read_hooks(tree, own) if hooks is None else hooks
            yield _failure(what, failed["signal"], output, tree, hooks)
        else:
            output.append(line)


def _heading(line: str) -> str:
    """The line, if pacman announces by it what comes next."""
    kinds = (_PACKAGE, _HOOK, _SECTION)
    return line if any(kind.fullmatch(line) for kind in kinds) else ""


def _failure(
    what: str, signal: str | None, output: list[str], tree: Tree, hooks: Mapping[str, Hook]
) -> Failure:
    last = tuple(line for line in output if line.strip())[-TAIL_LINES:]
    number = int(signal) if signal else None
    if package := _PACKAGE.fullmatch(what):
        boots = bool(_BOOTS.search(_scriptlet(tree, package[1])))
        return Failure(f"the scriptlet of the package {package[1]}", number, last, boots)
    title = named[1] if (named := _HOOK.fullmatch(what)) else what
    hook = hooks.get(title)
    if hook is None:
        return Failure(f"the hook '{title}'", number, last, bool(_BOOTS.search(title)))
    owner = _owner(tree, hook.name)
    of = f" of the package {owner}" if owner else ""
    boots = bool(_BOOTS.search(f"{hook.name} {title} {hook.runs}"))
    return Failure(f"the hook {hook.name}{of} ('{title}')", number, last, boots, hook.aborts)


def _read_hooks(tree: Tree, own: Tree) -> dict[str, Hook]:
    """All hooks, by what pacman calls them: by their descriptions, or names if they have none."""
    hooks = {}
    places = [(tree, f"{name}/*.hook") for name in _HOOK_FOLDERS]
    for where, pattern in (*places, (own, "*.hook")):
        for path in where.glob(pattern):
            text = _read(where, path) if where.is_file(path) else ""
            name = PurePath(path).name
            described = re.search(r"^\s*Description\s*=\s*(.+?)\s*$", text, re.MULTILINE)
            runs = re.search(r"^\s*Exec\s*=\s*(.+?)\s*$", text, re.MULTILINE)
            title = described[1] if described else name
            aborts = re.search(r"^\s*AbortOnFail\s*$", text, re.MULTILINE)
            hooks[title] = Hook(name, title, runs[1] if runs else "", bool(aborts))
    return hooks


def _read(tree: Tree, path: str) -> str:
    return tree.read_bytes(path).decode(errors="replace")  # as what pacman says is read


def _owner(tree: Tree, hook: str) -> str:
    """The package that a hook is of; empty: none."""
    entry = f"usr/share/libalpm/hooks/{hook}\n"
    for files in tree.glob(f"{LOCAL}/*/files"):
        if entry in _read(tree, files):
            return PurePath(files).parent.name.rsplit("-", 2)[0]
    return ""


def _scriptlet(tree: Tree, package: str) -> str:
    """What a package's scriptlet is."""
    for path in tree.glob(f"{LOCAL}/*/install"):
        if PurePath(path).parent.name.rsplit("-", 2)[0] == package:
            return _read(tree, path)
    return ""

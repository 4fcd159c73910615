"""Hooks and scriptlets that failed, by what pacman says of them: which, of what package, and why.

pacman goes on when one fails, and ends well, unless the hook comes before and has AbortOnFail. It
says that it failed, and by which signal, but not with which exit code (libalpm, util.c,
_alpm_run_chroot). What it runs around an installation is alpm-hooks(5). A hook that it cannot read,
or whose dependencies are not there, it does not run (hook.c).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

from aimager.packages.dependencies import bare_name
from aimager.packages.hooks import SYSTEM, Hook, hook_folders, owner, read_hooks, unseen_links
from aimager.packages.local_database import LOCAL, package_of, read_local_database
from aimager.program_output import TAIL_LINES
from aimager.sandbox.owners import refused_owners
from aimager.sandbox.tree import Tree
from aimager.system.transaction_parts import UNKNOWN, Part, Ran, parts

FAILED = re.compile(
    r"error: command (?:failed to execute correctly|terminated by signal (?P<signal>\d+))"
)
_LACKING = re.compile(r"error: unable to run hook (\S+): could not satisfy dependencies")
_UNREADABLE = (
    re.compile(r"error: hook (?P<path>/.+) (?P<reason>line \d+: .+)"),
    re.compile(r"error: (?P<reason>Missing .+) in hook: (?P<path>/.+)"),
    re.compile(r"error: error while reading hook (?P<path>/.+): (?P<reason>.+)"),
    re.compile(r"error: could not (?:stat|open) file:? (?P<path>/.+\.hook): (?P<reason>.+)"),
)
_NO_FOLDER = re.compile(r"error: could not (?:open|read) directory: (?P<path>/.+): (?P<reason>.+)")
_BROKEN = 2000
"""Bytes of what may be a part of a longer line; libalpm's are of 2046 (util.c, PIPE_BUF)."""

_ALL_LEFT = "(failed to run transaction hooks)"
"""pacman's reason where it installs nothing because of a hook."""

_BOOTS = re.compile(r"mkinitcpio|booster|dracut|initramfs|initcpio|depmod|kernel-install")
"""In what a hook says or runs, or a scriptlet is: without it, no image boots."""


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
    how: str = ""
    """What became of it, if it did not just fail."""
    refused: bool = False
    """Whether it said that it was refused a file's owner."""

    def tell(self, so: str = "") -> str:
        """That it failed, ``so`` what follows from that, and what it said, a line each."""
        how = f"was killed by signal {self.signal}" if self.signal else self.how or "failed"
        lines = "".join(f"\n    {line}" for line in self.said)
        if not lines and self.how:
            return f"{self.what} {how}{so}"
        return f"{self.what} {how}{so}:{lines or ' it said nothing'}"


@dataclass(frozen=True)
class _Root:
    """Where pacman ran: its hooks, those in ``own`` the last, and what it ``ran`` there."""

    tree: Tree
    own: Tree
    folders: Sequence[str]
    ran: Ran
    _hooks: dict[str, Hook] = field(default_factory=dict)

    @property
    def hooks(self) -> Mapping[str, Hook]:
        if not self._hooks:
            self._hooks.update(read_hooks(self.tree, self.folders, self.own))
        return self._hooks

    def called(self, hook: Hook) -> str:
        """A hook as it is told."""
        of = owner(self.tree, hook.path) if hook.path else ""
        package = f" of the package {of}" if of else ""
        title = f" ('{hook.title}')" if hook.text else ""
        return f"the hook {hook.name}{package}{title}"

    def boots(self, hook: Hook) -> bool:
        return bool(_BOOTS.search(f"{hook.name} {hook.title} {hook.runs}"))


def failures(
    said: str,
    tree: Tree,
    own: Tree,
    ran: Ran = UNKNOWN,
    folders: Sequence[str] | None = None,
) -> list[Failure]:
    """Those that pacman ``said`` failed in ``tree``; ``own`` is a folder of further hooks.

    ``ran`` is all that it ran, without which two hooks that say the same of themselves are not told
    from one another. ``folders`` are those that it took hooks from, the root's own where they are
    None.
    """
    root = _Root(tree, own, hook_folders(tree) if folders is None else folders, ran)
    unseen = unseen_links(tree, root.folders, own)
    found = [*_failed(said, root), *_not_run(said, root, unseen)]
    for hook in (root.hooks[name] for name in unseen):
        how = "came as a link that led out of the image while pacman ran, and was not run"
        found.append(Failure(root.called(hook), None, (), root.boots(hook), how=how))
    return found


def _failed(said: str, root: _Root) -> Iterator[Failure]:
    for part in parts(said, root.hooks, root.ran):
        rest: list[str] = []
        for line in part.lines:
            if failed := FAILED.search(line):
                yield _failure(part, failed["signal"], rest, root)
                rest = []
            else:
                rest.append(line)
        if (part.package or part.title) and (refused := refused_owners(rest)):
            how = "could not give files their owners, for this build does not have the ids"
            what, _ = _known(part, root)
            yield Failure(what, None, refused[-TAIL_LINES:], boots=False, how=how, refused=True)


def _known(part: Part, root: _Root) -> tuple[str, bool]:
    """What a part is, and whether an image needs it to boot."""
    if part.package:
        script = _scriptlet(root.tree, part.package)
        return f"the scriptlet of the package {part.package}", bool(_BOOTS.search(script))
    if not part.title:
        return "a hook or scriptlet that pacman did not name", True  # it may be any
    if part.hook is None:
        return f"the hook '{part.title}'", bool(_BOOTS.search(part.title))
    return root.called(part.hook), root.boots(part.hook)


def _failure(part: Part, signal: str | None, output: list[str], root: _Root) -> Failure:
    what, boots = _known(part, root)
    return Failure(
        what,
        int(signal) if signal else None,
        _last_words(output),
        boots,
        aborts=part.hook is not None and part.hook.aborts,
        refused=bool(refused_owners(output)),
    )


def _last_words(output: Sequence[str]) -> tuple[str, ...]:
    """The last lines of all that was said; of a long line, which pacman breaks, the beginning."""
    before = ("", *output)
    lines = [line for line, last in zip(output, before, strict=False) if not _is_broken(last)]
    return tuple(line for line in lines if line.strip())[-TAIL_LINES:]


def _is_broken(line: str) -> bool:
    return len(line.encode(errors="replace")) >= _BROKEN


def _not_run(said: str, root: _Root, known: Sequence[str]) -> Iterator[Failure]:
    """Hooks that pacman did not run: for what they lack, or because it could not read them.

    Those that are ``known`` are left out.
    """
    reasons: dict[str, list[str]] = {}
    lines = dict.fromkeys(said.split("\n"))  # it reads them before and after
    aborts = any(_ALL_LEFT in line for line in lines)
    for line in lines:
        if lacking := _LACKING.search(line):
            yield _lacking(lacking[1], root)
        elif folder := _NO_FOLDER.search(line):
            what = f"the folder of hooks {_shown(folder['path'], root)}"
            yield Failure(what, None, (folder["reason"],), False, aborts, how="cannot be read")
        elif found := next(filter(None, (kind.search(line) for kind in _UNREADABLE)), None):
            reasons.setdefault(PurePath(found["path"]).name, []).append(found["reason"])
    for name, why in reasons.items():
        if name in known:
            continue
        hook = root.hooks.get(name, Hook(name, None, ""))
        boots = root.boots(hook)
        yield Failure(
            root.called(hook), None, tuple(why), boots, aborts, how="cannot be read by pacman"
        )


def _lacking(name: str, root: _Root) -> Failure:
    hook = root.hooks.get(name, Hook(name, None, ""))
    there = read_local_database(root.tree).values()
    given = {bare_name(name) for package in there for name in (package.name, *package.provides)}
    missing = [need for need in hook.depends if bare_name(need) not in given]
    so = "that is not installed"
    if not missing:
        missing = [need for need in hook.depends if need != bare_name(need)]
        so = "what is installed is of another version"
    needs = " and ".join(missing) or "other packages"
    how = f"was not run, for it depends on {needs}, and {so}"
    return Failure(root.called(hook), None, (), root.boots(hook), hook.aborts, how=how)


def _shown(path: str, root: _Root) -> str:
    for folder in (*root.folders, SYSTEM):
        if path.rstrip("/").endswith(f"/{folder}"):
            return f"/{folder}"
    return PurePath(path).name


def _scriptlet(tree: Tree, package: str) -> str:
    """What a package's scriptlet is."""
    for path in tree.glob(f"{LOCAL}/*/install"):
        if package_of(path) == package:
            return tree.read_bytes(path).decode(errors="replace")
    return ""

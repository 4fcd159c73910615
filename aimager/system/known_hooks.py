"""The hook that indexes kernels' modules, taken over where it is the one that we know.

Ours has its name, its text and its place in pacman's order, but for the command: a script that asks
us, outside the jail, which of its targets are left to the packaged script. Meanwhile each kernel's
index is taken from what is remembered, or made beside the others'
(`aimager.system.module_index`).

Where the packaged hook or its script is another, or what depmod reads cannot be known, or depmod
has something to say, the packaged script does all as ever, and what it says is told as ever.
"""

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from aimager.packages.hooks import SYSTEM, Hook
from aimager.sandbox.chroot import IMAGE, Chroot
from aimager.sandbox.mounts import Bind
from aimager.sandbox.results import Results
from aimager.sandbox.tree import Tree
from aimager.system.asking import ANSWER, ASKED, answering
from aimager.system.module_index import MODULES, ModuleIndexes

NAME = "60-depmod.hook"
_COMMAND = "/usr/share/libalpm/scripts/depmod"
_PLACE = "run/known-hooks"
_SCRIPT = f"""\
{{ cat; echo; }} > /{_PLACE}/{ASKED}
exec 3< /{_PLACE}/{ANSWER}
read -r command <&3
left=$(while read -r line && [ -n "$line" ]; do printf '%s\\n' "$line"; done <&3)
exec 3<&-
[ -z "$left" ] || printf '%s\\n' "$left" | eval "$command"
"""

_EXEC = re.compile(r"^([ \t]*Exec[ \t]*=[ \t]*).*$", re.MULTILINE)
_TARGET = re.compile(rf"{MODULES}/([^/\s.-][^/\s]*)/")


@dataclass(frozen=True)
class _Script:
    """One that runs ``depmod VERSION`` for each target that is a kernel's folder with ``sign`` in
    it, and for it alone. With ``passes_below`` it does nothing for targets below such a folder."""

    sign: str
    passes_below: bool = False


_SCRIPTS = {
    # Of Arch Linux's kmod 33 and 34, and the same without its last line, an editor's.
    "18661aa40c25580f04d2ac3f32e54c2997c0994d1c829905537b413a9d291ac6": _Script("modules.order"),
    "60149f97cd139ef0f4962552d40e03b945aab8a69ffb3f9c6c7d502e11c4fe41": _Script("modules.order"),
    # Of the stand-in mirror.
    "f2cbea4a6cfbcbee950cd4528e612aeff9788586aa3ff7aca47e53dbced6c619": _Script("kernel", True),
}
"""By their SHA-256. Targets that are not a kernel's folder are left to them."""


@contextmanager
def depmod_taken_over(
    image: Chroot,
    hooks: Path,
    folders: Sequence[str],
    programs: Tree | None,
    results: Results,
    log: IO[bytes],
) -> Iterator[Chroot]:
    """While in the block, index modules ourselves; yields ``image`` as pacman is to be run on it.

    ``hooks`` gets our hook, which replaces the one in ``folders``. ``programs`` has the kmod that
    is run where the image's is called for.
    """
    own = Tree(hooks)
    hook = _hook(image.tree, folders)
    if programs is None or own.lstat(NAME) or not _is_known(hook) or not _script(image.tree):
        yield image
        return
    place = hooks.with_name("known-hooks")
    place.mkdir()
    (place / "depmod").write_text(_SCRIPT)
    own.write(NAME, _EXEC.sub(rf"\1/usr/bin/sh /{_PLACE}/depmod", hook.text))
    indexes = ModuleIndexes(image.tree, programs)
    taken = _TakenOver(image, folders, hook, indexes, results, hooks.parent, log)
    with answering(place, taken.answer):
        bind = Bind(place, IMAGE / _PLACE, read_only=True)
        yield replace(image, devices=(*image.devices, bind))
    (hooks / NAME).unlink()


def _hook(tree: Tree, folders: Sequence[str]) -> Hook:
    """The hook of the name that pacman would take, were there none of ours."""
    found = [f"{folder}/{NAME}" for folder in folders if tree.lstat(f"{folder}/{NAME}")]
    path = found[-1] if found else None
    text = tree.read_text(path) if path and tree.is_file(path) else ""
    return Hook(NAME, path, text)


def _is_known(hook: Hook) -> bool:
    """Whether it is the packaged one, and gives our script its targets, when all is installed."""
    return (
        hook.path == f"{SYSTEM}/{NAME}"
        and hook.runs == _COMMAND
        and len(_EXEC.findall(hook.text)) == 1
        and bool(re.search(r"^[ \t]*NeedsTargets\b", hook.text, re.MULTILINE))
        and bool(re.search(r"^[ \t]*When[ \t]*=[ \t]*PostTransaction\b", hook.text, re.MULTILINE))
        and not hook.aborts
    )


def _script(tree: Tree) -> _Script | None:
    if not tree.is_file(_COMMAND):
        return None
    return _SCRIPTS.get(hashlib.sha256(tree.read_bytes(_COMMAND)).hexdigest())


@dataclass(frozen=True)
class _TakenOver:
    image: Chroot
    folders: Sequence[str]
    hook: Hook
    indexes: ModuleIndexes
    results: Results
    work: Path
    log: IO[bytes]

    def answer(self, targets: Sequence[str]) -> list[str]:
        """The command that is left to be run, and those of the hook's targets that it is given."""
        hook = _hook(self.image.tree, self.folders)  # what was installed may have changed it
        if hook != self.hook or self.image.runtime.lstat("depmod.d"):
            return [hook.runs, *(targets if hook.runs else ())]
        return [hook.runs, *self._left(targets)]

    def _left(self, targets: Sequence[str]) -> list[str]:
        script = _script(self.image.tree)
        if script is None:
            return list(targets)
        found = {target: _TARGET.fullmatch(target) for target in targets}
        versions = [match[1] for match in found.values() if match]
        ready = [v for v in versions if self.image.tree.exists(f"{MODULES}/{v}/{script.sign}")]
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            done = {v for v, laid in zip(ready, pool.map(self._index, ready), strict=True) if laid}
        return [
            target
            for target, match in found.items()
            if not (match[1] in done if match else script.passes_below and _is_below(target))
        ]

    def _index(self, version: str) -> bool:
        """Index the modules of one kernel; False: that is left to depmod in the image."""
        files = self.indexes.find(version, self.results, self.work, self.image.limits, self.log)
        for name, content in (files or {}).items():
            path = f"{MODULES}/{version}/{name}"
            self.image.tree.unlink(path)
            self.image.tree.write(path, content, 0o644)
        return files is not None


def _is_below(target: str) -> bool:
    return bool(re.match(rf"{MODULES}/[^/\s]+/.", target))

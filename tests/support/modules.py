"""The files of the project, its modules, and what each imports."""

import ast
import functools
import os
from collections.abc import Iterator
from pathlib import Path

from tests.support.places import ROOT

_IGNORED = {"build", "__pycache__"}
_IGNORED_AT_THE_TOP = {"cache", "out"}
_HIDDEN_BUT_OURS = {".ci", ".github"}


def source_files() -> Iterator[Path]:
    """Every file of the project that is kept, whether git has it yet or not."""
    for folder, folders, names in os.walk(ROOT):
        ignored = _IGNORED | (_IGNORED_AT_THE_TOP if Path(folder) == ROOT else set())
        folders[:] = [
            name
            for name in folders
            if name not in ignored
            and not name.endswith(".egg-info")
            and (not name.startswith(".") or name in _HIDDEN_BUT_OURS)
        ]
        yield from (Path(folder, name) for name in names)


MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(source_files())
    if path.suffix == ".py"
    and path.relative_to(ROOT).parts[0] in {"aimager", "bench", "boards", "dodo.py"}
}
"""The files of the product's modules, by their dotted names."""


@functools.cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a Python file."""
    return ast.parse(path.read_text())


@functools.cache
def imports(name: str) -> frozenset[str]:
    """The modules that one of `MODULES` imports, by their dotted names."""
    found = set()
    for node in ast.walk(tree(MODULES[name])):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a relative import hides where it leads"
            source = node.module or ""
            submodules = {f"{source}.{alias.name}" for alias in node.names}
            found |= (submodules & MODULES.keys()) or {source}
    return frozenset(found)

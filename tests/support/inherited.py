"""Functions that run inside a namespace, and tell what they have from their builder."""

import io
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from aimager.sandbox import borrowed_root as borrow
from aimager.sandbox import kept_tmpfs as memory_trees
from tests.support.namespaced import forbid, names


@dataclass(frozen=True)
class Shelved:
    """Names of trees to use one after the other, a system call to refuse, and how to end."""

    names: tuple[str, ...]
    forbidden: int = 0
    killed: bool = False


def use_trees(request: Shelved) -> list[str]:
    """What lies in each tree before its own name is added there."""
    if request.forbidden:
        forbid(request.forbidden)
    found = []
    for name in request.names:
        place = Path("/run/trees") / name
        was_there = memory_trees.mount_tree(name, place, size=1 << 20)
        found.append(" ".join(names(place)))
        (place / f"{name}-{len(names(place))}").write_text("content")
        if request.killed:
            os._exit(9)
        if not was_there:
            memory_trees.keep_tree(name, place)
    return found


@dataclass(frozen=True)
class Lending:
    """An archive of programs, and the folder of the call."""

    archive: Path
    work: Path


def lend_programs(lending: Lending) -> None:
    """Lend a tree with one program as what the archive holds."""
    tree = Path("/run/made")
    memory_trees.mount_new(tree, size=1 << 20)
    (tree / "program").write_text("content")
    borrow.lend(tree, lending.archive)


def see_programs(lending: Lending) -> list[str]:
    """The programs that a toolbox by the archive has."""
    tools = borrow.open_toolbox(lending.archive, lending.work, io.BytesIO())
    assert tools.borrowed
    return [name for name in names(tools.borrowed) if name == "program"]


@dataclass(frozen=True)
class Seen:
    """What a worker has from its builder, and its arguments as ps(1) shows them."""

    epoch: str
    directory: Path
    arguments: tuple[str, ...]


def tell_inherited(word: str) -> Seen:
    """Say ``word`` on both standard streams, and tell what was inherited."""
    print(f"out {word}", flush=True)
    print(f"error {word}", file=sys.stderr, flush=True)
    words = Path("/proc/self/cmdline").read_text().rstrip("\0").split("\0")
    return Seen(os.environ.get("SOURCE_DATE_EPOCH", ""), Path.cwd(), tuple(words))

"""The users and groups that an image has, as its passwd(5) and group(5) tell."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

from aimager.sandbox.tree import Tree
from aimager.units import decimal

_DIGITS = 10


@dataclass(frozen=True)
class Account:
    """A user of an image, by the numbers that its files have; an empty ``shell`` is /bin/sh."""

    name: str
    user: int
    group: int
    home: str
    shell: str


def read_accounts(tree: Tree) -> tuple[Account, ...]:
    """The users of the image in ``tree``, in their order; what is no line of passwd(5) is none."""
    return tuple(
        Account(fields[0], int(fields[2]), int(fields[3]), *fields[5:7])
        for fields in _fields(tree, "etc/passwd", least=4, count=7)
        if _is_number(fields[2]) and _is_number(fields[3])
    )


def read_passwords(tree: Tree) -> dict[str, tuple[str, int | None]]:
    """The password of each user of the image, as it is kept (shadow(5)), with its account's end.

    That is in days since 1970; None: it has none. Where passwd(5) has a password, that counts.
    """
    kept = {}
    for name, hashed, *others in _fields(tree, "etc/shadow", least=2, count=9):
        kept[name] = (hashed, decimal(others[5], _DIGITS))
    for name, hashed, *_ in _fields(tree, "etc/passwd", least=2, count=7):
        if hashed != "x":
            kept[name] = (hashed, kept.get(name, ("", None))[1])
    return kept


def find_home(tree: Tree, path: str) -> Account | None:
    """The user of the innermost home that a folder is, or lies in, wherever links lead.

    A home is what a user has as such and owns: many a system user has one that is root's.
    """
    homes = [(it, tree.stat(it.home)) for it in read_accounts(tree) if it.home.strip("/")]
    for status in _above(tree, path):
        for account, home in homes:
            if home and os.path.samestat(home, status) and account.user == status.st_uid:
                return account
    return None


def _above(tree: Tree, path: str) -> Iterator[os.stat_result]:
    """The folder that a path leads to, and those that it lies in, up to the tree's top."""
    with tree.folder("") as top, tree.folder(path) as start:
        at = os.dup(start)
        try:
            while not os.path.samestat(status := os.fstat(at), os.fstat(top)):
                yield status
                above = os.open("..", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=at)
                os.close(at)
                at = above
        finally:
            os.close(at)


def read_groups(tree: Tree) -> dict[str, int]:
    """The groups of the image in ``tree``, with their numbers."""
    lines = _fields(tree, "etc/group", least=3, count=4)
    return {fields[0]: int(fields[2]) for fields in lines if _is_number(fields[2])}


def _is_number(text: str) -> bool:
    """Whether it is one of 32 bits or little more: the C library passes over lines with others."""
    return decimal(text, _DIGITS) is not None


def _fields(tree: Tree, path: str, *, least: int, count: int) -> Iterator[list[str]]:
    """The first ``count`` fields of each line that has enough of them; others are empty."""
    for line in tree.read_text(path).split("\n") if tree.is_file(path) else ():
        fields = line.split(":")
        if len(fields) >= least:
            yield [*fields, *[""] * count][:count]

"""Who can log in to an image: by a password, by an ssh key, or at once."""

import re
from collections.abc import Iterator

from aimager.sandbox.accounts import Account, read_accounts, read_passwords
from aimager.sandbox.drop_ins import drop_ins
from aimager.sandbox.tree import Tree

_UNITS = ("usr/lib/systemd/system", "etc/systemd/system")
_AUTOLOGIN = re.compile(r"^ExecStart=.*agetty.*\s(?:--autologin[ =]|-a ?)(\S+)", re.MULTILINE)
_SSH_SERVERS = ("sshd*", "dropbear*", "tinyssh*")
_KEYS = ("authorized_keys", "authorized_keys2")
_NO_SHELLS = ("nologin", "false", "true")
_HASH = re.compile(r"\$[0-9a-z]+\$.+|_[./0-9A-Za-z]{19}|[./0-9A-Za-z]{13}")
"""What crypt(5) makes; anything else no password fits (shadow(5))."""
_DAY = 86400


def find_logins(tree: Tree, epoch: int) -> tuple[str, ...]:
    """The users of the image in ``tree`` that can log in at ``epoch``, in seconds, sorted.

    That is who has a shell, and a password (an empty one counts), or a key that an enabled ssh
    server takes, or whom a terminal logs in by itself. What other services let in is not known.
    """
    accounts = [it for it in read_accounts(tree) if _has_shell(tree, it)]
    valid = set(_by_password(tree, epoch))
    if serves_ssh(tree):
        valid |= {it.name for it in accounts if _has_key(tree, it)}
    valid |= set(_at_once(tree))
    return tuple(sorted({it.name for it in accounts} & valid))


def serves_ssh(tree: Tree) -> bool:
    """Whether an ssh server is enabled in it."""
    return any(tree.glob(f"{unit}/*.wants/{name}") for unit in _UNITS for name in _SSH_SERVERS)


def _has_shell(tree: Tree, account: Account) -> bool:
    shell = account.shell or "/bin/sh"
    return tree.is_file(shell) and shell.rpartition("/")[2] not in _NO_SHELLS


def _by_password(tree: Tree, epoch: int) -> Iterator[str]:
    for name, (hashed, expires) in read_passwords(tree).items():
        is_over = expires is not None and expires * _DAY <= epoch
        if not is_over and (not hashed or _HASH.fullmatch(hashed)):
            yield name


def _has_key(tree: Tree, account: Account) -> bool:
    files = [f"{account.home}/.ssh/{name}" for name in _KEYS]
    texts = (tree.read_text(path) for path in files if tree.is_file(path))
    lines = (line.strip() for text in texts for line in text.split("\n"))
    return any(line and not line.startswith("#") for line in lines)


def _at_once(tree: Tree) -> Iterator[str]:
    for path in drop_ins(tree, _UNITS, "*getty@*.service.d/*.conf"):
        yield from _AUTOLOGIN.findall(tree.read_text(path))

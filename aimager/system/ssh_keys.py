"""Keys by which users log in over ssh, where sshd looks for them and takes them."""

import os
import stat
from collections.abc import Sequence

from aimager.errors import ConfigError
from aimager.model.settings import AddedFile, AuthorizedKeys
from aimager.sandbox.accounts import Account, read_accounts
from aimager.sandbox.tree import Tree
from aimager.system.ownership import Ownership

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_PRIVATE_FOLDER, _PRIVATE_FILE = 0o700, 0o600


def lay_ssh_keys(tree: Tree, keys: Sequence[AuthorizedKeys]) -> None:
    """Add ``keys`` to those that users of the image in ``tree`` have.

    The file and its folder are the user's and private, which is what StrictModes of
    sshd_config(5) wants; the home above them has to be so that others cannot write there.

    :raises ConfigError: for a user that the image does not have, or whose home cannot have keys
    :raises HostError: when this machine lacks the id of a user
    """
    accounts = {account.name: account for account in read_accounts(tree)}
    for entry in keys:
        account = accounts.get(entry.user)
        if account is None:
            raise ConfigError(
                f"ssh-keys= names the user {entry.user}, who is not in the image",
                hint=f"useradd='-m {entry.user}' adds the user",
            )
        _check_home(tree, account)
        folder = f"{account.home}/.ssh"
        path = f"{folder}/authorized_keys"
        there = tree.read_text(path).splitlines() if tree.is_file(path) else []
        lines = dict.fromkeys((*there, *entry.lines))
        text = "".join(f"{line}\n" for line in lines)
        file = AddedFile(path, text, _PRIVATE_FILE, f"{account.user}:{account.group}")
        Ownership(tree, "ssh-keys=").make_empty(file)
        tree.write(path, text, _PRIVATE_FILE)
        with tree.folder(folder) as descriptor:  # which a skeleton may have brought
            os.fchown(descriptor, account.user, account.group)
            os.fchmod(descriptor, _PRIVATE_FOLDER)


def _check_home(tree: Tree, account: Account) -> None:
    """Refuse a home in which sshd would take no keys.

    :raises ConfigError: then
    """
    status = tree.stat(account.home)
    if not account.home.strip("/"):
        fault = "is that of the whole system"
    elif status is None:
        return
    elif status.st_uid not in (0, account.user):
        fault = "is another user's"
    elif status.st_mode & _OTHERS_WRITE:
        fault = "can be written to by others"
    else:
        return
    raise ConfigError(
        f"sshd would take no keys of the user {account.name}, whose home {account.home or '/'}"
        f" {fault}",
        hint="give the keys to another user, whom useradd= can add",
    )

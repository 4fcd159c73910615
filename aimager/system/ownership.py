"""Whose a file becomes that is added to an image: who is named, or whose home it lies in."""

import os
from pathlib import PurePosixPath

from aimager.errors import ConfigError
from aimager.model.settings import AddedFile, is_id
from aimager.sandbox.accounts import Account, find_home, read_accounts, read_groups
from aimager.sandbox.owners import held_ids, refuse_owner
from aimager.sandbox.tree import Tree

_PRIVATE, _PUBLIC = 0o700, 0o755

Owner = tuple[int, int]
"""The numbers of a user and of a group."""


class Ownership:
    """Who owns what is added to the image in ``tree``, by the accounts that it has now.

    ``variable`` is what asks for it.
    """

    def __init__(self, tree: Tree, variable: str = "files=") -> None:
        self._tree = tree
        self._variable = variable
        self._accounts = read_accounts(tree)

    def make_empty(self, file: AddedFile) -> None:
        """Put an empty file there, of the owner that it is to have, and make its folders.

        That is its own ``owner``, else the user in whose home its folder lies, else root.

        :raises ConfigError: for a user or group that the image does not have
        :raises HostError: when this machine lacks the id of an owner
        """
        self._make_folders(file.path)
        path, owner = PurePosixPath(file.path), self._of(file)
        self._tree.unlink(file.path)
        self._tree.write(file.path, b"", 0o600)
        if owner:
            refuse_owner(str(path), *owner, held_ids(), f" of {self._variable}")
            with self._tree.folder(path.parent) as folder:
                os.chown(path.name, *owner, dir_fd=folder, follow_symlinks=False)

    def _of(self, file: AddedFile) -> Owner | None:
        """None stands for root, who owns whatever is made here."""
        if file.owner:
            return self._named(file)
        account = find_home(self._tree, str(PurePosixPath(file.path).parent))
        return (account.user, account.group) if account else None

    def _make_folders(self, path: str) -> None:
        """Make the folders that ``path`` lies in; those in a home are its user's, and private."""
        for folder in reversed(PurePosixPath(path).parents[:-1]):
            name = str(folder)
            if self._tree.is_dir(name):
                continue
            account = self._whose_home(name) or find_home(self._tree, str(folder.parent))
            self._tree.mkdir(name, _PRIVATE if account else _PUBLIC)
            if account:
                with self._tree.folder(name) as descriptor:
                    os.fchown(descriptor, account.user, account.group)

    def _whose_home(self, folder: str) -> Account | None:
        """The user whose home a folder is to be that does not exist: useradd(8) without ``-m``."""
        homes = ((account, PurePosixPath(account.home)) for account in self._accounts)
        return next((account for account, home in homes if str(home) == folder), None)

    def _named(self, file: AddedFile) -> Owner:
        user, _, group = file.owner.partition(":")
        number = {account.name: account.user for account in self._accounts}.get(user)
        if number is None:
            number = _number(file, "user", user)
        primary = next((a.group for a in self._accounts if a.user == number), 0)
        if not group:
            return number, primary
        known = read_groups(self._tree)
        return number, known[group] if group in known else _number(file, "group", group)


def _number(file: AddedFile, kind: str, name: str) -> int:
    if is_id(name):
        return int(name)
    raise ConfigError(
        f"files= gives {file.path} to the {kind} {name}, which the image does not have",
        hint="useradd= adds a user with a group of that name; or write the number",
    )

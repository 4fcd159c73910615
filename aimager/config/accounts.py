"""Reading what users write of an image's users, groups and passwords. Pure."""

import re
import shlex
from collections.abc import Iterable, Sequence

from aimager.config.parse import split_list
from aimager.errors import ConfigError
from aimager.model.settings import Password, User

# Options of useradd(8) that take an argument, which may hold commas.
_USERADD_TAKES_ARGUMENT = frozenset(
    f"{dashes}{option}"
    for dashes, options in (
        ("-", "bcdefgGkKpsuZ"),
        (
            "--",
            (
                *("base-dir", "comment", "home-dir", "expiredate", "inactive", "gid", "groups"),
                *("skel", "key", "password", "shell", "uid", "selinux-user"),
            ),
        ),
    )
    for option in options
)

_NAME = re.compile(r"[a-z_][a-z0-9_-]*\$?")
_HASH = re.compile(r"\$(1|2[abxy]|5|6|7|y|gy)\$[./A-Za-z0-9$=,]{22,}")
"""What crypt(5) makes; a password in clear does not look like this unless somebody wants it to."""


def read_users(text: str) -> tuple[User, ...]:
    """Raw arguments of useradd(8) for one user or, separated by commas, several.

    A comma inside an option's argument (``-G wheel,video``) separates nothing.

    :raises ConfigError: for an unfinished quotation or a user without a login name
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ConfigError(f"useradd={text}: {error}", hint="close the quotation") from error
    users: list[User] = []
    arguments: list[str] = []
    is_argument = False
    for word in words:
        if is_argument or word.startswith("-"):
            arguments.append(word)
            is_argument = not is_argument and _takes_argument(word)
            continue
        for name in word.split(","):
            if name.startswith("-"):  # "alice,-m bob": the comma ended a user
                arguments.append(name)
                is_argument = _takes_argument(name)
            elif name:
                if not _NAME.fullmatch(name):
                    raise ConfigError(
                        f"useradd={text}: {name} is not a valid login name",
                        hint="write what useradd takes, the login name last: -m -G wheel alice",
                    )
                users.append(User((*arguments, name)))
                arguments = []
    if arguments:
        raise ConfigError(
            f"useradd={text}: the login name is missing after {shlex.join(arguments)}",
            hint="write what useradd takes, the login name last: -m -G wheel alice",
        )
    return tuple(users)


def _takes_argument(option: str) -> bool:
    """Whether the next word is this option's argument: -G's, and that of -mG, but not of -Gm."""
    if option.startswith("--"):
        return option in _USERADD_TAKES_ARGUMENT
    takes = [f"-{letter}" in _USERADD_TAKES_ARGUMENT for letter in option[1:]]
    return True in takes and takes.index(True) == len(takes) - 1


def separate_passwords(users: Sequence[User]) -> tuple[tuple[User, ...], tuple[Password, ...]]:
    """Users without useradd's ``-p``, and its hashes, because arguments show in lists of processes.

    Of several hashes useradd(8) takes the last.
    """
    kept, passwords = [], []
    for user in users:
        arguments, hashes = _separate(user.arguments)
        kept.append(User(arguments))
        passwords += [Password(user.name, hashed, is_hashed=True) for hashed in hashes[-1:]]
    return tuple(kept), tuple(passwords)


def _separate(arguments: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    kept: list[str] = []
    hashes: list[str] = []
    is_argument = is_secret = False
    for word in arguments:
        if is_argument:
            is_argument = False
            (hashes if is_secret else kept).append(word)
            continue
        is_argument = word.startswith("-") and _takes_argument(word)
        option, equals, value = word.partition("=")
        if word.startswith("-") and not word.startswith("--"):
            takes = [i for i in range(1, len(word)) if f"-{word[i]}" in _USERADD_TAKES_ARGUMENT]
            is_secret = bool(takes) and word[takes[0]] == "p"
            option, equals, value = word, "", ""
            if is_secret:
                option, value = word[: takes[0]].rstrip("-"), word[takes[0] + 1 :]
        else:
            # useradd takes the beginning of a long option for the whole, where it is the only one.
            is_secret = len(option) > 3 and "--password".startswith(option)
            option = "" if is_secret else word
        kept += [option] if option else []
        hashes += [value] if is_secret and (value or equals) else []
    return tuple(kept), hashes


def read_passwords(text: str) -> tuple[Password, ...]:
    """``USER:PASSWORD`` or, separated by commas or in lines, several.

    A password may contain commas. What looks like a hash (crypt(5)) is taken as one, as
    ``chpasswd -e`` does.

    :raises ConfigError: when the colon is missing; the message does not repeat the text
    """
    return read_password_lines(re.split(r"[,\n](?=[a-z_][a-z0-9_-]*:)", text.strip()))


def read_password_lines(lines: Iterable[str]) -> tuple[Password, ...]:
    """``USER:PASSWORD`` of each line, as `read_passwords` takes it.

    :raises ConfigError: when the colon is missing; the message does not repeat the text
    """
    passwords = []
    for line in lines:
        user, colon, password = line.partition(":")
        if not (colon and password and _NAME.fullmatch(user)) or "\n" in password:
            raise ConfigError(
                "chpasswd= is not of the form USER:PASSWORD",
                hint="write it as alice:PASSWORD, several separated by commas, or @FILE",
            )
        passwords.append(Password(user, password, bool(_HASH.fullmatch(password))))
    return tuple(passwords)


def read_groups(text: str) -> tuple[str, ...]:
    """Names of groups.

    :raises ConfigError: for what cannot be one
    """
    groups = split_list(text)
    for group in groups:
        if not _NAME.fullmatch(group):
            raise ConfigError(
                f"sudo-group={group} is not a valid group name",
                hint="write it as wheel, or wheel,admin",
            )
    return groups

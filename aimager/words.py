"""Reading the values that users write: lists, users, passwords, sizes. Pure."""

import re
import shlex

from aimager.errors import ConfigError
from aimager.setup import Password, User

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
_HOST_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_LOCALE = re.compile(r"[a-z]{2,3}(_[A-Z]{2})?(\.[A-Za-z0-9-]+)?(@[a-z]+)?|C\.UTF-8|POSIX")
_PACKAGE = re.compile(r"[A-Za-z0-9@_+][A-Za-z0-9@._+-]*")
_SIZE = re.compile(r"(\d+)\s*([KMGT]?)(i?B)?", re.IGNORECASE)
_LARGEST = 16 << 40
_FINGERPRINT = re.compile(r"[0-9A-F]{40}([0-9A-F]{24})?")


def split_list(text: str) -> tuple[str, ...]:
    """The values between commas, each once, without the blanks around them."""
    return tuple(dict.fromkeys(word for part in text.split(",") if (word := part.strip())))


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
                        f"useradd={text}: {name} is no login name",
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


def read_passwords(text: str) -> tuple[Password, ...]:
    """``USER:PASSWORD`` or, separated by commas, several; a password may hold commas itself.

    :raises ConfigError: when the colon is missing; the message does not repeat the text
    """
    passwords = []
    for line in re.split(r"[,\n](?=[a-z_][a-z0-9_-]*:)", text.strip()):
        user, colon, password = line.partition(":")
        if not (colon and password and _NAME.fullmatch(user)):
            raise ConfigError("chpasswd= is not of the form USER:PASSWORD")
        passwords.append(Password(user, password))
    return tuple(passwords)


def read_hostname(text: str) -> str:
    """A host name as hostname(7) allows it.

    :raises ConfigError: for any other
    """
    if len(text) > 64 or not all(_HOST_LABEL.fullmatch(label) for label in text.split(".")):
        raise ConfigError(
            f"hostname={text} is no host name",
            hint="use letters, digits and dashes, at most 64, no dash at either end",
        )
    return text


def read_locales(text: str) -> tuple[str, ...]:
    """Names of locales, as in /etc/locale.gen.

    :raises ConfigError: for what cannot be one
    """
    locales = split_list(text)
    for locale in locales:
        if not _LOCALE.fullmatch(locale):
            raise ConfigError(f"locales={locale} is no locale", hint="write it as de_DE.UTF-8")
    if not locales:
        raise ConfigError("locales= is empty", hint="leave it out for en_US.UTF-8")
    return locales


def read_packages(text: str, *, variable: str) -> tuple[str, ...]:
    """Names of packages.

    :raises ConfigError: for what pacman would take for an option or a path
    """
    packages = split_list(text)
    for package in packages:
        if not _PACKAGE.fullmatch(package):
            raise ConfigError(f"{variable}={package} is no package name")
    return packages


def read_groups(text: str) -> tuple[str, ...]:
    """Names of groups.

    :raises ConfigError: for what cannot be one
    """
    groups = split_list(text)
    for group in groups:
        if not _NAME.fullmatch(group):
            raise ConfigError(f"sudo-group={group} is no group name")
    return groups


def read_fingerprints(text: str) -> tuple[str, ...]:
    """Fingerprints of OpenPGP keys, in capitals and without blanks.

    :raises ConfigError: for anything else, key ids among it: those can be forged
    """
    fingerprints = tuple(f.replace(" ", "").upper() for f in split_list(text))
    for fingerprint in fingerprints:
        if not _FINGERPRINT.fullmatch(fingerprint):
            raise ConfigError(
                f"trust-key={fingerprint} is no fingerprint",
                hint="give all of its 40 hexadecimal digits: gpg --fingerprint KEY",
            )
    return fingerprints


def read_size(text: str, *, variable: str) -> int:
    """A size in bytes from a number with an optional K, M, G or T, all powers of 1024.

    :raises ConfigError: for anything else
    """
    match = _SIZE.fullmatch(text.strip())
    if not match or not int(match[1]):
        raise ConfigError(f"{variable}={text} is no size", hint="write it as 8GiB or 900M")
    size = int(match[1]) << 10 * " KMGT".index(match[2].upper() or " ")
    if size > _LARGEST:
        raise ConfigError(f"{variable}={text} is too large", hint="ext4 takes at most 16 TiB")
    return size


def read_yes(text: str, *, variable: str) -> bool:
    """``yes`` or ``no``.

    :raises ConfigError: for anything else
    """
    if text not in ("yes", "no"):
        raise ConfigError(f"{variable}={text} is neither yes nor no")
    return text == "yes"

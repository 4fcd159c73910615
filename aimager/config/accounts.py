"""Reading what users write of an image's users, groups and passwords. Pure."""

import re
import shlex
from collections.abc import Iterable, Sequence

from aimager.config.parse import split_list
from aimager.errors import ConfigError
from aimager.model.settings import Password, User, is_id

_SHORT_WITH_ARGUMENT = frozenset("bcdefgGkKpsuZ")
"""The letters of useradd(8) that take an argument, which may hold commas."""

_LONG_WITH_ARGUMENT = (
    *("base-dir", "comment", "home-dir", "expiredate", "inactive", "gid", "groups", "skel"),
    *("key", "password", "shell", "uid", "selinux-user"),
)

_NO_NAME = r"(?!(?:\.{1,2}|[0-9]+)(?::|$))"
_NAME = re.compile(_NO_NAME + r"[A-Za-z0-9_.][A-Za-z0-9_.-]*\$?")
"""What useradd(8) and groupadd(8) take since shadow 4.13 (is_valid_name of its lib/chkname.c)."""
_BAD_NAME = re.compile(_NO_NAME + r"(?!-)[^\s\"#',/:;\x00-\x1f\x7f]+")
"""What they take with --badname, since shadow 4.17."""
_BADNAME = re.compile(r"--bad(n(a(me?)?)?)?")
_AFTER_A_COMMA = re.compile(rf"[,\n](?={_NAME.pattern}:)")

_NAME_HINT = (
    "a name has letters, digits and . _ - but not digits alone, and stands last: -m -G wheel alice"
)
_MISSING_HINT = "write what useradd takes, the login name last: -m -G wheel alice"

_HASH = re.compile(r"\$(1|2[abxy]|5|6|7|y|gy)\$[./A-Za-z0-9$=,]{22,}")
"""What crypt(5) makes; a password in clear does not look like this unless somebody wants it to."""
_RAW_WORD = re.compile(r"""(?:'[^']*'?|"(?:\\.|[^"\\])*"?|\\.|[^\s'"\\]|\\)+""", re.DOTALL)
"""A word as a shell takes it, also where a quotation has no end."""
_QUOTES = re.compile(r"['\"\\]")
_LOCKED = re.compile(r"[!*]+|\*[A-Z]{2}\*")
"""What no password hashes to (shadow(5)); ``*LK*`` and ``*NP*`` are Solaris's."""


def read_users(text: str) -> tuple[User, ...]:
    """Raw arguments of useradd(8) for one user or, separated by commas, several.

    A comma inside an option's argument (``-G wheel,video``) separates nothing.

    :raises ConfigError: for an unfinished quotation or a user without a login name
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ConfigError(f"useradd={_shown(text)}: {error}", hint="close the quotation") from error
    users: list[User] = []
    arguments: list[str] = []
    is_argument = False
    for word in words:
        if is_argument:
            arguments.append(word)
            is_argument = False
            continue
        for part in _parts(word):
            if part.startswith("-"):
                arguments.append(part)
                is_argument = _takes_next(part)
            elif part:
                users.append(User((*arguments, _checked_name(part, arguments, text))))
                arguments = []
    if arguments:
        raise ConfigError(
            f"useradd={_shown(text)}: the login name is missing after"
            f" {_shown(shlex.join(arguments))}",
            hint=_MISSING_HINT,
        )
    return tuple(users)


def _checked_name(name: str, arguments: Sequence[str], text: str) -> str:
    allowed = _BAD_NAME if any(map(_BADNAME.fullmatch, arguments)) else _NAME
    if allowed.fullmatch(name):
        return name
    if any(_password_at(argument) is not None for argument in arguments):
        raise ConfigError(
            f"useradd={_shown(text)}: what stands for the login name is not valid, and may belong"
            " to the password before it",
            hint="put what -p takes in quotes, and write the login name last",
        )
    raise ConfigError(
        f"useradd={_shown(text)}: {_HASH.sub('...', name)} is not a valid login name",
        hint=_NAME_HINT,
    )


def _parts(word: str) -> list[str]:
    """The names and options that commas separate in a word; those of arguments do not."""
    parts: list[str] = []
    rest = word
    while rest:
        if rest.startswith("-") and (not parts or _argument_at(rest) is not None):
            return [*parts, rest]
        part, _, rest = rest.partition(",")
        parts.append(part)
    return parts


def _shown(text: str) -> str:
    """What was written for useradd, without hashes, up to the first password of a -p."""
    is_argument = False
    for raw in _RAW_WORD.finditer(text):
        if is_argument:
            is_argument = False
            continue
        parts = _parts(_QUOTES.sub("", raw[0]))
        for number, part in enumerate(parts):
            at = _password_at(part)
            if at is None:
                is_argument = part.startswith("-") and _takes_next(part)
                continue
            before = ",".join((*parts[:number], part[:at]))
            blank = " " if _takes_next(part) else ""
            return _HASH.sub("...", f"{text[: raw.start()]}{before}{blank}...")
    return _HASH.sub("...", text)


def _argument_at(option: str) -> int | None:
    """Where in a word of options the argument of one begins: at its end, if the next word is it.

    None: no option in it takes one. Of letters it is the first that does: that of -mGp is p.
    """
    if not option.startswith("--"):
        takes = (i for i, letter in enumerate(option) if i and letter in _SHORT_WITH_ARGUMENT)
        first = next(takes, None)
        return None if first is None else first + 1
    name, equals, _ = option.partition("=")
    # The beginning of one is enough, where no other begins so: from two letters on. That of the
    # password is always taken for it, so that none stands anywhere it could be read.
    is_one = any(f"--{o}".startswith(name) for o in _LONG_WITH_ARGUMENT)
    if is_one and (len(name) > 3 or name == "--p"):
        return len(name) + len(equals)
    return None


def _takes_next(option: str) -> bool:
    """Whether the next word is this option's argument: -G's, and that of -mG, but not of -Gm."""
    return _argument_at(option) == len(option) and not (option[:2] == "--" and "=" in option)


def _password_at(option: str) -> int | None:
    """Where in a word of options the argument of ``-p`` begins, as of `_argument_at`; or None."""
    at = _argument_at(option) if option.startswith("-") else None
    if at is None:
        return None
    name = option.partition("=")[0] if option.startswith("--") else option[at - 1]
    return at if name == "p" or "--password".startswith(name) else None


def holds_password(text: str) -> bool:
    """Whether arguments of useradd(8), as `read_users` reads them, have a password."""
    return bool(separate_passwords(read_users(text))[1])


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
    target: list[str] | None = None  # where the argument goes that a word is
    for word in arguments:
        if target is not None:
            target.append(word)
            target = None
            continue
        at = _password_at(word)
        is_next = word.startswith("-") and _takes_next(word)
        target = (kept if at is None else hashes) if is_next else None
        if at is None:
            kept.append(word)
            continue
        others = "" if word.startswith("--") else word[: at - 1].rstrip("-")
        kept += [others] if others else []
        hashes += [] if is_next else [word[at:]]
    return tuple(kept), hashes


def check_hashes(passwords: Iterable[Password]) -> tuple[Password, ...]:
    """The passwords of useradd's ``-p``, each as /etc/shadow holds it; empty ones need none.

    :raises ConfigError: for a password in clear, which nobody could log in with; the message does
        not repeat it
    """
    checked = []
    for entry in passwords:
        found = _as_in_shadow(entry.user, entry.password) if entry.password else entry
        if found is None:
            raise ConfigError(
                f"useradd= has for {entry.user} a -p that is not a hash of crypt(5), so that no"
                " password would fit it",
                hint=f"chpasswd={entry.user}:PASSWORD takes it in clear; openssl passwd -6 hashes",
            )
        checked.append(found)
    return tuple(checked)


def read_passwords(text: str) -> tuple[Password, ...]:
    """``USER:PASSWORD`` or, separated by commas or in lines, several.

    A password may contain commas. What looks like a hash (crypt(5)) is taken as one, as
    ``chpasswd -e`` does, and what locks a password in /etc/shadow (shadow(5)) locks it.

    :raises ConfigError: when the colon is missing, or what follows could be a lock as well as a
        password; the message does not repeat the text
    """
    entries = _AFTER_A_COMMA.split(text.strip().replace("\r\n", "\n"))
    return read_password_lines(entries)


def read_password_lines(lines: Iterable[str]) -> tuple[Password, ...]:
    """``USER:PASSWORD`` of each line, as `read_passwords` takes it.

    :raises ConfigError: as `read_passwords`
    """
    passwords = []
    for line in lines:
        user, colon, password = line.partition(":")
        if not (colon and password and is_login_name(user)) or "\n" in password:
            raise ConfigError(
                "chpasswd= is not of the form USER:PASSWORD",
                hint="write it as alice:PASSWORD, several separated by commas, or @FILE",
            )
        passwords.append(_read_password(user, password))
    return tuple(passwords)


def _read_password(user: str, text: str) -> Password:
    if found := _as_in_shadow(user, text):
        return found
    if text[0] in "!*":
        raise ConfigError(
            f"chpasswd= has for {user} what begins with {text[0]}, as a locked password does in"
            " /etc/shadow, but is not one",
            hint=f"{user}:! locks it; if it is the password, give its hash: openssl passwd -6",
        )
    return Password(user, text)


def _as_in_shadow(user: str, text: str) -> Password | None:
    """The password that ``text`` is in /etc/shadow, locked or hashed; None: it is in clear.

    Locks are written as chpasswd(8) takes them since shadow 4.19 (is_valid_hash of its
    lib/chkhash.c): ``!``, ``*``, or ``!`` before a hash, which usermod -U unlocks.
    """
    if _LOCKED.fullmatch(text):
        return Password(user, text[0], is_hashed=True)
    hashed = text.lstrip("!*")
    if not _HASH.fullmatch(hashed):
        return None
    return Password(user, hashed if hashed == text else f"!{hashed}", is_hashed=True)


def is_owner(text: str) -> bool:
    """Whether ``text`` is ``USER`` or ``USER:GROUP``, each a name or a number (chown(1))."""
    names = text.split(":")
    return len(names) <= 2 and all(is_id(name) or _NAME.fullmatch(name) for name in names)


def is_login_name(text: str) -> bool:
    """Whether a user can have this name, perhaps only with useradd's --badname."""
    return bool(_BAD_NAME.fullmatch(text))


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

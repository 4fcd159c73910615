"""Text from outside as it may be shown: on a terminal, in a line of a log, in a message.

What databases, mirrors, packages and keys say can hold anything: what moves a terminal's cursor or
writes its clipboard, what turns the order of letters round, line ends that begin a line of ours.
"""

import re

_INDENT = "    "
"""What a message's further lines begin with: the last words of a program."""

_LONGEST = 2000
"""Characters of a line: a screen full."""

_FURTHER = 4000
"""Characters of a message's further lines together: the last words of a program."""
_SHORTEST = 80

_CREDENTIALS = re.compile(r"(://)[^\s/?#]*@")
"""In an address (RFC 3986 3.2.1). A user's name alone may be a token, as GitHub's are."""

_UNUSUAL = re.compile(r"[^\t\x20-\x7e]")


def shown(text: str) -> str:
    r"""``text`` in one line, with escapes such as ``\x1b`` for all that is not to be seen.

    These are control characters but the tab, line ends among them, those that format (Unicode's
    Cf, such as the overrides of direction), bytes that were no UTF-8 (lone surrogates) and what
    Python's Unicode does not know. Escaping what is escaped changes nothing.
    """
    return _UNUSUAL.sub(_escape, text)


def shown_lines(text: str) -> str:
    """The same of a message, whose further lines are kept where they are indented by four.

    Others become part of the line before: none can be taken for a line of ours. Lines that are too
    long are cut, and so are the further ones where they are too much together.
    """
    first, *further = (_cut(shown(line), _LONGEST) for line in text.split(f"\n{_INDENT}"))
    if sum(map(len, further)) > _FURTHER:
        further = [_cut(line, max(_FURTHER // len(further), _SHORTEST)) for line in further]
    return f"\n{_INDENT}".join((first, *further))


def _cut(line: str, longest: int) -> str:
    return line if len(line) <= longest else f"{line[: longest - 4]} ..."


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if character.isprintable() or character in "\u00a0\u3000":  # spaces of other scripts
        return character
    return character.encode("unicode_escape").decode()


def without_passwords(text: str) -> str:
    """``text`` with stars in the place of the users and passwords that addresses in it hold."""
    return _CREDENTIALS.sub(r"\1***@", text)


def without_credentials(url: str) -> str:
    """The address without the user and password that it may hold."""
    return _CREDENTIALS.sub(r"\1", url, count=1)

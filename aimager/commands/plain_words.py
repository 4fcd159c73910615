"""The words of a command line in the one form in which variables are known here: ``NAME=VALUE``."""

from collections.abc import Iterable

from aimager.config.variables import VARIABLES
from aimager.errors import ConfigError

FIRST_STEPS = """\
doit build board=x64-uefi distro=archlinux   builds an image; doit boards lists the machines
    useradd='-m -G wheel alice' chpasswd=alice:PASSWORD   lets somebody log in to it
doit why board=x64-uefi distro=archlinux     says what that would do, and does nothing
doit doctor                                  says what this machine lacks for builds
doit list, doit variables                    tell all that can be done, and how"""
"""What is shown to whom types nothing."""


def plain_words(words: Iterable[str]) -> list[str]:
    """The same words, with variables written as ``--NAME VALUE`` or ``--NAME=VALUE`` as the others.

    An empty word is nothing, but a value may be empty. The names are those of variables alone: what
    else has dashes is doit's, or one of its tasks'.

    :raises ConfigError: when the value of one is missing
    """
    plain: list[str] = []
    waiting = ""
    for word in words:
        name, equals, _ = word.removeprefix("--").partition("=")
        is_variable = word.startswith("--") and any(v.matches(name) for v in VARIABLES)
        if waiting and is_variable:
            break
        if waiting:
            plain.append(f"{waiting}={word}")
            waiting = ""
        elif is_variable and not equals:
            waiting = name
        elif word:
            plain.append(word[2:] if is_variable else word)
    if waiting:
        raise ConfigError(
            f"--{waiting} has no value", hint=f"write it as --{waiting}=VALUE, or {waiting}=VALUE"
        )
    return plain

"""Reading where a machine is: its time zone, and the keyboard of its console. Pure."""

import re

from aimager.errors import ConfigError

_ZONE = re.compile(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+){0,2}")
_KEYMAP = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")


def read_timezone(text: str) -> str:
    """The name of a time zone, as tzdata has it.

    :raises ConfigError: for what cannot be one
    """
    if text and not _ZONE.fullmatch(text):
        raise ConfigError(
            f"timezone={text} is not a valid time zone", hint="write it as Europe/Berlin, or UTC"
        )
    return text


def read_keymap(text: str) -> str:
    """The name of a console's keymap, as the package kbd has it.

    :raises ConfigError: for what cannot be one
    """
    if text and not _KEYMAP.fullmatch(text):
        raise ConfigError(
            f"keymap={text} is not a valid keymap", hint="write it as de-latin1, or us"
        )
    return text

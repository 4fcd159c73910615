"""Reading what is to be done when making a root fails: ``shell`` and ``failed-hooks``."""

import os
import sys
from pathlib import Path

from aimager.errors import ConfigError

STOP, TELL = "stop", "tell"


def read_terminal(text: str) -> Path | None:
    """The terminal on which ``shell=yes`` opens a shell.

    :raises ConfigError: when there is none, or the value is another
    """
    if text == "no":
        return None
    if text != "yes":
        raise ConfigError(f"shell={text} is not known", hint="shell= is yes or no")
    try:
        return Path(os.ttyname(sys.stdin.fileno()))
    except (OSError, ValueError) as error:
        raise ConfigError(
            "shell=yes needs a terminal, and standard input is none",
            hint="leave it out, and look into the log that the error names",
        ) from error


def read_failed_hooks(text: str) -> bool:
    """Whether a build goes on when what the image boots from failed to be made.

    :raises ConfigError: for another value
    """
    if text not in (STOP, TELL):
        raise ConfigError(
            f"failed-hooks={text} is not known", hint=f"failed-hooks= is {STOP} or {TELL}"
        )
    return text == TELL

"""A shell in the system of a build's image."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from aimager.commands.command_line import NAME_IT
from aimager.config.variables import make_words
from aimager.errors import ConfigError
from aimager.graph.plan import Plan
from aimager.graph.systems import shell


def open_shell(plans: Sequence[Plan], variables: Mapping[str, str], folder: Path) -> int:
    """Open it on the terminal, or have it run what comes from standard input.

    Returns the shell's exit status.

    :raises ConfigError: when no single build was asked for
    """
    if len(plans) != 1:
        what = "one build of these" if plans else "the build"
        raise ConfigError(f"a shell needs to know {what}", hint=NAME_IT)
    target = make_words(variables, folder).read("keep")
    terminal = Path(os.ttyname(0)) if os.isatty(0) else None
    return shell(plans[0], target or None).run(terminal)

"""The tests of a checkout, run on all cores."""

import os
import subprocess
import sys

from aimager.errors import CommandError, ConfigError
from aimager.graph.console.events import CHANNEL
from aimager.places import own


def run_tests(*options: str) -> None:
    """Run the tests, a file on each core at a time.

    ``options`` are pytest's own, which choose among the tests.

    :raises ConfigError: when some fail, or this is not a checkout
    """
    checkout = own("dodo.py").parent
    if not (checkout / "tests").is_dir():
        raise ConfigError("an installed aimager has no tests", hint="run them in a checkout of it")
    spread = ("--numprocesses=auto", "--dist=loadfile", "--no-loadscope-reorder", "--durations=40")
    argv = [sys.executable, "-m", "pytest", *spread, *options]
    # What tests say in their own processes is theirs to read, and no line of this run.
    environment = {name: text for name, text in os.environ.items() if name != CHANNEL}
    status = subprocess.run(argv, cwd=checkout, env=environment, check=False).returncode
    if status:
        raise CommandError(argv[2:], status, "")

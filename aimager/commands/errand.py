"""The process that does an errand for a worker: doit, with one task (`aimager.cluster.errand`)."""

import atexit
import os
import signal
import sys
from pathlib import Path

from aimager.cluster.child import ENDS_WITH, SHARE, remove_left
from aimager.cluster.errand import ERRAND, LOCK, read_errand
from aimager.commands.doit_loader import Loader
from aimager.commands.program import run
from aimager.files import publish_text
from aimager.graph import artifacts
from aimager.graph.workers import end_with
from aimager.products.run_folder import hold_run_folder


def main() -> int:
    """Do what lies in the folder that is named; returns doit's exit status.

    A task is run in this very process: nothing is to be left of it when it is ended.
    """
    folder = Path(sys.argv[1])
    end_with(int(os.environ[ENDS_WITH]), signal.SIGTERM)
    # After all else: a call that is ended may be busy in the run's folder for a while.
    atexit.register(remove_left, artifacts.RUN.parent, os.getpid())
    hold_run_folder(folder)  # and remove those of errands that were killed
    errand = read_errand((folder / ERRAND).read_text())
    publish_text(folder / LOCK, errand.lock)
    if errand.epoch is not None:
        os.environ["SOURCE_DATE_EPOCH"] = str(errand.epoch)
    Loader.errand, Loader.errand_lock = errand, folder / LOCK
    words = [f"{name}={text}" for name, text in errand.build.words.items()]
    task = errand.expected.task
    share = os.environ.get(SHARE, "1")
    return run(["run", "-n", share, task, *words, f"out={folder / 'out'}"], Loader(folder))


if __name__ == "__main__":
    sys.exit(main())

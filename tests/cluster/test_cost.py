"""Who has no cluster does not wait for what speaks to one."""

import subprocess
import sys

from tests.support.places import ROOT

LOOK = """\
import sys
import aimager.commands.program, aimager.commands.registry, aimager.graph.doit_tasks
print(*sorted({"dask", "distributed", "tornado"} & sys.modules.keys()))
"""


def test_nothing_of_dask_is_read() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOOK], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "\n"

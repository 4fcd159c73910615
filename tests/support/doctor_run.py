"""doit doctor, run by the tests after a preparation that takes something away."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.places import ROOT

BUILD = ("distro=archlinux", "offline=yes")


class Doctor:
    """Runs ``doit doctor`` after a preparation in Python, and knows what it said."""

    def __init__(self, cache: Path) -> None:
        self.cache = cache
        self.status = 0
        self.error = ""

    def run(
        self, preparation: str = "", *words: str, path: str | None = None
    ) -> dict[str, dict[str, str]]:
        """The findings by subject."""
        code = (
            "import os, runpy, sys\nfrom pathlib import Path\n"
            "from tests.support import namespaced\n"
            f"{preparation}\n"
            f"sys.argv = {['doit', '-f', str(ROOT / 'dodo.py'), 'doctor', '--json', *words]!r}\n"
            "runpy.run_module('doit', run_name='__main__', alter_sys=True)\n"
        )
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
            "AIMAGER_CACHE": str(self.cache),
        }
        if path is not None:
            environment["PATH"] = path
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            env=environment,
            cwd=self.cache.parent,
            check=False,
        )
        assert done.stdout, done.stderr
        self.status, self.error = done.returncode, done.stderr
        said: dict[str, Any] = json.loads(done.stdout)
        assert said["ok"] == (self.status == 0)
        return {finding["subject"]: finding for finding in said["findings"]}

    def missing(
        self, subject: str, preparation: str = "", *words: str, path: str | None = None
    ) -> tuple[str, str]:
        """What is wrong with ``subject``, which a build needs, and what to type."""
        found = self.run(preparation, *(words or BUILD), path=path)[subject]
        assert found["state"] == "missing", found
        assert self.status == 1
        return found["message"], found["fix"]

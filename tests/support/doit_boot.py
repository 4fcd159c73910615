"""An image that ``doit boot`` boots, as a user does, talked to over its serial port."""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aimager.commands.boot.probe import BootProbe
from aimager.model.architecture import host_architecture
from tests.support.places import ROOT
from tests.support.runs import Doit


class DoitBoot(BootProbe):
    """``doit boot`` with these words, as long as the ``with`` block."""

    def __init__(self, doit: Doit, *words: str, log: Path) -> None:
        super().__init__(host_architecture(), doit.out, log=log)
        self._doit, self._words = doit, words

    @contextmanager
    def _command(self, image: Path) -> Iterator[list[str]]:
        # Its environment is that of programs which take part in a build.
        path = f"PATH={Path(shutil.which('python3') or '/usr/bin/python3').parent}:/usr/bin:/bin"
        cache = f"AIMAGER_CACHE={self._doit.cache}"
        words = [path, f"PYTHONPATH={ROOT}", cache, "PYTHONUNBUFFERED=1"]
        yield ["env", f"--chdir={ROOT}", *words, *self._doit.command("boot", *self._words)]

    def _end(self) -> None:
        with self._qemu:  # in whose session QEMU is
            if self._qemu.poll() is None:
                os.killpg(self._qemu.pid, signal.SIGKILL)

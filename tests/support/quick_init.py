"""A board whose images, once the initramfs has handed over to their root, tell of it and wait.

That is enough to see that an initramfs finds its root, and is a fraction of a whole boot.
"""

from pathlib import Path

import pytest

from aimager.commands.boot.probe import BootProbe
from aimager.commands.boot.qemu import check
from aimager.errors import HostError
from aimager.model.architecture import Architecture
from aimager.model.board import Firmware
from tests.support.booting import PATIENCE
from tests.support.cells import cell_of

_BEGINNING = "quick-init is told:"
_INIT = f"""\
#!/usr/bin/sh
exec >/dev/ttyS0 2>&1
echo {_BEGINNING}
findmnt --noheadings --output TARGET,FSTYPE,OPTIONS /
cat /etc/hostname
touch /written && echo it can be written to
echo quick-init login:
while :; do sleep 600; done
"""
_PATH = "/usr/local/bin/quick-init"


def words(folder: Path, kernel: str = "linux-lts") -> tuple[str, ...]:
    """The words of a build of a UEFI machine as the board ``quick``."""
    board = cell_of(Architecture.x86_64).twin(folder, "quick")
    board.write_text(board.read_text().replace('"linux-lts"', f'"{kernel}"'))
    (folder / "quick-init").write_text(_INIT)
    line = f"append-all=console=ttyS0,115200 init={_PATH} {PATIENCE}"
    return f"board={board}", f"files={folder}/quick-init:{_PATH}:755", line


def boot(image: Path, log: Path) -> list[str]:
    """What an image tells of its root; the test is skipped where QEMU has no such machine.

    :raises ImageError: when it does not come that far
    """
    try:
        check(Architecture.x86_64, Firmware.uefi)
    except HostError as error:
        pytest.skip(f"it is not booted: {error}")
    with BootProbe(Architecture.x86_64, image, log=log) as probe:
        probe.wait_for_login()
        told = probe.output.rpartition(_BEGINNING)[2].splitlines()
    return [line.strip() for line in told if line.strip()][:-1]

"""The demonstration: a whole build against the stand-in mirror, and a boot of what comes out."""

import os
import subprocess
import sys
from pathlib import Path

from aimager import stand_in
from aimager.commands.boot.probe import BootProbe
from aimager.commands.boot.qemu import check
from aimager.commands.mirror import make_mirror
from aimager.distros import platform_for_host
from aimager.errors import HostError, ImageError
from aimager.model.architecture import Architecture, host_architecture
from aimager.model.board import Firmware
from aimager.model.product import Product

BOARDS = {Architecture.x86_64: "x64-uefi", Architecture.aarch64: "aarch64-uefi"}
"""The board that is like the host."""

PROGRAM = (sys.executable, "-P", "-m", "aimager.commands.program")
"""Without -P, Python looks for modules where the user stands."""

USER = "demo"
"""The login name and the password of the image's only user."""

SETTINGS = (f"useradd=-m -G wheel {USER}", f"chpasswd={USER}:{USER}", "sudo-group=wheel")


def show(out: Path, mirror: Path, work: Path, log: Path) -> None:
    """Build the image of the board that is like this machine, say where it is, and boot it.

    :raises AimagerError: when it does not build, or does not boot well
    """
    architecture = host_architecture()
    platform = platform_for_host(architecture)
    board = BOARDS[architecture]
    make_mirror(mirror, work, [architecture])
    words = (f"distro={platform.distro.id}", f"board={board}")
    command = [*PROGRAM, "build", f"out={out}", *words]
    _build([*command, *SETTINGS], mirror if mirror.exists() else None)
    image = out / f"{platform.id}-{board}" / Product.disk
    print(f"   the image is {image}; its user is {USER}, with the password {USER}")
    _boot(architecture, image, log)
    print(f"   to look around in it: doit boot {' '.join(words)} out={out}")


def _build(command: list[str], mirror: Path | None) -> None:
    """Build as a user would; with ``mirror`` None, on the real mirrors."""
    if mirror is None:
        status = _run(command)
    else:
        with stand_in.serve(mirror) as url:
            trusted = stand_in.fingerprint(mirror)
            words = [f"repo-url-parent={url}", f"trust-key={trusted}"]
            status = _run([*command, *words])
    if status:
        raise ImageError("the demonstration's build failed", hint="what it says above tells why")


def _run(command: list[str]) -> int:
    """The exit status of a Python that finds the modules that this one does."""
    found = os.pathsep.join(path or str(Path.cwd()) for path in sys.path)
    environment = {**os.environ, "PYTHONPATH": found}
    return subprocess.run(command, env=environment, check=False).returncode


def _boot(architecture: Architecture, image: Path, log: Path) -> None:
    """Boot ``image`` in QEMU up to its login prompt and ask how it is, if QEMU is there."""
    try:
        check(architecture, Firmware.uefi)
    except HostError as error:
        print(f"   not booted: {error}")
        return
    print(f"   booting it in QEMU; its serial port is kept in {log}")
    with BootProbe(architecture, image, log=log) as probe:
        probe.wait_for_login()
        probe.log_in(USER, USER)
        words = probe.run("systemctl is-system-running --wait", timeout=900, check=False).split()
    state = words[-1] if words else "silent"
    print(f"   it booted to its login prompt; systemctl is-system-running says: {state}")
    if state != "running":
        raise ImageError(f"the image is {state}", hint=f"look into {log}")

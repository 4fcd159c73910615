"""The demonstration: a whole build against the stand-in mirror, and a boot of what comes out."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from aimager import stand_in
from aimager.commands.boot.probe import BootProbe
from aimager.commands.boot.qemu import check
from aimager.distros import platform_for_host
from aimager.errors import HostError, ImageError
from aimager.model.architecture import Architecture, host_architecture
from aimager.model.board import Firmware
from aimager.model.build import Product

BOARDS = {Architecture.x86_64: "x64-uefi", Architecture.aarch64: "aarch64-uefi"}
"""The board that is like the host."""

USER = "demo"
"""The login name and the password of the image's only user."""

SETTINGS = (f"useradd=-m -G wheel {USER}", f"chpasswd={USER}:{USER}", "sudo-group=wheel")


def make_mirror(mirror: Path, work: Path, architectures: Sequence[str]) -> None:
    """Make the stand-in mirror for ``architectures``, on a host that can.

    :raises AimagerError: when Debian's packages cannot be had
    """
    if shutil.which("apt-get"):
        stand_in.make_mirror(mirror, architectures, work)
    else:
        print("   this host has no apt-get to make it with: the real mirrors are used")


def show(dodo: Path, out: Path, mirror: Path, work: Path, log: Path) -> None:
    """Build the image of the board that is like this machine, say where it is, and boot it.

    :raises AimagerError: when it does not build, or does not boot well
    """
    architecture = host_architecture()
    platform = platform_for_host(architecture)
    board = BOARDS[architecture]
    make_mirror(mirror, work, [architecture])
    words = (f"distro={platform.distro.id}", f"board={board}")
    command = [sys.executable, "-m", "doit", "-f", str(dodo), "build", f"out={out}", *words]
    _build([*command, *SETTINGS], mirror if mirror.exists() else None)
    image = out / f"{platform.id}-{board}" / Product.disk
    print(f"   the image is {image}; its user is {USER}, with the password {USER}")
    _boot(architecture, image, log)
    print(f"   to look around in it: doit boot {' '.join(words)} out={out}")


def _build(command: list[str], mirror: Path | None) -> None:
    """Run ``doit build`` as a user would; with ``mirror`` None, on the real mirrors."""
    if mirror is None:
        status = subprocess.run(command, check=False).returncode
    else:
        with stand_in.serve(mirror) as url:
            trusted = stand_in.fingerprint(mirror)
            words = [f"repo-url-parent={url}", f"trust-key={trusted}"]
            status = subprocess.run([*command, *words], check=False).returncode
    if status:
        raise ImageError("the demonstration's build failed", hint="what it says above tells why")


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

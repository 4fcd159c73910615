"""The demonstration: a whole build against the stand-in mirror, and a boot of what comes out."""

import shutil
import subprocess
import sys
from pathlib import Path

from aimager import stand_in
from aimager.architecture import Architecture
from aimager.boot_probe import BootProbe
from aimager.errors import AimagerError, HostError

USER = "demo"
"""The login name and the password of the image's only user."""

SETTINGS = (f"useradd=-m -G wheel {USER}", f"chpasswd={USER}:{USER}", "sudo-group=wheel")


def mirror_variables(mirror: Path, url: str) -> tuple[str, ...]:
    """The words that have a build use the stand-in mirror, and trust its key alone."""
    return (f"repo-url-parent={url}", f"trust-key={stand_in.fingerprint(mirror)}")


def build(dodo: Path, variables: tuple[str, ...], mirror: Path | None) -> None:
    """Run ``doit build`` as a user would; with ``mirror`` None, on the real mirrors.

    :raises HostError: when it fails, having said why
    """
    command = [sys.executable, "-m", "doit", "-f", str(dodo), "build", *variables]
    if mirror is None:
        status = subprocess.run(command, check=False).returncode
    else:
        with stand_in.serve(mirror) as url:
            words = mirror_variables(mirror, url)
            status = subprocess.run([*command, *words], check=False).returncode
    if status:
        raise HostError("the demonstration's build failed", hint="what it says above tells why")


def boot(architecture: Architecture, image: Path, log: Path) -> None:
    """Boot ``image`` in QEMU up to its login prompt and ask how it is, if QEMU is there."""
    program = f"qemu-system-{architecture.qemu}"
    if not shutil.which(program):
        print(f"   not booted: {program} is not installed")
        return
    print(f"   booting it in QEMU; its serial port is kept in {log}")
    with BootProbe(architecture, image, log=log) as probe:
        probe.wait_for_login()
        probe.log_in(USER, USER)
        state = probe.run("systemctl is-system-running --wait").strip()
    tail = log.read_text(errors="replace").splitlines()[-8:]
    print("".join(f"   | {line}\n" for line in tail), end="")
    print(f"   it booted to its login prompt; systemctl is-system-running says: {state}")
    if state != "running":
        raise AimagerError(f"the image is {state}", hint=f"look into {log}")

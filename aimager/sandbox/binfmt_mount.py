"""A namespace's own binfmt_misc, by which the kernel hands foreign programs to an interpreter."""

import os
from pathlib import Path

from aimager.model.architecture import Architecture
from aimager.sandbox import mounts, syscalls
from aimager.sandbox.binfmt import Emulation, handler_name, no_emulation, registration

BINFMT = mounts.RUN / "binfmt_misc"


def start_emulation(emulation: Emulation) -> None:
    """Prefer a binfmt_misc of our own; the host's handler goes unseen as soon as it is there."""
    reason = "the host has no statically linked qemu"
    try:
        if emulation.interpreter:
            emulate(emulation.architecture, emulation.interpreter)
            return
        if emulation.later and not emulation.host_handler:
            _mount_binfmt()
            return
    except OSError as error:
        reason = f"the kernel refuses a binfmt_misc of our own ({error.strerror})"
    if has_own_binfmt() or not emulation.host_handler:
        raise no_emulation(emulation.architecture, reason)
    _choose_cpu(emulation.architecture)


def emulate(architecture: Architecture, interpreter: Path) -> None:
    """Have programs of ``architecture`` run by ``interpreter``, in this namespace only.

    :raises OSError: when the kernel refuses, as before Linux 6.7
    """
    _mount_binfmt()
    # The name that is registered is short and has no colon, whatever the program's own is.
    link = _link(architecture)
    link.unlink(missing_ok=True)
    link.symlink_to(interpreter)
    own = BINFMT / handler_name(architecture)
    if own.exists():
        own.write_text("-1")
    (BINFMT / "register").write_text(registration(architecture, link))
    _choose_cpu(architecture)


def _choose_cpu(architecture: Architecture) -> None:
    if architecture.qemu_cpu:
        os.environ["QEMU_CPU"] = architecture.qemu_cpu


def _mount_binfmt() -> None:
    BINFMT.mkdir(exist_ok=True)
    if not has_own_binfmt():
        syscalls.mount("binfmt_misc", BINFMT, "binfmt_misc")


def has_own_binfmt() -> bool:
    """Whether this namespace has a binfmt_misc of its own, for `emulate`."""
    return (BINFMT / "register").exists()


def registered(architecture: Architecture) -> Path | None:
    """The interpreter that `emulate` registered last."""
    link = _link(architecture)
    return link.readlink() if link.is_symlink() else None


def _link(architecture: Architecture) -> Path:
    return mounts.RUN / f"emulator-{architecture.qemu}"

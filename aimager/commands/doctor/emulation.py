"""Whether this machine can run the programs of an architecture."""

from aimager.commands.doctor.kernel import Tried
from aimager.errors import HostError
from aimager.model.architecture import Architecture
from aimager.sandbox.binfmt import elf_header, emulation, host_handlers, no_emulation


def check_emulation(architecture: Architecture, tried: Tried, *, borrows: bool = True) -> str:
    """What runs programs of ``architecture``; a build that ``borrows`` may have a QEMU by that.

    :raises HostError: when nothing does
    """
    try:
        needed = emulation(architecture, later=borrows)
    except HostError as error:
        raise HostError(error.message, hint=f"{error.hint}{_unfit(architecture)}") from error
    if needed is None:
        return "this machine runs its programs by itself"
    refused = tried.own_binfmt
    if needed.interpreter and not refused:
        return f"{needed.interpreter}, in a binfmt_misc of the build's own"
    if needed.later and not refused:
        return "a borrowed QEMU, in a binfmt_misc of the build's own"
    if needed.host_handler:
        return "the host's binfmt_misc, whose handler has flag F"
    reason = (
        f"a binfmt_misc of the build's own is refused ({refused.strerror}){_unfit(architecture)}"
        if refused
        else "the host has no statically linked qemu"
    )
    raise no_emulation(architecture, reason)


def _unfit(architecture: Architecture) -> str:
    """Why the host's handlers for it cannot be used, in words."""
    header = elf_header(architecture)
    for handler in host_handlers():
        if handler.enabled and handler.matches(header) and "F" not in handler.flags:
            return f"; the host's handler {handler.interpreter} lacks flag F"
    return ""

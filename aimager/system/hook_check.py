"""Which of the hooks and scriptlets that failed end a build."""

import signal
from collections.abc import Sequence

from aimager import progress
from aimager.errors import HostError, ImageError
from aimager.model.architecture import Architecture
from aimager.model.workshop import Workshop
from aimager.sandbox.owners import held_ids
from aimager.system.hook_failures import Failure


def check_hooks(failed: Sequence[Failure], architecture: Architecture, workshop: Workshop) -> None:
    """Refuse a root that lacks what it boots from, and print what else failed.

    pacman goes on, and so does a build where an image boots without the hook: it may have failed
    because no system is running here. What makes an initramfs must succeed, unless the user says
    otherwise.

    :raises HostError: when one met an unknown instruction: then hardly any has run
    :raises ImageError: when one failed without which no image boots
    """
    for failure in failed:
        if failure.signal == signal.SIGILL:
            raise HostError(
                f"the CPU or QEMU lacks an instruction that {architecture}'s packages use",
                hint=f"a newer qemu-{architecture.qemu} may have it; see {workshop.log}",
            )
    for failure in failed:
        advice = f"{held_ids().advice()}; " if failure.refused else ""
        if failure.boots and not workshop.forgives:
            raise ImageError(
                failure.tell(", without which the image may not boot"),
                hint=f"{advice}all output is in {workshop.log}; shell=yes opens a shell in the"
                " root, and failed-hooks=tell goes on as pacman does",
            )
        progress.say(f"   {failure.tell()}\n    ({advice}all output is in {workshop.log})")

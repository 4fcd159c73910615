"""A shell in the system of an image, set up as the image is to have it.

It makes no product, and nothing keeps what was done in it but an archive that was asked for.
"""

import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aimager import progress
from aimager.archive import pack_tree
from aimager.products.stage import all_inputs
from aimager.sandbox.chroot import Chroot, chroot
from aimager.sandbox.namespace import call
from aimager.sandbox.standard_input import fed_pipe, open_fed
from aimager.stages.image_system import ImageSystem, LaidImage
from aimager.system.excess import refuse_excess
from aimager.system.image_shell import open_shell, run_commands
from aimager.system.install import foreign_to_host


@dataclass(frozen=True, kw_only=True)
class OpenShell(ImageSystem):
    """Open a shell in a copy of the system; ``target`` is the archive to make of it at its end."""

    target: Path | None = None

    def run(self, terminal: Path | None) -> int:
        """Return the shell's exit status: on ``terminal``, or of commands from standard input.

        Of commands that fail no archive is made.

        :raises ConfigError: when the system cannot be set up as asked
        :raises ImageError: when it could not boot, has no shell, or takes more than it may
        """
        given: Any = self
        work = self.workshop.work
        with ExitStack() as opened:
            stage, pipe = self, None
            if self.target:
                # A folder of its own: the archive's may hold aimager itself, which runs there.
                place = tempfile.TemporaryDirectory(prefix=".keep-", dir=self.target.parent)
                made = Path(opened.enter_context(place), self.target.name)
                stage = replace(self, target=made)
            if terminal is None:
                pipe = opened.enter_context(fed_pipe(work.with_name(f"{work.name}.input")))
            status = call(
                _open,
                _Opening(stage, terminal, pipe, self.told()),
                work=work,
                reads=(*all_inputs(given), *([pipe] if pipe else ())),
                products=[stage.target] if stage.target else (),
                keeps=[self.workshop.log],
                terminal=terminal or self.workshop.terminal,
                foreign=foreign_to_host(self.architecture),
                qemu_later=self.borrowed is not None,
                tmpfs=self.space().tmpfs,
            )
            if self.target and stage.target and stage.target.exists():
                stage.target.replace(self.target)
            return status

    def told(self) -> str:
        """What is said before the shell."""
        end = "exit or ctrl-d ends it.\n"
        if self.target:
            return f"This is a shell in {self.id}. {self.target} keeps what is changed; {end}"
        return f"This is a shell in a copy of {self.id}. Nothing in it is kept; {end}"


@dataclass(frozen=True)
class _Opening:
    """``commands`` is the pipe that brings them, where there is no ``terminal``; on that, what is
    ``told`` comes before the shell."""

    stage: OpenShell
    terminal: Path | None
    commands: Path | None
    told: str


def _open(opening: _Opening) -> int:
    stage = opening.stage
    with stage.workshop.logging() as log, _only_errors() as output:
        laid = LaidImage(stage, log)
        laid.set_up()
        socket.sethostname(stage.setup.hostname or stage.id)
        with chroot(laid.tree, laid.limits()) as image:
            status = _work(opening, image, output)
        if stage.target and (opening.terminal or not status):
            refuse_excess(laid.tree.path, laid.limits())
            progress.say(f"   {stage.target.name} is made")
            pack_tree(laid.tools, laid.tree.path, stage.target, epoch=laid.epoch)
    return status


def _work(opening: _Opening, image: Chroot, output: int) -> int:
    if opening.terminal:
        prompt = f"[{opening.stage.id}] \\w # "
        return open_shell(image, opening.terminal, opening.told, prompt)
    assert opening.commands, "there is one of the two"
    commands = open_fed(opening.commands)
    try:
        return run_commands(image, commands, output)
    finally:
        os.close(commands)


@contextmanager
def _only_errors() -> Iterator[int]:
    """Have all go to standard error in the block, and yield standard output for the shell alone."""
    output = os.dup(1)
    os.dup2(2, 1)
    try:
        yield output
    finally:
        os.close(output)

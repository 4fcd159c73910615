"""check-root-archive: what a root archive of the user's holds, and whether a build can use it."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from aimager import progress
from aimager.files import publish_text
from aimager.model.workshop import Workshop, environment
from aimager.sandbox.namespace import call
from aimager.system.reused_root import look_into, write_reused
from aimager.units import count


@dataclass(frozen=True)
class CheckRootArchive:
    """Publish what ``archive`` holds; none of it is verified."""

    archive: Path
    architectures: tuple[str, ...]
    target: Path
    workshop: Workshop = environment()

    by_content: ClassVar[bool] = True

    def run(self) -> None:
        """Publish it.

        :raises ConfigError: when no build for the ``architectures`` can start from the archive
        :raises HostError: when this machine lacks the id of an owner in it
        """
        progress.say(f"   {self.archive.name} holds {count(self._publish(), 'package')}")

    def predict(self) -> None:
        """Publish it in silence, for nothing is made of the archive yet."""
        self._publish()

    def _publish(self) -> int:
        return call(
            _look, self, work=self.workshop.work, reads=[self.archive], products=[self.target]
        )


def _look(stage: CheckRootArchive) -> int:
    progress.step("reading the root archive")
    root = look_into(stage.archive, stage.architectures)
    publish_text(stage.target, write_reused(root))
    return len(root.packages)

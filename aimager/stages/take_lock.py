"""take-lock: a lock out of the user's lock file, in place of resolving one."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from aimager.files import publish_text
from aimager.model.lock import write_lock
from aimager.model.workshop import Workshop, environment
from aimager.packages.lock_file import lock_of, read_lock_file


@dataclass(frozen=True)
class TakeLock:
    """What ``lock_file`` holds for ``subject``: the very bytes that were resolved for it."""

    lock_file: Path
    subject: str
    target: Path
    workshop: Workshop = environment()

    by_content: ClassVar[bool] = True

    def run(self) -> None:
        """Publish the lock, if it is not the one that is there.

        :raises ConfigError: when the file is not a lock file, or lacks the lock
        """
        publish_text(self.target, write_lock(lock_of(read_lock_file(self.lock_file), self.subject)))

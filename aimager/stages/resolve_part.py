"""resolve-packages, of a part of a lock: what some of its packages need of the others."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from aimager.errors import ConfigError
from aimager.files import publish_text
from aimager.model.lock import Lock, read_lock, write_lock
from aimager.model.workshop import Workshop, environment
from aimager.packages.database_archive import read_locked
from aimager.packages.dependencies import closure_of_all
from aimager.packages.targets import named_by
from aimager.products.stage import all_inputs
from aimager.sandbox.namespace import call


@dataclass(frozen=True, kw_only=True)
class ResolvePart:
    """What ``packages`` need, and those of ``welcome`` and ``initramfs``, all within a lock.

    ``whole`` is that lock, and was resolved from ``databases``. It may lack the welcome packages,
    and the initramfs maker where it has another one.
    """

    databases: Path
    whole: Path
    packages: tuple[str, ...]
    target: Path
    welcome: tuple[str, ...] = ()
    initramfs: str | None = None
    workshop: Workshop = environment()

    by_content: ClassVar[bool] = True

    def run(self) -> None:
        """Publish the lock, if it is not the one that is there.

        :raises ConfigError: when the databases lack what is locked
        """
        work, targets = self.workshop.work, [self.target]
        call(_resolve, self, work=work, reads=all_inputs(self), products=targets)

    def predict(self) -> None:
        """Publish the lock, in the call that `run` makes, or of what is predicted to be whole."""
        whole = read_lock(self.whole)
        known = read_locked(self.databases, whole.packages)
        lacking = [package.name for package in whole.packages if package.name not in known]
        if lacking:
            raise ConfigError(
                f"the databases do not tell of {lacking[0]}, which was resolved from them",
                hint="doit forget sync-databases has them asked for again",
            )
        more = (*self.welcome, *filter(None, [self.initramfs]))
        requested = {*self.packages, *(name for name in more if name in known)}
        meant = {name for word in requested for name in named_by(known, word)}
        needed = set(closure_of_all(known, sorted(meant)))
        lock = Lock(
            platform=whole.platform,
            requested=tuple(sorted(requested | meant)),
            packages=tuple(package for package in whole.packages if package.name in needed),
        )
        publish_text(self.target, write_lock(lock))


def _resolve(stage: ResolvePart) -> None:
    stage.predict()

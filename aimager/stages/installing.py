"""What each of the stages that install packages reads, and how it has them installed."""

from dataclasses import dataclass
from pathlib import Path

from aimager.model.architecture import Architecture
from aimager.model.workshop import Workshop, environment
from aimager.products.hook_results import HookResults
from aimager.system.install import install_system
from aimager.system.installation import Installation


@dataclass(frozen=True, kw_only=True)
class Installing:
    """The packages of ``lock`` become part of the root archive ``target``.

    They are verified by ``keys``, or else with the ``keyring`` that was made of these. The product
    does not depend on that, for the key that certified them is another on every machine.
    ``borrowed`` is the root whose programs are run, None the host's. ``epoch`` and ``level`` are as
    `Installation`'s.
    """

    architecture: Architecture
    lock: Path
    keys: Path
    borrowed: Path | None
    target: Path
    epoch: int | None = None
    level: str = ""
    keyring: Path = environment()
    pacman_static: Path | None = environment()
    workshop: Workshop = environment()

    def install(
        self,
        *,
        below: tuple[Path, ...] = (),
        below_lock: Path | None = None,
        is_layer: bool = False,
        reused: Path | None = None,
    ) -> dict[str, str]:
        """Publish the archive of the root in ``below``, or of an empty one, with the packages.

        Returned is its SHA-256, by its name. The other arguments are as `Installation`'s.

        :raises TrustError: when a package is not signed by a trusted key
        :raises ConfigError: when the packages do not fit what an archive of the user's holds
        """
        results = HookResults.of(self.workshop)
        made = results.made_beside(self.workshop.work)
        request = Installation(
            architecture=self.architecture,
            level=self.level,
            lock=self.lock,
            keys=self.keys,
            keyring=self.keyring,
            target=self.target,
            workshop=self.workshop,
            below=below,
            below_lock=below_lock,
            is_layer=is_layer,
            reused=reused,
            epoch=self.epoch,
            pacman_static=self.pacman_static,
            borrowed=self.borrowed,
            results=results.folder,
            made=made,
        )
        with results.receiving(made):
            return install_system(request)

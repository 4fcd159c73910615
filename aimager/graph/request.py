"""What is to be resolved for a build."""

from dataclasses import dataclass

from aimager.model.distro import Platform


@dataclass(frozen=True)
class Request:
    """Packages to resolve: ``subject`` names their lock.

    Those in ``welcome`` are taken as far as the repositories have them. Without ``dependencies``
    the packages are locked alone; ``bootstraps`` means that no program is borrowed for it yet.
    ``initramfs`` is a maker to take where no package that is asked for provides one. The packages
    may be ``part_of`` what another request of this run resolves to, by its subject.
    """

    subject: str
    platform: Platform
    packages: tuple[str, ...]
    welcome: tuple[str, ...] = ()
    dependencies: bool = True
    bootstraps: bool = False
    initramfs: str | None = None
    part_of: str = ""

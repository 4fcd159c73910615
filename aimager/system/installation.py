"""What is asked for when packages are installed to a root."""

from dataclasses import dataclass
from pathlib import Path

from aimager.model.architecture import Architecture
from aimager.model.workshop import Workshop


@dataclass(frozen=True)
class Installation:
    """What becomes ``target``: the root in ``below``, or an empty one, with ``lock``'s packages.

    They are verified by ``keys``, or else with the ``keyring`` that was made of these. ``below``
    are a root archive and layers, on which ``target`` is another one if it ``is_layer``
    (`aimager.system.layers`); ``below_lock`` names the packages that they have. Where it is an
    archive of the user's, ``reused`` tells them (`aimager.system.reused_root`). Times after
    ``epoch``, in seconds, become it; None is the newest build date of all packages. Packages up to
    the ``level`` of the architecture are taken, too. ``results`` are of programs that ran in roots
    of their own, and ``made`` becomes what is new of them (`aimager.sandbox.results`).
    """

    architecture: Architecture
    lock: Path
    keys: Path
    keyring: Path
    target: Path
    workshop: Workshop
    below: tuple[Path, ...] = ()
    below_lock: Path | None = None
    is_layer: bool = False
    reused: Path | None = None
    epoch: int | None = None
    pacman_static: Path | None = None
    borrowed: Path | None = None
    level: str = ""
    results: Path | None = None
    made: Path | None = None

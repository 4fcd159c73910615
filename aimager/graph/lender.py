"""What a build borrows: programs that run by themselves on the machine that makes it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from aimager.graph import artifacts
from aimager.model.architecture import Architecture
from aimager.model.distro import Platform
from aimager.sandbox.borrowed_root import WANTED, WANTED_FOR_FOREIGN


@dataclass(frozen=True)
class Lender:
    """Programs of ``platform``.

    Every build borrows the same ones, and with them those of ``makers``, the packages that make an
    image's file systems, and what runs programs of the architecture that it ``emulates``.
    """

    platform: Platform
    makers: tuple[str, ...] = ()
    emulates: Architecture | None = None

    @property
    def subject(self) -> str:
        """The name of the lock and tasks of all that is borrowed.

        It tells of the packages that not every build borrows, so that boards which are built in
        one run may need different ones.
        """
        return f"{self.platform.id}.borrowed" + "".join(f"+{name}" for name in sorted(self._more()))

    def _more(self) -> Iterator[str]:
        yield from (name for name in self.makers if name not in WANTED)
        if self.emulates:
            yield f"qemu-{self.emulates.qemu}"

    @property
    def wanted(self) -> tuple[str, ...]:
        """The packages to borrow, as far as the repositories have them."""
        more = WANTED_FOR_FOREIGN if self.emulates else ()
        return tuple(dict.fromkeys((*WANTED, *more, *self.makers)))

    @property
    def archive(self) -> Path:
        """The archive of the borrowed root."""
        return artifacts.borrowed_archive(self.subject)

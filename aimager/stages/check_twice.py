"""check-twice: what the stages that install packages make, made once more and compared."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

from aimager import progress
from aimager.errors import ImageError
from aimager.files import publish_text, sha256
from aimager.model.workshop import Workshop
from aimager.sandbox.namespace import call
from aimager.stages.install_packages import InstallPackages
from aimager.stages.make_rootfs_archive import MakeRootfsArchive
from aimager.stages.reuse_root import ReuseRoot
from aimager.system.archive_difference import Archives, find_differences
from aimager.units import count

_FEW = 3


class _Repeated(Protocol):
    """A stage that makes again what is in ``made``; ``target`` tells that both are the same."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def made(self) -> Path: ...
    @property
    def target(self) -> Path: ...
    @property
    def workshop(self) -> Workshop: ...


@dataclass(frozen=True, kw_only=True)
class MakeRootfsArchiveAgain(MakeRootfsArchive):
    """Make a base system anew and compare it with the one in ``made``."""

    made: Path

    shared: ClassVar[bool] = False

    def run(self) -> dict[str, str]:
        """Publish that both are the same; the SHA-256 of that file is not known.

        :raises ImageError: when they differ; each path that does is told
        """
        _repeat(self, MakeRootfsArchive)
        return {}


@dataclass(frozen=True, kw_only=True)
class InstallPackagesAgain(InstallPackages):
    """Install anew, to the same base system, and compare the system with the one in ``made``."""

    made: Path

    shared: ClassVar[bool] = False

    def run(self) -> dict[str, str]:
        """Publish that both are the same; the SHA-256 of that file is not known.

        :raises ImageError: when they differ; each path that does is told
        """
        _repeat(self, InstallPackages)
        return {}


@dataclass(frozen=True, kw_only=True)
class ReuseRootAgain(ReuseRoot):
    """Install anew, to the same archive of the user's, and compare with the one in ``made``."""

    made: Path

    def run(self) -> dict[str, str]:
        """Publish that both are the same; the SHA-256 of that file is not known.

        :raises ImageError: when they differ; each path that does is told
        """
        _repeat(self, ReuseRoot)
        return {}


def _repeat(
    stage: _Repeated, kind: type[MakeRootfsArchive] | type[InstallPackages] | type[ReuseRoot]
) -> None:
    again = stage.target.with_name(stage.made.name)
    values = {field.name: getattr(stage, field.name) for field in dataclasses.fields(kind)}
    try:
        kind(**(values | {"target": again})).run()
        digest = sha256(again)
        if digest != sha256(stage.made):
            raise _differing(stage, again)
    finally:
        again.unlink(missing_ok=True)
    progress.say(f"   {stage.made.name} was made twice, and is the same both times")
    publish_text(stage.target, f"{digest}\n")


def _differing(stage: _Repeated, again: Path) -> ImageError:
    lines = call(
        find_differences,
        Archives(stage.made, again),
        work=stage.workshop.work,
        reads=[stage.made, again],
    )
    for line in lines:
        progress.say(f"   differs: {line}")
    if not lines:
        return ImageError(
            f"{stage.made.name} came out different when it was made again, though no path differs",
            hint="a file has several extended attributes, whose order is the same in memory alone:"
            " tmpfs-root=yes",
        )
    paths = [line.rpartition(": ")[0] for line in lines]
    told = ", ".join(paths[:_FEW]) + (", ..." if len(paths) > _FEW else "")
    return ImageError(
        f"{stage.made.name} came out different when it was made again, in"
        f" {count(len(paths), 'path')}: {told}",
        hint="what packages run makes that otherwise each time: leave the package out, or"
        " check-twice=, and have scripts= remove it from the image",
    )

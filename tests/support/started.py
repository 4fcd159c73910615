"""Commands in a root that was made for others to start, with the mirror as the only set-up."""

import gzip
import shutil
from dataclasses import dataclass
from pathlib import Path, PurePath

from aimager import process
from aimager.archive import unpack_tree
from aimager.errors import CommandError
from aimager.sandbox.chroot import chroot
from aimager.sandbox.mounts import RUN, Bind
from aimager.sandbox.namespace import call
from aimager.sandbox.tree import Tree
from aimager.toolbox import Toolbox
from tests.support.oci import WHITEOUT

_MIRROR = RUN / "mirror"


@dataclass(frozen=True)
class Started:
    """The root in ``archives``, laid over each other, and the ``commands`` to run in it.

    ``mirror`` is the folder of a repository's packages, with pacman's variables in it, below
    ``top``.
    """

    archives: tuple[Path, ...]
    top: Path
    mirror: str
    commands: tuple[tuple[str, ...], ...]
    work: Path
    log: Path


@dataclass(frozen=True)
class Done:
    """What a command said, and its exit status."""

    status: int
    said: str


def start(request: Started) -> list[Done]:
    """What became of each command."""
    return call(
        _start,
        request,
        work=request.work,
        reads=[*request.archives, request.top],
        keeps=[request.log],
    )


def _start(request: Started) -> list[Done]:
    root = request.work / "root"
    tools = Toolbox(None)
    for archive in request.archives:
        unpack_tree(tools, _plain(archive, request.work), root)
        for name in [str(path) for path, _ in Tree(root).walk() if WHITEOUT in path]:
            place = PurePath(name)
            Tree(root).remove(place.with_name(place.name.removeprefix(WHITEOUT)))
            Tree(root).remove(name)
    tree = Tree(root)
    tree.write("etc/pacman.d/mirrorlist", f"Server = file://{_MIRROR}/{request.mirror}\n")
    with request.log.open("wb") as log, chroot(tree) as image:
        jail = image.jail(Bind(request.top, _MIRROR, read_only=True))
        done = []
        for argv in request.commands:
            try:
                done.append(Done(0, process.run(argv, within=jail, log=log)))
            except CommandError as error:
                done.append(Done(error.status, error.tail))
        return done


def _plain(archive: Path, work: Path) -> Path:
    """An archive whose name says how it is compressed, as root.wsl's does not."""
    if archive.suffix != ".wsl":
        return archive
    plain = work / "root.tar"
    with gzip.open(archive) as stream, plain.open("wb") as target:
        shutil.copyfileobj(stream, target)
    return plain

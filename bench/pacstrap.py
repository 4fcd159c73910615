"""The plain way: pacman into a folder, tar, mke2fs and dd, one after the other."""

from dataclasses import dataclass
from pathlib import Path

from aimager import process
from aimager.model.architecture import Architecture
from aimager.model.lock import read_lock
from aimager.packages import pacman
from aimager.packages.keyring import open_home
from aimager.sandbox.borrowed_root import open_toolbox
from aimager.sandbox.chroot import chroot
from aimager.sandbox.namespace import call
from aimager.sandbox.tree import Tree
from bench.floor import make_images, products


@dataclass(frozen=True)
class Pacstrap:
    """Install the packages of ``lock`` out of ``store``, and make root.tar and disk.img in ``out``.

    pacman is that of ``borrowed``, and knows the keys of ``keyring``.
    """

    architecture: Architecture
    lock: Path
    store: Path
    borrowed: Path
    keyring: Path
    work: Path
    out: Path


def make(request: Pacstrap) -> None:
    """Make them, on disk."""
    request.out.mkdir(parents=True, exist_ok=True)
    packages = read_lock(request.lock).packages
    call(
        _make,
        request,
        work=request.work,
        reads=[
            *(request.lock, request.borrowed, request.keyring),
            *pacman.package_files(packages, request.store),
        ],
        products=products(request.out),
        keeps=[request.out / "log"],
    )


def _make(request: Pacstrap) -> None:
    work, lock = request.work, read_lock(request.lock)
    root = work / "root"
    with (request.out / "log").open("wb") as log:
        tools = open_toolbox(request.borrowed, work, log)
        open_home(tools, request.keyring, work / "gnupg")
        pacman.prepare_root(root)
        program = pacman.choose_pacman(tools, None, work)
        assert program, "the borrowed root has one"
        pacman.write_conf(conf(request), work)
        with chroot(Tree(root)) as image:
            files = pacman.package_files(lock.packages, request.store)
            at_work = pacman.PacmanRun(program, image, work, log, files)
            pacman.install(at_work, lock.packages, explicit=(), epoch=lock.epoch)
            process.run(["locale-gen"], within=image.jail(), log=log)
        tools.run(["tar", "--create", f"--file={request.out / 'root.tar'}", "-C", root, "."])
    make_images(root, work, request.out / "disk.img", sparse=False)


def conf(request: Pacstrap) -> str:
    """The pacman.conf that it installs by."""
    return pacman.pacman_conf(request.architecture.packages)

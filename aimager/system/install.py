"""Installing packages to a root, with the hooks of its own distribution."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import IO

from aimager import process, progress
from aimager.archive import pack_tree
from aimager.errors import ImageError
from aimager.model.architecture import Architecture, host_architecture
from aimager.model.lock import Lock, LockedPackage, newest, read_lock
from aimager.packages.local_database import settle_records
from aimager.packages.pacman import installed, package_files, prepare_root
from aimager.sandbox.borrowed_root import equip
from aimager.sandbox.chroot import Chroot, chroot
from aimager.sandbox.namespace import call
from aimager.sandbox.native_programs import lending, program_root
from aimager.sandbox.owners import heed_lost_lists, held_ids, refuse_accounts
from aimager.sandbox.results import Results
from aimager.sandbox.sums import asked_sums
from aimager.sandbox.tree import Tree
from aimager.system.caches import settle_caches
from aimager.system.excess import refuse_excess
from aimager.system.installation import Installation
from aimager.system.laid_system import Room
from aimager.system.layers import Growing, Layer, pack_layer, whole_layer
from aimager.system.locale_archive import DefaultArchive
from aimager.system.locales import default_made_meanwhile
from aimager.system.normal_initramfs import initramfs_states, normalize_initramfs
from aimager.system.reused_root import prepare_reused, read_reused
from aimager.system.space import Space, limits, work_space
from aimager.system.sysprep import remove_identity, tell_secrets
from aimager.system.transactions import add_kernels_again, add_packages
from aimager.toolbox import Toolbox
from aimager.units import count


def foreign_to_host(architecture: Architecture) -> Architecture | None:
    """The architecture, if its programs need emulation on this machine."""
    return None if architecture is host_architecture() else architecture


def install_system(request: Installation) -> dict[str, str]:
    """Publish what ``request`` describes, and return the SHA-256 of what was summed, by name.

    :raises TrustError: when a package is not signed by a trusted key; none has been run then
    :raises ImageError: when what is installed is not what is locked
    :raises ConfigError: when the packages do not fit one another, or what an archive of the user's
        holds
    :raises HostError: when this machine lacks the id of an owner
    """
    packages = read_lock(request.lock).packages
    paths = (request.below_lock, *request.below, request.reused, request.pacman_static)
    known: dict[str, str] = {}
    call(
        _install_system,
        request,
        work=request.workshop.work,
        reads=[
            *(request.lock, request.keys, request.keyring),
            *(path for path in (*paths, request.borrowed, request.results) if path),
            *package_files(packages, request.workshop.store),
        ],
        products=[request.target, *([request.made] if request.made else ())],
        keeps=[request.workshop.log],
        terminal=request.workshop.terminal,
        foreign=foreign_to_host(request.architecture),
        qemu_later=request.borrowed is not None,
        tmpfs=_space(request).tmpfs,
        known=known,
    )
    return known


def _space(request: Installation) -> Space:
    return work_space(request.workshop, request.lock, request.borrowed, reused=request.reused)


def _install_system(request: Installation) -> None:
    workshop, below = request.workshop, request.below
    wanted = read_lock(request.lock)
    known = read_lock(request.below_lock) if request.below_lock else Lock("", (), ())
    if {package.name for package in known.packages} - {p.name for p in wanted.packages}:
        # Another provider was chosen: the root's own and what it depends on must not stay.
        below, known = (), Lock("", (), ())
    reused = read_reused(request.reused) if request.reused else None
    newest_date = reused.epoch(wanted) if reused else newest([wanted, known])
    epoch = newest_date if request.epoch is None else request.epoch
    room = Room(workshop.work / "system", _space(request), below)
    root = room.root
    with workshop.logging() as log:
        tools = equip(workshop, request.borrowed, log)
        whose = f"reuse-root-tar={below[-1].name}" if below and reused else "the system below"
        room.lay(tools, of=whose, heed=partial(heed_lost_lists, of=f" of {whose}"))
        given = prepare_reused(Tree(root), reused) if reused else frozenset()
        growing = Growing(Tree(root)) if request.is_layer and below else None
        prepare_root(root)
        tree = Tree(root)
        ordered = {} if reused else initramfs_states(tree)
        packages = reused.missing(wanted) if reused else wanted.without(known)
        borrow, architecture = workshop.borrow, request.architecture
        with (
            chroot(tree, limits(workshop, wanted, reused, room=room.folder)) as bare,
            lending(tools, bare, architecture, wanted, borrow=borrow, log=log) as image,
            _locale_made_meanwhile(request, image, known, packages, log),
        ):
            add_packages(request, tools, image, wanted, packages, epoch, log)
            if known.packages and not reused:
                add_kernels_again(request, tools, image, wanted, packages, epoch, log)
        progress.say(f"   installed {count(len(packages), 'package')}")
        _check(tree, wanted, others=reused is not None)
        refuse_accounts(tree, held_ids())
        settle_records(tree, epoch, [package for package in packages if package.is_signed])
        normalize_initramfs(tree, tools, workshop.work, ordered=ordered)
        settle_caches(tree, given)
        remove_identity(tree)
        tell_secrets(tree)
        refuse_excess(root, limits(workshop, wanted, reused, room=room.folder))
        layer = growing.end() if growing else whole_layer(tree) if request.is_layer else None
        _pack(request.target, tools, room, layer, epoch)


def _pack(target: Path, tools: Toolbox, room: Room, layer: Layer | None, epoch: int) -> None:
    """Publish the room's tree, or ``layer`` of it, and pass the tree on."""
    room.settle(epoch)
    with progress.growing("packing", target):
        if layer:
            pack_layer(tools, Tree(room.root), layer, target, epoch=epoch, sums=asked_sums())
        else:
            pack_tree(tools, room.root, target, epoch=epoch, sums=asked_sums())
    room.pass_on(target)


def _locale_made_meanwhile(
    request: Installation,
    image: Chroot,
    base: Lock,
    added: Sequence[LockedPackage],
    log: IO[bytes],
) -> AbstractContextManager[None]:
    """Make the default locale while packages are added, if ``base`` is not touched by them."""
    touched = {package.name for package in added} & {package.name for package in base.packages}
    if touched or not base.packages:
        return nullcontext()
    jail, work = image.jail(), request.workshop.work
    programs = program_root(image, request.architecture, "usr/bin/localedef")
    results = Results(request.results, request.made)

    def run(argv: Sequence[str]) -> None:
        process.run(argv, within=jail, log=log)

    def lay() -> bool:
        archive = DefaultArchive(image.tree, programs) if programs else None
        return archive is not None and archive.lay(results, work, image.limits, log)

    return default_made_meanwhile(image.tree, run, lay)


def _check(tree: Tree, lock: Lock, *, others: bool) -> None:
    """Refuse a root without a package of ``lock``; with ``others`` it may have more."""
    there = installed(tree)
    locked = {f"{package.name}-{package.version}" for package in lock.packages}
    if others:
        there &= locked
    if there != locked:
        raise ImageError(
            f"installed and locked packages differ: {' '.join(sorted(there ^ locked))}",
            hint="a hook or script has changed pacman's records: the log of install-packages"
            " has what each said",
        )

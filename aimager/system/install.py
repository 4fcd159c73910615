"""Installing packages to a root, with the hooks of its own distribution."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from aimager import process, progress
from aimager.archive import pack_tree
from aimager.errors import HostError, ImageError
from aimager.model.architecture import Architecture, host_architecture
from aimager.model.lock import Lock, LockedPackage, newest, read_lock
from aimager.model.workshop import Workshop
from aimager.packages.hooks import copy_links, hook_folders
from aimager.packages.keyring import open_home, verify
from aimager.packages.local_database import settle_records
from aimager.packages.pacman import (
    PacmanRun,
    TransactionError,
    choose_pacman,
    install,
    installed,
    package_files,
    pacman_conf,
    prepare_root,
    write_conf,
)
from aimager.packages.pacman_output import explain_file_conflict
from aimager.sandbox.borrowed_root import equip
from aimager.sandbox.chroot import IMAGE, Chroot, chroot
from aimager.sandbox.namespace import call
from aimager.sandbox.native_programs import lending, program_root
from aimager.sandbox.owners import heed_lost_lists, held_ids, refuse_accounts
from aimager.sandbox.results import Results
from aimager.sandbox.sums import asked_sums
from aimager.sandbox.tree import Tree
from aimager.system import initramfs
from aimager.system.caches import settle_caches
from aimager.system.debug_shell import shell_on_failure
from aimager.system.excess import refuse_excess
from aimager.system.hook_check import check_hooks
from aimager.system.hook_failures import failures
from aimager.system.known_hooks import depmod_taken_over
from aimager.system.laid_system import Room
from aimager.system.layers import Growing, pack_layer
from aimager.system.locales import default_made_meanwhile
from aimager.system.normal_initramfs import initramfs_states, normalize_initramfs
from aimager.system.package_trust import are_verified, tell_unsigned
from aimager.system.reused_root import explain_refusal, prepare_reused, read_reused
from aimager.system.space import Space, limits, work_space
from aimager.system.sysprep import remove_identity, tell_secrets
from aimager.system.transaction_parts import ran_of
from aimager.toolbox import Toolbox
from aimager.units import count


def foreign_to_host(architecture: Architecture) -> Architecture | None:
    """The architecture, if its programs need emulation on this machine."""
    return None if architecture is host_architecture() else architecture


@dataclass(frozen=True)
class Installation:
    """What becomes ``target``: the root in ``below``, or an empty one, with ``lock``'s packages.

    They are verified by ``keys``, or else with the ``keyring`` that was made of these. ``below``
    are a root archive and layers, on which ``target`` is another one if it ``is_layer``
    (`aimager.system.layers`); ``base_lock`` names the packages that they have. Where it is an
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
    base_lock: Path | None = None
    is_layer: bool = False
    reused: Path | None = None
    epoch: int | None = None
    pacman_static: Path | None = None
    borrowed: Path | None = None
    level: str = ""
    results: Path | None = None
    made: Path | None = None


def install_system(request: Installation) -> dict[str, str]:
    """Publish what ``request`` describes, and return the SHA-256 of what was summed, by name.

    :raises TrustError: when a package is not signed by a trusted key; none has been run then
    :raises ImageError: when what is installed is not what is locked
    :raises ConfigError: when the packages do not fit one another, or what an archive of the user's
        holds
    :raises HostError: when this machine lacks the id of an owner
    """
    packages = read_lock(request.lock).packages
    paths = (request.base_lock, *request.below, request.reused, request.pacman_static)
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
    known = read_lock(request.base_lock) if request.base_lock else Lock("", (), ())
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
        layer = Growing(Tree(root), on_others=bool(below)) if request.is_layer else None
        prepare_root(root)
        tree = Tree(root)
        ordered = {} if reused else initramfs_states(tree)
        packages = reused.missing(wanted) if reused else wanted.without(known)
        borrow, architecture = workshop.borrow, request.architecture
        with (
            chroot(tree, limits(workshop, wanted, reused, room=room.folder)) as bare,
            lending(tools, bare, architecture, wanted, borrow=borrow, log=log) as image,
            _locale_made_meanwhile(image, known, packages, log),
        ):
            _add_packages(request, tools, image, wanted, packages, epoch, log)
        progress.say(f"   installed {count(len(packages), 'package')}")
        _check(tree, wanted, others=reused is not None)
        refuse_accounts(tree, held_ids())
        settle_records(tree, epoch, [package for package in packages if package.is_signed])
        normalize_initramfs(tree, tools, workshop.work, ordered=ordered)
        settle_caches(tree, given)
        remove_identity(tree)
        tell_secrets(tree)
        refuse_excess(root, limits(workshop, wanted, reused, room=room.folder))
        _pack(request.target, tools, room, layer, epoch)


def _pack(target: Path, tools: Toolbox, room: Room, growing: Growing | None, epoch: int) -> None:
    """Publish the room's tree, or what became of it, and pass it on, if it is just that."""
    layer = growing.end() if growing else None
    room.settle(epoch)
    with progress.growing("packing", target):
        if layer:
            pack_layer(tools, Tree(room.root), layer, target, epoch=epoch, sums=asked_sums())
        else:
            pack_tree(tools, room.root, target, epoch=epoch, sums=asked_sums())
    if growing is None or growing.is_complete:
        room.pass_on(target)


def _add_packages(
    request: Installation,
    tools: Toolbox,
    image: Chroot,
    wanted: Lock,
    packages: Sequence[LockedPackage],
    epoch: int,
    log: IO[bytes],
) -> None:
    """Have pacman install ``packages`` of those that are ``wanted``, and tell which hooks failed.

    Meanwhile initramfs makers in ``image`` make one for any machine.
    """
    workshop, tree = request.workshop, image.tree
    pacman = choose_pacman(tools, request.pacman_static, workshop.work)
    if pacman is None:
        raise HostError("the host has no pacman", hint="leave tools=host out")
    unsigned = not all(package.is_signed for package in wanted.packages)
    folders = hook_folders(tree)
    taken = request.architecture.taken(request.level)
    trust = {"keys": request.keys, "keyring": request.keyring}
    verified = are_verified(tools, packages, workshop, log, **trust)
    conf = pacman_conf(taken, unsigned=unsigned, verified=verified, hooks=folders)
    write_conf(conf, workshop.work)
    own = Tree(workshop.work / "hooks")
    copy_links(tree, folders, own)
    programs = program_root(image, request.architecture, "usr/bin/kmod")
    results = Results(request.results, request.made)
    with (
        initramfs.universal(image, own.path),
        depmod_taken_over(image, own.path, folders, programs, results, log) as image,
        shell_on_failure(image, workshop.terminal),
    ):
        files = package_files(packages, workshop.store)
        at_work = PacmanRun(pacman, image, workshop.work, log, files)
        initramfs.tell_overridden(tree, folders)
        with _explaining(request.below[0] if request.reused else None):
            said = _install(tools, at_work, request, wanted, packages, epoch, verified)
        failed = failures(said, tree, own, ran_of(at_work.own_log()), folders)
        check_hooks(failed, request.architecture, workshop)


def _locale_made_meanwhile(
    image: Chroot, base: Lock, added: Sequence[LockedPackage], log: IO[bytes]
) -> AbstractContextManager[None]:
    """Make the default locale while packages are added, if ``base`` is not touched by them."""
    touched = {package.name for package in added} & {package.name for package in base.packages}
    if touched or not base.packages:
        return nullcontext()
    jail = image.jail()
    return default_made_meanwhile(image.tree, lambda argv: process.run(argv, within=jail, log=log))


def _install(
    tools: Toolbox,
    pacman: PacmanRun,
    request: Installation,
    wanted: Lock,
    packages: Sequence[LockedPackage],
    epoch: int,
    verified: bool,
) -> str:
    workshop = request.workshop
    store, home = workshop.store, workshop.work / "gnupg"
    signed = [package for package in packages if package.is_signed]
    if len(signed) < len(packages):
        # pacman will let an unsigned file pass, so the others are verified before it sees any.
        if not verified:
            verify(tools, home, signed, store)
        tell_unsigned([package for package in packages if not package.is_signed], store)
    try:
        explicit = [package.name for package in wanted.packages if package.name in wanted.requested]
        return install(pacman, packages, explicit=explicit, epoch=epoch)
    except TransactionError as error:
        # Where pacman verifies packages, it does so before it runs any; our own check has better
        # messages. It has a keyring of its own, which nothing that has run can have touched.
        if not verified:
            open_home(tools, request.keyring, workshop.work / "own-gnupg")
            verify(tools, workshop.work / "own-gnupg", signed, store)
        own = Tree(workshop.work / "hooks")
        failed = failures(error.said, pacman.image.tree, own, ran_of(pacman.own_log()))
        aborting = [failure for failure in failed if failure.aborts]
        if not aborting:
            raise
        raise ImageError(
            aborting[0].tell(", so pacman installed nothing"),
            hint=f"all output is in {workshop.log}; shell=yes opens a shell in the root",
        ) from error


@contextmanager
def _explaining(archive: Path | None) -> Iterator[None]:
    """Say in the user's terms why pacman refuses to install, be it to the root of ``archive``."""
    try:
        yield
    except TransactionError as error:
        explained = explain_refusal(error, archive) if archive else None
        if explained := explained or explain_file_conflict(error.said, IMAGE):
            raise explained from error
        raise


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

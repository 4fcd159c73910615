"""Having pacman install packages to a system, and what is told where that fails."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

from aimager import progress
from aimager.errors import HostError, ImageError
from aimager.model.lock import Lock, LockedPackage
from aimager.packages.hooks import copy_links, hook_folders
from aimager.packages.keyring import open_home, verify
from aimager.packages.pacman import (
    PacmanRun,
    TransactionError,
    choose_pacman,
    install,
    package_files,
    pacman_conf,
    write_conf,
)
from aimager.packages.pacman_output import explain_file_conflict
from aimager.sandbox.chroot import IMAGE, Chroot
from aimager.sandbox.native_programs import program_root
from aimager.sandbox.results import Results
from aimager.sandbox.tree import Tree, shown
from aimager.system import initramfs
from aimager.system.debug_shell import shell_on_failure
from aimager.system.hook_check import check_hooks
from aimager.system.hook_failures import failures
from aimager.system.initramfs_parts import find_part, kernel_packages
from aimager.system.installation import Installation
from aimager.system.known_hooks import depmod_taken_over
from aimager.system.package_trust import are_verified, tell_unsigned
from aimager.system.reused_root import explain_refusal
from aimager.system.transaction_parts import ran_of
from aimager.toolbox import Toolbox


def add_packages(
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


def add_kernels_again(
    request: Installation,
    tools: Toolbox,
    image: Chroot,
    wanted: Lock,
    added: Sequence[LockedPackage],
    epoch: int,
    log: IO[bytes],
) -> None:
    """Have the kernels installed again that were there, if packages ``added`` concern them."""
    names = {package.name for package in added}
    there = kernel_packages(image.tree) - names
    part = find_part(image.tree, names) if there else ""
    if part:
        kernels = [package for package in wanted.packages if package.name in there]
        told = ", ".join(package.name for package in kernels)
        progress.say(f"   {told}: installed again, for {shown(part)} may be part of an initramfs")
        work = request.workshop.work / "again"
        work.mkdir()
        again = replace(request, workshop=replace(request.workshop, work=work))
        add_packages(again, tools, image, wanted, kernels, epoch, log)


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

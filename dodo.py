"""The graph: what is made from what. ``doit list`` prints its tasks."""

import functools
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from doit import get_initial_workdir

from aimager import artifacts, demo
from aimager.build import Product
from aimager.distros import THIRD_PARTY_REPOSITORIES
from aimager.doit_support import group, load_build, reporting, stage
from aimager.errors import ConfigError
from aimager.plan import Plan, make_plan
from aimager.qemu import boot
from aimager.stages.borrow_root import BorrowRoot
from aimager.stages.fetch_packages import FetchPackages
from aimager.stages.fetch_pacman_static import FetchPacmanStatic
from aimager.stages.install_packages import InstallPackages
from aimager.stages.keyring_backup import KeyringBackup
from aimager.stages.keyring_init import KeyringInit
from aimager.stages.make_rootfs_archive import MakeRootfsArchive
from aimager.stages.pack_image import PackImage
from aimager.stages.resolve_packages import ResolvePackages
from aimager.stages.sync_databases import SyncDatabases

Tasks = Iterator[dict[str, Any]]

# Tasks that start doit anew, or build nothing, remember elsewhere what they did: doit reads its
# state when it starts and writes all of it when it ends.
OUTER = {"demo", "mirror", "test", "boot"}
DOIT_CONFIG = {
    "backend": "json",
    "dep_file": str(artifacts.doit_state("doit-outer" if OUTER & set(sys.argv) else "doit")),
    "sort": "definition",
    "default_tasks": ["build"],
    "verbosity": 2,
}

BUILD = load_build(Path(get_initial_workdir()), artifacts.CACHE)


@functools.cache
def plans() -> list[Plan]:
    """The plan of the build that was asked for, if one was."""
    return [make_plan(BUILD)] if BUILD else []


def task_fetch_pacman_static() -> Tasks:
    """fetch a pacman for this host, if it has none that will do"""
    yield group("fetch-pacman-static", task_fetch_pacman_static)
    repository = next(r for r in THIRD_PARTY_REPOSITORIES if r.id == "archlinuxcn")
    for plan in plans():
        if not plan.needs_pacman_static:
            continue
        name = plan.host.architecture.value
        request = FetchPacmanStatic(
            repository=replace(repository, keyring=plan.keyrings(repository)[0]),
            architecture=plan.host.architecture,
            target=artifacts.pacman_static(),
            mirrors=plan.build.mirrors,
            downloads=artifacts.downloads(f"{repository.id}-{name}"),
            workshop=artifacts.workshop("fetch-pacman-static", name),
        )
        yield stage("fetch-pacman-static", name, request)


def task_sync_databases() -> Tasks:
    """ask the mirrors for each repository's database"""
    yield group("sync-databases", task_sync_databases)
    for plan in plans():
        for platform in plan.platforms:
            request = SyncDatabases(
                platform=platform,
                target=artifacts.sync_databases(platform),
                mirrors=plan.mirrors(platform),
                downloads=artifacts.downloads(platform.id),
                workshop=artifacts.workshop("sync-databases", platform.id),
            )
            always = not (request.mirrors.offline and request.target.exists())
            yield stage("sync-databases", platform.id, request, always=always)


def task_resolve_packages() -> Tasks:
    """write the lock: exactly which packages will be installed"""
    yield group("resolve-packages", task_resolve_packages)
    for plan in plans():
        for wanted in plan.requests:
            request = ResolvePackages(
                platform=wanted.platform,
                databases=artifacts.sync_databases(wanted.platform),
                packages=wanted.packages,
                target=artifacts.lock(wanted.subject),
                welcome=wanted.welcome,
                dependencies=wanted.dependencies,
                pacman_static=plan.pacman_static,
                borrowed=None if wanted.bootstraps else plan.borrowed,
                mirrors=plan.mirrors(wanted.platform),
                workshop=artifacts.workshop("resolve-packages", wanted.subject),
            )
            tools = plan.tool_tasks(bootstraps=wanted.bootstraps)
            yield stage("resolve-packages", wanted.subject, request, tools)


def task_fetch_packages() -> Tasks:
    """fetch packages and signatures, checked against the lock"""
    yield group("fetch-packages", task_fetch_packages)
    for plan in plans():
        for wanted in plan.requests:
            request = FetchPackages(
                platform=wanted.platform,
                lock=artifacts.lock(wanted.subject),
                target=artifacts.fetched(wanted.subject),
                mirrors=plan.mirrors(wanted.platform),
                workshop=artifacts.workshop("fetch-packages", wanted.subject),
            )
            yield stage("fetch-packages", wanted.subject, request)


def task_keyring_init() -> Tasks:
    """make a pacman keyring from pinned keys, with native gpg"""
    yield group("keyring-init", task_keyring_init)
    for plan in plans():
        for platform in plan.platforms:
            subject = f"{platform.id}.keyring"
            request = KeyringInit(
                keyrings=plan.keyrings(platform.distro),
                lock=artifacts.lock(subject),
                fetched=artifacts.fetched(subject),
                target=artifacts.keyring(platform),
                workshop=artifacts.workshop("keyring-init", platform.id),
            )
            yield stage("keyring-init", platform.id, request)


def task_keyring_backup() -> Tasks:
    """archive what of a keyring verifies packages"""
    yield group("keyring-backup", task_keyring_backup)
    for plan in plans():
        for platform in plan.platforms:
            request = KeyringBackup(
                keyring=artifacts.keyring(platform),
                target=artifacts.keyring_backup(platform),
                workshop=artifacts.workshop("keyring-backup", platform.id),
            )
            yield stage("keyring-backup", platform.id, request)


def task_make_rootfs_archive() -> Tasks:
    """install a platform's base system, and unpack the programs that the host's lends"""
    yield group("make-rootfs-archive", task_make_rootfs_archive)
    for plan in plans():
        if plan.borrowed:
            subject = plan.borrow_subject
            lender = BorrowRoot(
                lock=artifacts.lock(subject),
                fetched=artifacts.fetched(subject),
                keyring=artifacts.keyring_backup(plan.host),
                target=plan.borrowed,
                workshop=artifacts.workshop("make-rootfs-archive", subject),
            )
            yield stage("make-rootfs-archive", subject, lender)
        platform = plan.build.platform
        request = MakeRootfsArchive(
            architecture=platform.architecture,
            lock=artifacts.lock(f"{platform.id}.rootfs"),
            fetched=artifacts.fetched(f"{platform.id}.rootfs"),
            keyring=artifacts.keyring_backup(platform),
            target=artifacts.rootfs_archive(platform),
            pacman_static=plan.pacman_static,
            borrowed=plan.borrowed,
            workshop=artifacts.workshop("make-rootfs-archive", platform.id),
        )
        yield stage("make-rootfs-archive", platform.id, request, plan.tool_tasks())


def task_install_packages() -> Tasks:
    """install the board's packages, every one verified"""
    yield group("install-packages", task_install_packages)
    for plan in plans():
        build, platform = plan.build, plan.build.platform
        request = InstallPackages(
            architecture=platform.architecture,
            rootfs=artifacts.rootfs_archive(platform),
            rootfs_lock=artifacts.lock(f"{platform.id}.rootfs"),
            lock=artifacts.lock(build.id),
            fetched=artifacts.fetched(build.id),
            keyring=artifacts.keyring_backup(platform),
            target=artifacts.system_archive(build),
            pacman_static=plan.pacman_static,
            borrowed=plan.borrowed,
            workshop=artifacts.workshop("install-packages", build.id),
        )
        yield stage("install-packages", build.id, request, plan.tool_tasks())


def task_pack_image() -> Tasks:
    """set the system up, and make root archive, partition images and disk image of it"""
    yield group("pack-image", task_pack_image)
    for plan in plans():
        build, distro = plan.build, plan.build.platform.distro
        request = PackImage(
            id=build.id,
            title=distro.name,
            architecture=build.platform.architecture,
            system=artifacts.system_archive(build),
            lock=artifacts.lock(build.id),
            setup=build.setup,
            table=build.board.partition_table,
            bootloader=build.board.bootloader,
            mirrorlist=distro.mirrorlist,
            mirror=distro.mirrors.url,
            root_size=build.root_size,
            products=build.products,
            targets=tuple(artifacts.product(build, product) for product in build.products),
            borrowed=plan.borrowed,
            workshop=artifacts.workshop("pack-image", build.id),
        )
        yield stage("pack-image", build.id, request, plan.tool_tasks())


def task_build() -> dict[str, Any]:
    """build what distro=, board= and the other variables describe"""

    def tell() -> None:
        if BUILD is None:
            raise ConfigError("there is nothing to build", hint="name it: distro= and board=")
        for product in BUILD.products:
            print(f"   {artifacts.product(BUILD, product)}")

    return {
        "actions": [(reporting, [tell])],
        "task_dep": [f"pack-image:{BUILD.id}"] if BUILD else [],
        "uptodate": [False],
    }


def task_boot() -> dict[str, Any]:
    """boot the image of distro= and board= in QEMU; ctrl-a x leaves"""

    def start() -> None:
        image = artifacts.product(BUILD, Product.disk) if BUILD else None
        if BUILD is None or BUILD.board.partition_table is None:
            raise ConfigError("there is nothing to boot", hint="name it: distro= and board=")
        if image is None or not image.exists():
            raise ConfigError(f"{image} does not exist", hint="make it with doit build")
        boot(BUILD.platform.architecture, image)

    return {"actions": [(reporting, [start])], "uptodate": [False]}


def task_mirror() -> dict[str, Any]:
    """make the stand-in mirror, of Debian's packages, in the cache"""
    return {
        "actions": [(reporting, [demo.make_mirror, [artifacts.mirror(), artifacts.mirror_work()]])],
        "uptodate": [False],
    }


def task_demo() -> dict[str, Any]:
    """build an image for this machine's architecture from the stand-in mirror, and boot it"""
    folder = Path(get_initial_workdir()) / "out"
    action = [Path(__file__), folder, artifacts.mirror(), artifacts.log("demo")]
    return {
        "actions": [(reporting, [demo.show, action])],
        "task_dep": ["mirror"],
        "uptodate": [False],
    }


def task_test() -> dict[str, Any]:
    """run all tests: style, units, real builds and boots"""

    def test() -> bool:
        return subprocess.run([sys.executable, "-m", "pytest"], check=False).returncode == 0

    return {"actions": [test], "uptodate": [False]}

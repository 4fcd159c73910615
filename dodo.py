"""The graph: what is made from what. ``doit list`` prints its tasks."""

import functools
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from doit import get_initial_workdir

from aimager.commands import actions as commands
from aimager.commands import build_summary as summary
from aimager.commands import command_line
from aimager.commands.doctor import diagnosis
from aimager.commands.listing import parameters
from aimager.commands.registry import Command, Told, list_commands
from aimager.graph import artifacts
from aimager.graph.console.history import Entry
from aimager.graph.console.reporter import Reporter
from aimager.graph.doit_tasks import Graph, command, group, printer, run_heard
from aimager.graph.install_request import install_request
from aimager.graph.keyring_news import with_news
from aimager.graph.plan import Plan, make_plan
from aimager.stages import (
    borrow_root,
    check_root_archive,
    fetch_packages,
    fetch_pacman_static,
    keyring_backup,
    keyring_init,
    make_rootfs_archive,
    pack_image,
    resolve_packages,
    sync_databases,
    take_lock,
)

Tasks = Iterator[dict[str, Any]]


class BuildReporter(Reporter):
    """Writes the reports of builds that fail, which no task of theirs can do."""

    def tell_of_failure(self, entries: Sequence[Entry]) -> str:
        return summary.report_failure(BUILDS, entries)


DOIT_CONFIG = {
    # doit itself remembers nothing: whether a task must run is seen from the cache of products,
    # which several builds may use at once and another machine may take over.
    "backend": "sqlite3",
    "dep_file": ":memory:",
    "sort": "definition",
    "default_tasks": ["build"],
    "verbosity": 2,
    "reporter": BuildReporter,
}

ASKS_FOR_BUILD = command_line.asks_for_build(sys.argv[1:])
BUILDS = command_line.load_builds(Path(get_initial_workdir()), artifacts.CACHE)


@functools.cache
def plans() -> list[Plan]:
    """The plans of the builds that were asked for."""
    anew = command_line.resolves_anew(sys.argv[1:])
    return [make_plan(build, None if anew else build.lock) for build in BUILDS]


GRAPH = Graph(
    artifacts.RUN,
    BUILDS,
    jobs=command_line.jobs_of(sys.argv[1:]),
    kept=artifacts.kept,
    maker=artifacts.maker,
    before=(lambda: diagnosis.require(plans())) if ASKS_FOR_BUILD else None,
    with_news=lambda error: with_news(plans(), error),
    variables=command_line.settings_of(sys.argv[1:]),
)


def task_fetch_pacman_static() -> Tasks:
    """fetch a pacman for this host, if it has none that will do"""
    yield group("fetch-pacman-static", task_fetch_pacman_static)
    for plan in plans():
        if not plan.needs_pacman_static:
            continue
        name = plan.host.architecture.value
        request = fetch_pacman_static.FetchPacmanStatic(
            repository=plan.pacman_static_source,
            architecture=plan.host.architecture,
            target=artifacts.pacman_static(name),
            mirrors=plan.build.mirrors,
            downloads=artifacts.downloads(f"{plan.pacman_static_source.id}-{name}"),
            workshop=artifacts.workshop("fetch-pacman-static", name),
        )
        yield from GRAPH.stage("fetch-pacman-static", name, request)


def task_sync_databases() -> Tasks:
    """ask the mirrors for each repository's database"""
    yield group("sync-databases", task_sync_databases)
    for plan in plans():
        for platform in () if plan.lock else plan.synced_platforms:
            request = sync_databases.SyncDatabases(
                platform=platform,
                target=artifacts.sync_databases(platform),
                mirrors=plan.mirrors(platform),
                downloads=artifacts.downloads(platform.plain.id),
                folder=plan.package_folder(platform),
                kept=artifacts.kept_databases(platform),
                workshop=artifacts.workshop("sync-databases", platform.id),
            )
            yield from GRAPH.stage("sync-databases", platform.id, request)


def task_resolve_packages() -> Tasks:
    """write the lock: exactly which packages will be installed"""
    yield group("resolve-packages", task_resolve_packages)
    for plan in plans():
        for wanted in plan.requests:
            target = artifacts.lock(wanted.subject)
            workshop = artifacts.workshop("resolve-packages", wanted.subject)
            request: take_lock.TakeLock | resolve_packages.ResolvePackages
            if plan.lock:
                request = take_lock.TakeLock(plan.lock, wanted.subject, target, workshop=workshop)
            else:
                request = resolve_packages.ResolvePackages(
                    platform=wanted.platform,
                    databases=artifacts.sync_databases(wanted.platform),
                    packages=wanted.packages,
                    target=target,
                    welcome=wanted.welcome,
                    dependencies=wanted.dependencies,
                    bootstraps=wanted.bootstraps,
                    initramfs=wanted.initramfs,
                    pacman_static=plan.pacman_static,
                    borrowed=None if wanted.bootstraps else plan.borrowed,
                    mirrors=plan.mirrors(wanted.platform),
                    workshop=workshop,
                )
            yield from GRAPH.stage("resolve-packages", wanted.subject, request)


def task_check_root_archive() -> Tasks:
    """see what the archive of reuse-root-tar= holds"""
    yield group("check-root-archive", task_check_root_archive)
    for plan in plans():
        platform, archive = plan.build.platform, plan.build.reused_root
        if archive:
            workshop = artifacts.workshop("check-root-archive", platform.id)
            target = artifacts.reused_root(platform)
            request = check_root_archive.CheckRootArchive(
                archive, platform.architecture, target, workshop=workshop
            )
            yield from GRAPH.stage("check-root-archive", platform.id, request)


def task_fetch_packages() -> Tasks:
    """fetch packages and signatures, checked against the lock"""
    yield group("fetch-packages", task_fetch_packages)
    for plan in plans():
        for wanted in plan.requests:
            request = fetch_packages.FetchPackages(
                platform=wanted.platform,
                lock=artifacts.lock(wanted.subject),
                target=artifacts.fetched(wanted.subject),
                folder=plan.package_folder(wanted.platform),
                reused=plan.reused if wanted.subject == plan.build.id else None,
                mirrors=plan.mirrors(wanted.platform),
                workshop=artifacts.workshop("fetch-packages", wanted.subject),
            )
            yield from GRAPH.stage("fetch-packages", wanted.subject, request)


def task_keyring_init() -> Tasks:
    """make a pacman keyring from pinned keys, with native gpg"""
    yield group("keyring-init", task_keyring_init)
    for plan in plans():
        for platform in plan.keyring_platforms:
            subject = f"{platform.id}.keyring"
            request = keyring_init.KeyringInit(
                keyrings=plan.platform_keyrings(platform),
                lock=artifacts.fetched(subject),
                targets=(artifacts.keyring(platform), artifacts.keys(platform)),
                borrowed=plan.borrowed,
                workshop=artifacts.workshop("keyring-init", platform.id),
            )
            yield from GRAPH.stage("keyring-init", platform.id, request)


def task_keyring_backup() -> Tasks:
    """archive what of a keyring verifies packages"""
    yield group("keyring-backup", task_keyring_backup)
    for plan in plans():
        for platform in plan.keyring_platforms:
            keyring, target = artifacts.keyring(platform), artifacts.keyring_backup(platform)
            workshop = artifacts.workshop("keyring-backup", platform.id)
            request = keyring_backup.KeyringBackup(keyring, target, workshop=workshop)
            yield from GRAPH.stage("keyring-backup", platform.id, request)


def task_make_rootfs_archive() -> Tasks:
    """install a platform's base system, and unpack the programs that the host's lends"""
    yield group("make-rootfs-archive", task_make_rootfs_archive)
    for plan in plans():
        if plan.borrowed and plan.lends:
            subject = plan.borrow_subject
            lender = borrow_root.BorrowRoot(
                keyrings=plan.platform_keyrings(plan.host),
                keyring_lock=artifacts.fetched(f"{plan.host.id}.keyring"),
                lock=artifacts.fetched(subject),
                target=plan.borrowed,
                emulates=plan.emulates,
                workshop=artifacts.workshop("make-rootfs-archive", subject),
            )
            yield from GRAPH.stage("make-rootfs-archive", subject, lender)
        platform = plan.build.platform
        if plan.reused:
            continue
        request = make_rootfs_archive.MakeRootfsArchive(
            architecture=platform.architecture,
            lock=artifacts.fetched(f"{platform.id}.rootfs"),
            keys=artifacts.keys(platform),
            keyring=artifacts.keyring_backup(platform),
            target=artifacts.rootfs_archive(platform),
            epoch=plan.build.epoch,
            pacman_static=plan.pacman_static,
            borrowed=plan.borrowed,
            workshop=artifacts.workshop("make-rootfs-archive", platform.id),
        )
        yield from GRAPH.stage("make-rootfs-archive", platform.id, request)


def task_install_packages() -> Tasks:
    """install the board's packages, every one verified"""
    yield group("install-packages", task_install_packages)
    for plan in plans():
        yield from GRAPH.stage("install-packages", plan.build.id, install_request(plan))


def task_pack_image() -> Tasks:
    """set the system up, and make root archive, partition images and disk image of it"""
    yield group("pack-image", task_pack_image)
    for plan in plans():
        build, distro = plan.build, plan.build.platform.distro
        request = pack_image.PackImage(
            id=build.id,
            title=distro.name,
            vendor=distro.vendor or distro.id,
            architecture=build.platform.architecture,
            system=artifacts.system_archive(build),
            lock=artifacts.lock(build.id),
            setup=build.setup,
            overlays=build.overlays,
            table=build.board.partition_table,
            boot=build.board.boot,
            mirrorlist=distro.mirrorlist,
            mirror=distro.mirrors.url,
            repositories=build.repositories,
            root_size=build.root_size,
            products=build.products,
            compressions=build.compressions,
            seed=build.seed,
            epoch=build.epoch,
            targets=artifacts.packed(build),
            disk_from=build.disk_from,
            reused=plan.reused,
            borrowed=plan.borrowed,
            workshop=artifacts.workshop("pack-image", build.id),
        )
        yield from GRAPH.stage("pack-image", build.id, request, delivery=artifacts.delivery(build))


def task_build() -> dict[str, Any]:
    """build what distro=, board= and the other variables describe"""
    return {
        "actions": [(run_heard, ["build", summary.show_results, (BUILDS, artifacts.diary())])],
        "uptodate": [False],
        "task_dep": [f"pack-image:{build.id}" for build in BUILDS],
        "params": parameters(),
    }


@functools.cache
def commands_of_ours() -> list[Command]:
    """The tasks that make no product."""
    told = Told(BUILDS, GRAPH, plans(), Path(get_initial_workdir()), Path(__file__))
    return list_commands(told)


def task_commands() -> Tasks:
    """what makes no product: it tells, shows, writes, removes or boots"""
    for it in commands_of_ours():
        yield {
            "basename": it.name,
            "doc": it.meaning,
            **(printer if it.prints else command)(it.action, *it.arguments, options=it.options),
            "task_dep": list(it.after),
        }


def task_test() -> dict[str, Any]:
    """run all tests: style, units, real builds and boots"""
    groups = {name[5:].replace("_", "-") for name in globals() if name[:5] == "task_"}
    options: dict[str, Any] = dict.fromkeys(groups - {"commands"}, ())
    options |= {it.name: it.options for it in commands_of_ours()} | {"build": parameters()}
    command_line.refuse_unknown_tasks(sys.argv[1:], options, GRAPH.results)  # all are there
    return {"actions": [commands.run_tests], "uptodate": [False]}

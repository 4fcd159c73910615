"""The graph: what is made from what. ``doit list`` prints its tasks."""

from functools import partial
from typing import Any

from aimager.commands import build_summary as summary
from aimager.commands import program
from aimager.commands.command_line import load_builds
from aimager.commands.listing import parameters
from aimager.commands.makers import find_makers
from aimager.commands.registry import Told, act, list_commands
from aimager.graph import artifacts
from aimager.graph.actions import run_heard
from aimager.graph.console.reporter import reporter
from aimager.graph.doit_tasks import Graph, Helpers, Stages, Tasks
from aimager.graph.keyring_news import with_news
from aimager.graph.planning import make_plans
from aimager.graph.systems import base_system, image_system, run_early, system
from aimager.stages import check_twice
from aimager.stages.borrow_root import BorrowRoot
from aimager.stages.check_root_archive import CheckRootArchive
from aimager.stages.fetch_packages import FetchPackages
from aimager.stages.fetch_pacman_static import FetchPacmanStatic
from aimager.stages.install_packages import InstallPackages
from aimager.stages.keyring_backup import KeyringBackup
from aimager.stages.keyring_init import KeyringInit
from aimager.stages.make_rootfs_archive import MakeRootfsArchive
from aimager.stages.pack_image import PackImage
from aimager.stages.resolve_packages import ResolvePackages
from aimager.stages.resolve_part import ResolvePart
from aimager.stages.reuse_root import ReuseRoot
from aimager.stages.sync_databases import SyncDatabases
from aimager.stages.take_lock import TakeLock

ASKED = program.asked(__file__)
BUILDS = load_builds(ASKED, artifacts.CACHE)
PLANS = make_plans(BUILDS, anew=ASKED.resolves_anew, elsewhere=find_makers(ASKED, BUILDS))
CHECKED = [plan for plan in PLANS if plan.build.check_twice]
GRAPH = Graph(
    artifacts.RUN,
    BUILDS,
    jobs=ASKED.jobs,
    anew=ASKED.always,
    alone=ASKED.single,
    before=partial(act, "doctor.diagnosis:require", PLANS) if ASKED.is_for_build else None,
    with_news=lambda error: with_news(PLANS, error),
    variables=ASKED.settings,
    expected=ASKED.expected,
)
DOIT_CONFIG = {
    # doit itself remembers nothing: whether a task must run is seen from the cache of products,
    # which several builds may use at once and another machine may take over.
    "backend": "sqlite3",
    "dep_file": ":memory:",
    "sort": "definition",
    "default_tasks": ["build"],
    "verbosity": 2,
    "reporter": reporter(lambda entries: summary.report_failure(BUILDS, entries, ASKED.variables)),
}


@GRAPH.stages
def task_fetch_pacman_static() -> Stages:
    """fetch a pacman for this host, if it has none that works"""
    for plan in PLANS:
        if plan.needs_pacman_static:
            name = plan.host.architecture.value
            stage = partial(
                FetchPacmanStatic,
                repository=plan.pacman_static_source,
                architecture=plan.host.architecture,
                target=artifacts.pacman_static(name),
                mirrors=plan.pacman_static_mirrors,
                downloads=artifacts.downloads(f"{plan.pacman_static_source.id}-{name}"),
            )
            yield name, stage


@GRAPH.stages
def task_check_root_archive() -> Stages:
    """see what the archive of reuse-root-tar= holds"""
    for plan in PLANS:
        platform, archive = plan.build.platform, plan.build.reused_root
        if archive:
            target = artifacts.reused_root(platform)
            yield platform.id, partial(CheckRootArchive, archive, platform.architectures, target)


@GRAPH.stages
def task_sync_databases() -> Stages:
    """ask the mirrors for each repository's database"""
    for plan in PLANS:
        for platform in () if plan.lock else plan.synced_platforms:
            stage = partial(
                SyncDatabases,
                platform=platform,
                target=artifacts.sync_databases(platform),
                mirrors=plan.mirrors(platform),
                downloads=artifacts.downloads(platform.plain.id),
                own=plan.own_packages(platform),
                kept=artifacts.kept_databases(platform),
            )
            yield platform.id, stage


@GRAPH.stages
def task_resolve_packages() -> Stages:
    """write the lock: exactly which packages will be installed"""
    for plan in PLANS:
        for wanted in plan.requests:
            target = artifacts.lock(wanted.subject)
            resolve = partial(
                ResolvePackages,
                platform=wanted.platform,
                databases=artifacts.sync_databases(wanted.platform),
                packages=wanted.packages,
                target=target,
                welcome=wanted.welcome,
                dependencies=wanted.dependencies,
                bootstraps=wanted.bootstraps,
                initramfs=wanted.initramfs,
                pacman_static=plan.pacman_static,
                borrowed=None if wanted.bootstraps else plan.resolver,
                mirrors=plan.mirrors(wanted.platform),
            )
            part = partial(
                ResolvePart,
                databases=artifacts.sync_databases(wanted.platform),
                whole=artifacts.lock(wanted.part_of),
                packages=wanted.packages,
                target=target,
                welcome=wanted.welcome,
                initramfs=wanted.initramfs,
            )
            take = partial(TakeLock, plan.lock, wanted.subject, target) if plan.lock else None
            yield wanted.subject, take or (part if wanted.part_of else resolve)


@GRAPH.stages
def task_fetch_packages() -> Stages:
    """fetch packages and signatures, checked against the lock"""
    for plan in PLANS:
        for wanted in plan.requests:
            stage = partial(
                FetchPackages,
                platform=wanted.platform,
                lock=artifacts.lock(wanted.subject),
                target=artifacts.fetched(wanted.subject),
                own=plan.own_packages(wanted.platform),
                reused=plan.reused if wanted.subject == plan.build.id else None,
                mirrors=plan.mirrors(wanted.platform),
            )
            yield wanted.subject, stage


@GRAPH.stages
def task_keyring_init() -> Stages:
    """make a pacman keyring from pinned keys, with native gpg"""
    for plan in PLANS:
        for platform in plan.keyring_platforms:
            stage = partial(
                KeyringInit,
                keyrings=plan.platform_keyrings(platform),
                lock=artifacts.fetched(f"{platform.id}.keyring"),
                targets=(artifacts.keyring(platform), artifacts.keys(platform)),
                elsewhere=plan.elsewhere(platform),
                borrowed=plan.borrowed_for(platform),
                older=plan.build.mirrors.older_keyring,
            )
            yield platform.id, stage


@GRAPH.stages
def task_keyring_backup() -> Stages:
    """archive what of a keyring verifies packages"""
    for plan in PLANS:
        for platform in plan.keyring_platforms:
            keyring, target = artifacts.keyring(platform), artifacts.keyring_backup(platform)
            yield platform.id, partial(KeyringBackup, keyring, target)


@GRAPH.stages
def task_make_rootfs_archive() -> Stages:
    """install a platform's base system, and unpack the programs that the host's lends"""
    for plan in PLANS:
        for lender in plan.lenders:
            stage = partial(
                BorrowRoot,
                keyrings=plan.platform_keyrings(lender.platform),
                keyring_lock=artifacts.fetched(f"{lender.platform.id}.keyring"),
                lock=artifacts.fetched(lender.subject),
                target=lender.archive,
                emulates=lender.emulates,
                elsewhere=plan.elsewhere(lender.platform),
                older=plan.build.mirrors.older_keyring,
            )
            yield lender.subject, stage
        if not plan.reused:
            yield plan.build.platform.id, base_system(plan, MakeRootfsArchive)


@GRAPH.helpers
def task_run_early() -> Helpers:
    """run programs of a board's packages early, while the base system below it is made"""
    for plan in PLANS:
        subject, base = plan.systems[0], f"make-rootfs-archive:{plan.build.platform.id}"
        if plan.lends and not plan.reused:
            yield subject, run_early(plan), f"install-packages:{subject}", base


@GRAPH.stages
def task_install_packages() -> Stages:
    """install the board's packages, then those beside them, every one verified"""
    for plan in PLANS:
        for subject in plan.systems:
            yield subject, system(plan, subject, InstallPackages, ReuseRoot)


@GRAPH.stages
def task_check_twice() -> Stages:
    """install everything again, and compare (check-twice=yes)"""
    for plan in CHECKED:
        platform = plan.build.platform
        if not plan.reused:
            stage = base_system(plan, check_twice.MakeRootfsArchiveAgain)
            made, target = artifacts.rootfs_archive(platform), artifacts.checked_twice(platform.id)
            yield platform.id, partial(stage, made=made, target=target)
        for subject in plan.systems:
            kinds = (check_twice.InstallPackagesAgain, check_twice.ReuseRootAgain)
            made, target = artifacts.system_layer(subject), artifacts.checked_twice(subject)
            yield subject, partial(system(plan, subject, *kinds), made=made, target=target)


@GRAPH.stages
def task_pack_image() -> Stages:
    """set the system up, and make archives, partition images and disk images of it"""
    for plan in PLANS:
        build, distro = plan.build, plan.build.platform.distro
        stage = partial(
            image_system(plan, PackImage),
            vendor=distro.vendor or distro.id,
            root_size=build.root_size,
            products=build.products,
            compressions=build.compressions,
            recipe=build.whole_recipe,
            image_name=build.image_name,
            targets=artifacts.packed(build),
        )
        yield build.id, stage, artifacts.delivery(build)


def task_build() -> dict[str, Any]:
    """build what distro=, board= and the other variables describe"""
    shown = (BUILDS, artifacts.diary(), ASKED.variables)
    return {
        "actions": [(run_heard, ["build", summary.show_results, shown])],
        "uptodate": [False],
        "task_dep": [f"pack-image:{b.id}" for b in BUILDS] + ["check-twice"] * bool(CHECKED),
        "params": parameters(),
    }


def task_commands() -> Tasks:
    """what makes no product: it tells, shows, writes, removes or boots"""
    yield from list_commands(Told(ASKED, BUILDS, GRAPH, PLANS))

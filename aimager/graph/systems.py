"""The stages that install what a plan's images hold, each on the system below it, and set it up."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from aimager.graph import artifacts
from aimager.graph.doit_tasks import MakeStage
from aimager.graph.plan import Plan
from aimager.model.workshop import Workshop
from aimager.stages.image_system import ImageSystem
from aimager.stages.install_packages import InstallPackages
from aimager.stages.make_rootfs_archive import MakeRootfsArchive
from aimager.stages.open_shell import OpenShell
from aimager.stages.reuse_root import ReuseRoot
from aimager.stages.run_early import RunEarly


def base_system(plan: Plan, make: type[MakeRootfsArchive]) -> MakeStage:
    """The stage that makes the base system of a plan's platform."""
    platform = plan.build.platform
    return partial(
        make,
        architecture=platform.architecture,
        level=platform.level,
        lock=artifacts.fetched(f"{platform.id}.rootfs"),
        keys=artifacts.keys(platform),
        keyring=artifacts.keyring_backup(platform),
        target=artifacts.rootfs_archive(platform),
        epoch=plan.build.epoch,
        pacman_static=plan.pacman_static,
        borrowed=plan.installer,
    )


def run_early(plan: Plan) -> Callable[..., RunEarly]:
    """What runs programs of a plan's packages early; it lacks its ``workshop``.

    ``early``, it does not wait until these are resolved.
    """
    return partial(_run_early, plan)


def _run_early(plan: Plan, *, early: bool, workshop: Workshop) -> RunEarly:
    is_locked = not early or plan.lock is not None
    sources, lender = plan.build.sources, plan.install_lender
    signed = sources.signed
    return RunEarly(
        platform=sources,
        names=plan.build.installs,
        databases=None if is_locked else artifacts.sync_databases(sources),
        lock=artifacts.fetched(plan.systems[0]) if is_locked else None,
        keyrings=plan.platform_keyrings(signed),
        keyring_lock=artifacts.fetched(f"{signed.id}.keyring"),
        elsewhere=plan.elsewhere(signed),
        lender_keyrings=plan.platform_keyrings(lender.platform),
        lender_keyring_lock=artifacts.fetched(f"{lender.platform.id}.keyring"),
        lender_elsewhere=plan.elsewhere(lender.platform),
        lender_lock=artifacts.fetched(lender.subject),
        mirrors=plan.mirrors(sources),
        older=plan.build.mirrors.older_keyring,
        workshop=workshop,
    )


def system(
    plan: Plan, subject: str, install: type[InstallPackages], reuse: type[ReuseRoot]
) -> MakeStage:
    """The stage that makes the system of a plan's build, or of its board alone, by ``subject``."""
    build, platform, sources = plan.build, plan.build.platform, plan.build.sources.signed
    below = plan.systems[: plan.systems.index(subject)]
    root: partial[Any] = partial(
        install,
        below=(artifacts.rootfs_archive(platform), *map(artifacts.system_layer, below)),
        below_lock=artifacts.lock(below[-1] if below else f"{platform.id}.rootfs"),
    )
    if build.reused_root and plan.reused:
        root = partial(reuse, archive=build.reused_root, reused=plan.reused)
    return partial(
        root,
        architecture=platform.architecture,
        level=platform.level,
        lock=artifacts.fetched(subject),
        keys=artifacts.keys(sources),
        keyring=artifacts.keyring_backup(sources),
        target=artifacts.system_layer(subject),
        epoch=build.epoch,
        pacman_static=plan.pacman_static,
        borrowed=plan.installer,
    )


def image_system(plan: Plan, make: type[ImageSystem]) -> "partial[Any]":
    """What sets the system of a plan's build up as its image is to have it."""
    build, distro = plan.build, plan.build.platform.distro
    base = () if plan.reused else (artifacts.rootfs_archive(build.platform),)
    return partial(
        make,
        id=build.image_id,
        title=distro.name,
        architecture=build.platform.architecture,
        systems=(*base, *map(artifacts.system_layer, plan.systems)),
        lock=artifacts.lock(build.id),
        setup=build.setup,
        overlays=build.overlays,
        table=build.board.partition_table,
        boot=build.board.boot,
        mirrorlist=distro.mirrorlist,
        mirror=distro.mirrors.url,
        repositories=build.image_repositories,
        level=build.platform.level,
        own_repositories=build.own_repositories,
        seed=build.seed,
        epoch=build.epoch,
        disk_from=build.disk_from,
        reused=plan.reused,
        user_keys=build.mirrors.trusted_keys,
        borrowed=plan.borrowed,
    )


def shell(plan: Plan, target: Path | None) -> OpenShell:
    """A shell in that system; ``target`` is the archive to make of it at its end."""
    build = plan.build
    workshop = replace(
        artifacts.workshop("shell", build.id),
        memory=build.memory,
        borrow=build.borrow,
        terminal=build.terminal,
    )
    stage: OpenShell = image_system(plan, OpenShell)(target=target, workshop=workshop)
    return stage

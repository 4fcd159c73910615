"""What installs a build's packages: on its platform's base system, or on the user's archive."""

from typing import Any

from aimager.graph import artifacts
from aimager.graph.plan import Plan
from aimager.stages.install_packages import InstallPackages
from aimager.stages.reuse_root import ReuseRoot


def install_request(plan: Plan) -> InstallPackages | ReuseRoot:
    """The stage that does it."""
    build, platform, sources = plan.build, plan.build.platform, plan.build.sources.signed
    both: dict[str, Any] = {
        "architecture": platform.architecture,
        "lock": artifacts.fetched(build.id),
        "keys": artifacts.keys(sources),
        "keyring": artifacts.keyring_backup(sources),
        "target": artifacts.system_archive(build),
        "epoch": build.epoch,
        "pacman_static": plan.pacman_static,
        "borrowed": plan.borrowed,
        "workshop": artifacts.workshop("install-packages", build.id),
    }
    if build.reused_root and plan.reused:
        return ReuseRoot(archive=build.reused_root, reused=plan.reused, **both)
    return InstallPackages(
        rootfs=artifacts.rootfs_archive(platform),
        rootfs_lock=artifacts.lock(f"{platform.id}.rootfs"),
        **both,
    )

"""How the plans of a run are made."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from aimager.distros import platform_for_host
from aimager.graph.plan import Plan
from aimager.model.architecture import Architecture, host_architecture
from aimager.model.build import Build, Tools
from aimager.model.distro import Platform
from aimager.packages.lock_file import read_lock_file
from aimager.packages.pacman import host_has_pacman


def make_plans(
    builds: Sequence[Build], *, anew: bool, elsewhere: Collection[Architecture] = ()
) -> list[Plan]:
    """The plans of a run, from the packages of lock files, unless these are made ``anew``.

    Builds for the architectures ``elsewhere`` are made by machines of these, unless a lock file
    lacks what these borrow.

    :raises HostError: when no distribution runs on this machine
    """
    plans = [
        make_plan(build, None if anew else build.lock, builds, elsewhere=elsewhere)
        for build in builds
    ]
    lacking = {plan.maker.architecture for plan in plans if not plan.is_made_here and _lacks(plan)}
    if lacking:
        return make_plans(builds, anew=anew, elsewhere=set(elsewhere) - lacking)
    return [replace(plan, others=tuple(plans)) for plan in plans]


def _lacks(plan: Plan) -> bool:
    """Whether its lock file, if it has one, lacks something that is borrowed."""
    parts = read_lock_file(plan.lock).parts if plan.lock else None
    return parts is not None and any(lender.subject not in parts for lender in plan.lenders)


def make_plan(
    build: Build,
    lock: Path | None,
    others: Sequence[Build] = (),
    *,
    elsewhere: Collection[Architecture] = (),
) -> Plan:
    """The plan of ``build``, from the packages of the lock file ``lock``, if any.

    ``others`` are all builds of its run. Those for the architectures ``elsewhere`` are made by
    machines of these.

    :raises HostError: when no distribution runs on this machine
    """
    host = maker = _lending(host_architecture(), others or (build,))
    if build.platform.architecture in elsewhere:
        maker = _lending(build.platform.architecture, others or (build,))
    board = f"{build.id}.board"
    is_layered = build.is_layered and build.reused_root is None
    if lock and is_layered:
        is_layered = board in read_lock_file(lock).parts  # older ones lack it
    layer = board if is_layered else ""
    plan = Plan(build, host, maker, needs_pacman_static=False, lock=lock, board_subject=layer)
    is_apart = len(plan.lenders) > 1
    if lock and is_apart and plan.install_lender.subject not in read_lock_file(lock).parts:
        plan = replace(plan, installs_by_all=True)
    resolves = lock is None or build.tools is Tools.host
    # The borrowed root's pacman does the work wherever there is one.
    usual = not plan.lends and not host_has_pacman()
    wanted = usual if build.pacman_static is None else build.pacman_static
    return replace(plan, needs_pacman_static=resolves and wanted)


def _lending(architecture: Architecture, builds: Sequence[Build]) -> Platform:
    """The platform that lends to machines of ``architecture``: with what the user says of it.

    :raises HostError: when no distribution runs on them
    """
    plain = platform_for_host(architecture)
    same = [build.platform for build in builds if build.platform.id == plain.id]
    return same[-1] if same else plain

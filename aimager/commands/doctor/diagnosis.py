"""What ``doit doctor`` examines, and what of it every build does before its first download."""

import json
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from aimager import openssh, units
from aimager.codec import encode
from aimager.commands.doctor import cache_folder, ids, network
from aimager.commands.doctor.emulation import check_emulation
from aimager.commands.doctor.finding import Finding, State, examine, first_missing, lines
from aimager.commands.doctor.kernel import Tried, check_apparmor, check_namespaces, try_namespaces
from aimager.commands.doctor.namespace import check_whole
from aimager.commands.folders import make_cache
from aimager.distros import platform_for_host
from aimager.errors import ConfigError, HostError
from aimager.graph import artifacts
from aimager.graph.plan import Plan
from aimager.memory import available
from aimager.model.architecture import Architecture, host_architecture
from aimager.model.build import MirrorChoice, Tools
from aimager.model.distro import Platform
from aimager.model.lock import COPIES, Lock, read_lock
from aimager.openssh import SigningKey
from aimager.packages.lock_file import lock_of, read_lock_file
from aimager.packages.mirrors import repository_urls
from aimager.packages.store import check_space
from aimager.products.run_folder import hold_run_folder
from aimager.toolbox import Toolbox
from aimager.units import count

_PROGRAMS = ("gpg", "tar", "mke2fs", "mkfs.fat", "mcopy", "sfdisk", "zstd", "xz")
"""The host's programs that a build runs with tools=host, as setup.sh installs them."""
_OF_USERS = ("newuidmap", "newgidmap")
SMALL = 4 << 30
"""Bytes that a small build takes, with all that it keeps."""


def require(plans: Sequence[Plan]) -> None:
    """Check quickly that this machine has what the builds of ``plans`` need.

    :raises HostError: for the first that it lacks
    """
    tried = try_namespaces()
    error = first_missing(
        [
            *_of_cache(artifacts.CACHE),
            *_of_programs(plans),
            *_of_kernel(tried),
            *_of_user(),
            *_of_emulation(plans, tried),
            *_of_keys(plans),
            _clock(plans, ()),
        ]
    )
    if error:
        raise error


def tell(plans: Sequence[Plan], *, as_json: bool = False) -> None:
    """Print all that was found for the builds of ``plans``, or, without one, for any.

    :raises HostError: when something is missing that a build needs
    """
    findings = list(diagnose(plans))
    missing = first_missing(findings)
    if as_json:
        found = {"ok": missing is None, "findings": [encode(finding) for finding in findings]}
        sys.stdout.write(json.dumps(found, indent=1) + "\n")
    else:
        for line in lines(findings):
            print(line)
    if missing:
        number = sum(finding.state is State.missing for finding in findings)
        raise HostError(f"a build lacks {number} of its needs here", hint="what to type is above")


def diagnose(plans: Sequence[Plan]) -> Iterator[Finding]:
    """All that can be found for the builds of ``plans``, or, without one, for any."""
    tried = try_namespaces()
    yield from _of_kernel(tried)
    of_user, of_cache = list(_of_user()), list(_of_cache(artifacts.CACHE))
    yield from of_user
    if not tried.is_refused and first_missing(of_user + of_cache[:1]) is None:
        yield examine("a whole namespace", _try_whole)
    yield from _of_programs(plans)
    yield from of_cache
    if of_cache[1:]:
        yield _disk(plans)
    yield examine("memory", lambda: f"{units.size(available())} available")
    yield from _of_emulation(plans, tried)
    yield from _of_keys(plans)
    dates: list[float] = []
    yield from _of_mirrors(plans, dates)
    yield _clock(plans, dates)


def _of_kernel(tried: Tried) -> Iterator[Finding]:
    program = Path(sys.executable).resolve()
    yield examine("namespaces", partial(check_namespaces, tried))
    yield examine("AppArmor", partial(check_apparmor, tried, program))


def _of_user() -> Iterator[Finding]:
    for kind in ("uid", "gid"):
        yield examine(f"new{kind}map", partial(ids.check_map_program, kind))
        yield examine(f"sub{kind}", partial(ids.check_ids, kind))


def _try_whole() -> str:
    hold_run_folder(artifacts.RUN)
    return check_whole(artifacts.RUN / "doctor")


def _of_programs(plans: Sequence[Plan]) -> Iterator[Finding]:
    for name in _PROGRAMS if any(plan.build.tools is Tools.host for plan in plans) else ():
        yield examine(name, partial(_find, name))
    yield examine("PATH", partial(ids.check_path, _OF_USERS), needed=False)


def _find(program: str) -> str:
    Toolbox(None).root_of(program)
    return "is there"


def _of_cache(folder: Path) -> Iterator[Finding]:
    """One finding, if the folder cannot be used at all."""
    made = examine("cache", partial(make_cache, folder))
    if made.state is State.missing:
        yield made
        return
    for subject, check in (
        ("cache: names", cache_folder.check_names),
        ("cache: links", cache_folder.check_links),
        ("cache: locks", cache_folder.check_locks),
        ("cache: programs", cache_folder.check_programs),
    ):
        yield examine(subject, partial(check, folder))


def _of_emulation(plans: Sequence[Plan], tried: Tried) -> Iterator[Finding]:
    here = [plan for plan in plans if plan.is_made_here]
    built = {plan.build.platform.architecture: plan.borrowed is not None for plan in here}
    for architecture in built or (() if plans else Architecture):
        subject = f"programs for {architecture}"
        borrows = built.get(architecture, True)
        check = partial(check_emulation, architecture, tried, borrows=borrows)
        yield examine(subject, check, needed=architecture in built)


def _of_keys(plans: Sequence[Plan]) -> Iterator[Finding]:
    """What signs and verifies: tried, so that no build ends with what cannot be signed."""
    builds = [plan.build for plan in plans]
    keys = {"sign": {b.sign for b in builds}, "remote-key": {b.remote_trust.key for b in builds}}
    for variable, paths in keys.items():
        for path in sorted(path for path in paths if path):
            yield examine(f"{variable}=", SigningKey(path).try_out)
    if any(build.remote_trust.allowed for build in builds):
        yield examine("ssh-keygen", openssh.find_program)


def _of_mirrors(plans: Sequence[Plan], dates: list[float]) -> Iterator[Finding]:
    """Each repository's mirrors, once; without a build those of the host's platform."""
    asked: dict[tuple[Platform, MirrorChoice], None] = {}
    for plan in plans:
        if not plan.build.mirrors.offline:
            asked |= dict.fromkeys((p, plan.mirrors(p)) for p in plan.synced_platforms)
    if not plans:
        asked[platform_for_host(host_architecture()), MirrorChoice()] = None
    from aimager.packages.download import Client

    client = Client(patience=0)
    for platform, choice in asked:
        for repository in _repositories(platform):
            urls = [f"{u}/{repository}.db" for u in repository_urls(platform, repository, choice)]
            yield examine(
                f"mirrors of {repository} of {platform.plain.id}",
                partial(network.check_mirrors, urls, client, dates),
                needed=bool(plans),
            )


def _repositories(platform: Platform) -> tuple[str, ...]:
    return (platform.distro.core_repository, *(r.id for r in platform.repositories))


def _clock(plans: Sequence[Plan], dates: Sequence[float]) -> Finding:
    locked = [read_lock_file(plan.lock).packages.values() for plan in plans if plan.lock]
    built = [p.build_date for lock in locked for packages in lock for p in packages]
    return examine("clock", partial(network.check_clock, dates, max(built, default=0)))


def _lock_of(plan: Plan) -> Lock | None:
    """What is known of the packages of a build: the user's lock, or that of the last time."""
    if plan.lock:
        return lock_of(read_lock_file(plan.lock), plan.build.id)
    kept = artifacts.kept("resolve-packages", plan.build.id)
    for record in kept.records():
        try:
            return read_lock(kept.folder / record.id / "lock.json")
        except (ConfigError, OSError):
            continue
    return None


def _disk(plans: Sequence[Plan]) -> Finding:
    """Whether there is room for the builds, as far as their packages are known."""
    locks = [lock for plan in plans if (lock := _lock_of(plan))]
    fetched = {p.path(artifacts.store()): p.size for lock in locks for p in lock.packages}
    size = sum(size for path, size in fetched.items() if not path.exists())
    size += COPIES * sum(lock.installed_size for lock in locks)
    what = f"the build of {count(len(fetched), 'package')}" if locks else "a small build"
    check = partial(check_space, artifacts.CACHE, size or SMALL, what)
    return examine("disk", check, needed=bool(locks))

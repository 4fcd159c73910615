"""Whether the mirror has a newer keyring package than the one that did not trust a package."""

from collections.abc import Iterator, Sequence

from aimager.errors import AimagerError, KeyTroubleError
from aimager.graph import artifacts
from aimager.graph.plan import Plan
from aimager.model.distro import Keyring, Platform
from aimager.model.lock import LockedPackage, find_package, read_lock
from aimager.packages.fetch_database import Database, fetch_databases, look_up
from aimager.packages.lock_file import lock_of, read_lock_file
from aimager.packages.mirrors import repository_urls


def with_news(plans: Sequence[Plan], error: KeyTroubleError) -> KeyTroubleError:
    """The same error, whose hint begins with what is known of distributions and newer keyrings."""
    troubles = [
        f"{plan.build.platform.distro.name}: {plan.build.platform.distro.trouble}"
        for plan in plans
        if plan.build.platform.distro.trouble
    ]
    news = [
        line
        for plan in plans
        for platform in plan.keyring_platforms
        for keyring in plan.platform_keyrings(platform)
        for line in _tell(plan, platform, keyring)
    ]
    known = dict.fromkeys((*troubles, *news))
    return KeyTroubleError(error.message, hint="; ".join((*known, error.hint)))


def _tell(plan: Plan, platform: Platform, keyring: Keyring) -> Iterator[str]:
    if not keyring.package:
        yield f"the keys of {keyring.name} are those of your own file"
        return
    try:
        used = _used(plan, platform, keyring.package)
        if used is None:
            return
        if plan.lock is None:  # its databases have just been asked for
            yield f"{used} is the newest that the mirror has"
            return
        if plan.build.mirrors.offline:
            yield f"{used} is used, and with offline=yes no mirror is asked for a newer one"
            return
        newest = _newest(plan, platform, used)
    except AimagerError as error:
        yield f"whether there is a newer {keyring.package} is not known ({error.message})"
        return
    if newest is None or newest.version == used.version:
        yield f"{used} is used, and the mirror has no newer one"
    else:
        yield (
            f"{used} is used, and the mirror has {newest.version}: doit update lock={plan.lock}"
            " takes it"
        )


def _used(plan: Plan, platform: Platform, name: str) -> LockedPackage | None:
    subject = f"{platform.id}.keyring"
    lock = (
        lock_of(read_lock_file(plan.lock), subject)
        if plan.lock
        else read_lock(artifacts.lock(subject))
    )
    return find_package(lock.packages, name)


def _newest(plan: Plan, platform: Platform, used: LockedPackage) -> LockedPackage | None:
    urls = repository_urls(platform, used.repository, plan.mirrors(platform))
    path = artifacts.downloads(platform.plain.id) / f"{used.repository}.db"
    work = artifacts.RUN / "keyring-news"
    fetch_databases([Database(used.repository, urls, path)], work=work, is_quiet=True)
    return look_up(used.repository, path, [used.name], work=work).get(used.name)

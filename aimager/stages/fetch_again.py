"""Fetching again, once, what a stage refuses of the store.

A mirror may have been made anew since a package was fetched, with signatures by other keys. That
is seen only where signatures are verified, by which time the packages count as fetched.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from aimager import progress, units
from aimager.errors import SuppliedError, TrustError
from aimager.model.lock import LockedPackage
from aimager.packages.store import Refused, digest_of, put_back, read_refused
from aimager.products.stage import Stage, all_inputs
from aimager.stages.fetch_packages import FetchPackages

T = TypeVar("T")


def run_fetching_again(stage: Stage, stages: Iterable[Stage]) -> Mapping[str, str] | None:
    """Run ``stage`` as `fetching_again` does, with those of ``stages`` that fetch for it.

    :raises TrustError: as `fetching_again`
    """
    given: Any = stage
    read = all_inputs(stage)
    fetches = [
        replace(other, workshop=given.workshop)  # in whose folder nothing else is at work
        for other in stages
        if isinstance(other, FetchPackages) and other.target in read
    ]
    return fetching_again(stage.run, fetches)


def fetching_again(action: Callable[[], T], fetches: Sequence[FetchPackages]) -> T:
    """Do what verifies packages, and again where a mirror has other files than it refused.

    No file is asked for twice, so a mirror that has nothing better ends it. The store has the old
    signatures then: the fault may be of the keys that the user names, or of a mirror for a day.

    :raises TrustError: what was refused, where the mirrors have the same, or do not give it
    """
    asked, old = set[str](), dict[LockedPackage, bytes]()
    while True:
        try:
            return action()
        except TrustError as error:
            if not error.refused or not fetches:
                raise
            if not asked.isdisjoint(error.refused):
                _put_back(old, fetches, error.refused)
                _tell(error, _SAME)
                raise
            if any(fetch.mirrors.offline for fetch in fetches):
                _tell(error, _OFFLINE)
                raise
            asked |= error.refused.keys()
            now = dict(_signatures(error.refused, fetches))
            try:
                _fetch(error, fetches)
            except TrustError:
                _put_back(now, fetches, None)  # and not what came before, which may be good
                raise
            old |= now


_SAME = "a mirror has just been asked again, and this is what it has"
_OFFLINE = "a build without offline=yes asks a mirror for another signature"


def _signatures(
    refused: Refused, fetches: Sequence[FetchPackages]
) -> Iterator[tuple[LockedPackage, bytes]]:
    """The signatures that were refused, where they are still there."""
    for fetch in fetches:
        for package in fetch.signed():
            signature = read_refused(package, fetch.workshop.store, refused)
            if signature is not None:
                yield package, signature


def _fetch(error: TrustError, fetches: Sequence[FetchPackages]) -> None:
    """Fetch what was refused of the store.

    :raises TrustError: ``error``, when nothing else has come of it
    """
    number = units.count(len(error.refused), "file")
    progress.say(f"   {error.message}; {number} refused, which a mirror is asked for again")
    try:
        for fetch in fetches:
            replace(fetch, refused=error.refused).run()
    except SuppliedError as reason:
        _tell(error, f"the next build asks a mirror again, which failed now: {reason.message}")
        raise error from reason
    store = fetches[0].workshop.store
    if all(digest_of(store / name) == sha256 for name, sha256 in error.refused.items()):
        _tell(error, _SAME)
        raise error


def _put_back(
    old: Mapping[LockedPackage, bytes], fetches: Sequence[FetchPackages], refused: Refused | None
) -> None:
    for package, signature in old.items():
        put_back(package, fetches[0].workshop.store, signature, refused)


def _tell(error: TrustError, more: str) -> None:
    error.hint = "; ".join(filter(None, (error.hint, more)))

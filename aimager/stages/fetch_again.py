"""Fetching again, once, what a stage refuses of the store.

A mirror may have been made anew since a package was fetched, with signatures by other keys. That
is seen only where signatures are verified, by which time the packages count as fetched.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from aimager import progress, units
from aimager.errors import SuppliedError, TrustError
from aimager.packages.store import is_file_of
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

    No file is asked for twice, so a mirror that has nothing better ends it.

    :raises TrustError: what was refused, where the mirrors have the same, or do not give it
    """
    asked = set[str]()
    while True:
        try:
            return action()
        except TrustError as error:
            if not error.refused or not fetches:
                raise
            if not asked.isdisjoint(error.refused):
                _tell(error, _SAME)
                raise
            asked |= error.refused.keys()
            _fetch(error, fetches)


_SAME = "a mirror has just been asked again, and this is what it has"


def _fetch(error: TrustError, fetches: Sequence[FetchPackages]) -> None:
    """Fetch what is gone from the store.

    :raises TrustError: ``error``, when nothing better has come of it
    """
    number = units.count(len(error.refused), "file")
    progress.say(f"   {error.message}; {number} refused, which a mirror is asked for again")
    try:
        for fetch in fetches:
            fetch.run()
    except SuppliedError as reason:
        _tell(error, f"the next build fetches it anew, which failed now: {reason.message}")
        raise error from reason
    store, refused = fetches[0].workshop.store, error.refused.items()
    other = {Path(name).parent for name, sha256 in refused if not is_file_of(store / name, sha256)}
    if any(Path(name).parent not in other for name in error.refused):  # a package as it was
        _tell(error, _SAME)
        raise error


def _tell(error: TrustError, more: str) -> None:
    error.hint = "; ".join(filter(None, (error.hint, more)))

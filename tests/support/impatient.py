"""Downloads that ask a mirror again without a pause.

They are made in namespaces of their own, by processes that know nothing of what a test has
changed: there, these functions are called in the place of those that they call.
"""

from collections.abc import Callable

from aimager.packages import download, fetch_database
from aimager.packages.fetch_database import Given, Wishes
from aimager.packages.fetch_package import PackageWishes
from aimager.packages.fetch_package import download_packages as _packages

Replace = Callable[[object, str, object], object]
"""``setattr``, or one that undoes it."""

_PAUSE = 0.001
"""Seconds, in the place of one and a half."""

_databases = fetch_database.download_databases


def download_databases(asked: Wishes) -> tuple[Given, ...]:
    """Fetch databases, without a pause."""
    download._PAUSE = _PAUSE
    return _databases(asked)


def download_packages(asked: PackageWishes) -> None:
    """Fetch packages, without a pause."""
    download._PAUSE = _PAUSE
    _packages(asked)


def hurry(replace: Replace) -> None:
    """Have this process and its namespaces make all downloads so."""
    from aimager.stages import fetch_packages

    replace(download, "_PAUSE", _PAUSE)
    replace(fetch_database, "download_databases", download_databases)
    replace(fetch_packages, "download_packages", download_packages)

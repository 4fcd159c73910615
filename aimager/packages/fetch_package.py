"""Getting packages and their signatures, several files at once.

It needs the network, and the files that it is given, to which it writes: nothing of the store.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aimager import limits, progress
from aimager.errors import DownloadError, TrustError
from aimager.model.lock import LockedPackage
from aimager.packages.download_errors import Report
from aimager.packages.mirror_fallback import Fallback, NoMirrorError
from aimager.packages.openpgp.signature import read_signatures

if TYPE_CHECKING:
    from aimager.packages.download import Client

_CONNECTIONS = 5


class _EndedError(Exception):
    """Another download failed, or Ctrl-C came: this one is to stop where it is."""


_NOBODY_SIGNS = (
    "a repository that signs nothing is not taken: fetch the package, check it, and name it"
    " with packages=FOLDER or install-pkgs=FILE"
)


@dataclass(frozen=True)
class PackageWish:
    """To have ``package`` in the file ``part``, and its signature in the file ``signature``.

    ``urls`` are mirrors, and ``archive`` keeps old versions, where there is one. ``part`` may hold
    the beginning, and is kept whatever happens. Without ``signature`` it is not wanted, and
    without ``part`` the package is not. ``is_added`` tells that its repository is not the
    distribution's own.
    """

    package: LockedPackage
    urls: tuple[str, ...]
    archive: str = ""
    part: Path | None = None
    signature: Path | None = None
    is_added: bool = False


@dataclass(frozen=True)
class PackageWishes:
    """What `download_packages` is to do."""

    wishes: tuple[PackageWish, ...]


def download_packages(asked: PackageWishes) -> None:
    """Fetch what is wished for, each package as its database describes it.

    :raises DownloadError: when no mirror gives one
    :raises TrustError: when one has no signature
    """
    from aimager.packages.download import Client

    clients, fallback = threading.local(), Fallback()
    size = sum(wish.package.size for wish in asked.wishes if wish.part)
    count, ended = progress.counting("downloading", size), threading.Event()

    def report(more: int) -> None:
        if ended.is_set():
            raise _EndedError
        count(more)

    def fetch(wish: PackageWish) -> None:
        if not hasattr(clients, "client"):
            clients.client = Client()
        giver = _fetch(clients.client, fallback, wish, report) if wish.part else ""
        if wish.signature:
            content = _fetch_signature(clients.client, fallback, wish, giver)
            wish.signature.write_bytes(content)

    _at_once(fetch, asked.wishes, ended)


def _at_once(
    action: Callable[[PackageWish], None], wishes: Sequence[PackageWish], ended: threading.Event
) -> None:
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        try:
            for _ in pool.map(action, wishes):
                pass
        except BaseException:
            ended.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _fetch(client: "Client", fallback: Fallback, wish: PackageWish, report: Report) -> str:
    """Fetch a package, and return the address below which it was found."""
    package, part = wish.package, wish.part
    assert part, "there is a place for it"

    def fetch(url: str) -> str:
        client.complete(
            f"{url}/{package.file}", part, size=package.size, sha256=package.sha256, report=report
        )
        return url

    try:
        return fallback.ask(client, wish.urls, fetch, archive=wish.archive)
    except NoMirrorError as error:
        if not error.is_missed:
            raise _of(wish, error) from error
        raise DownloadError(
            f"no mirror has the package {package} (any more): {error.message}",
            hint="try another mirror with repo-url-parent=, one that keeps old packages with"
            f" repo-url-{package.repository}=, or, if the build is locked, make a new lock with"
            " doit update lock=FILE",
            repository=package.repository,
        ) from error


def _fetch_signature(client: "Client", fallback: Fallback, wish: PackageWish, giver: str) -> bytes:
    """A package's signature, from ``giver`` if it has it."""
    file = f"{wish.package.file}.sig"

    def fetch(url: str) -> bytes:
        content = client.fetch_small(f"{url}/{file}", limit=limits.SIGNATURE)
        if not is_signature(content):
            raise DownloadError(
                f"{url}/{file} is not a signature",
                hint="a portal or proxy may have answered instead of the mirror; try another"
                " mirror with repo-url-parent=",
            )
        return content

    try:
        first = tuple(dict.fromkeys((giver, *wish.urls) if giver else wish.urls))
        return fallback.ask(client, first, fetch, archive=wish.archive)
    except NoMirrorError as error:
        if not error.is_missed:
            raise _of(wish, error) from error
        raise TrustError(
            f"the package {wish.package} has no signature: the mirror has no {file}",
            hint=_NOBODY_SIGNS if wish.is_added else "try another mirror with repo-url-parent=",
            repository=wish.package.repository,
        ) from error


def _of(wish: PackageWish, error: NoMirrorError) -> DownloadError:
    return DownloadError(error.message, hint=error.hint, repository=wish.package.repository)


def is_signature(content: bytes) -> bool:
    """Whether it consists of signatures, binary or ASCII-armoured, of any version.

    What is refused here could be read in no other place either: there is one reader for all.
    """
    try:
        return bool(read_signatures(content))
    except ValueError:
        return False

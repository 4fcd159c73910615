"""Getting one repository's database, checked before it is kept."""

from collections.abc import Sequence
from pathlib import Path

from aimager.packages.download import Client
from aimager.packages.mirror_fallback import Fallback
from aimager.packages.sync_database import read_database


def fetch_database(
    client: Client,
    fallback: Fallback,
    urls: Sequence[str],
    repository: str,
    path: Path,
    *,
    run: Path | None = None,
) -> bytes:
    """The database of ``repository`` below the first of ``urls`` that has one.

    It is kept at ``path`` for the next time. A mirror is asked once in a ``run``, if it has a
    folder.

    :raises NoMirrorError: when none gives it
    """

    def check(data: bytes) -> None:
        read_database(repository, data)

    def fetch(url: str) -> bytes:
        return client.fetch_if_changed(f"{url}/{repository}.db", path, check, run=run)

    return fallback.ask(client, urls, fetch)

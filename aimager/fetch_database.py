"""Getting one repository's database, checked before it is kept."""

from pathlib import Path

from aimager.download import Client
from aimager.errors import DownloadError
from aimager.sync_database import read_database


def fetch_database(client: Client, url: str, repository: str, path: Path) -> bytes:
    """The database of ``repository`` below ``url``, kept at ``path`` for the next time.

    :raises DownloadError: when the mirror does not give it, or gives something else
    """
    is_new = client.fetch_if_changed(f"{url}/{repository}.db", path)
    data = path.read_bytes()
    if is_new:
        try:
            read_database(repository, data)
        except DownloadError:
            # Else the mirror would only be asked whether this has changed.
            path.unlink()
            raise
    return data

"""The borrowed root."""

import io
from pathlib import Path

from aimager.sandbox.borrowed_root import open_toolbox


def test_without_an_archive_the_host_lends() -> None:
    log = io.BytesIO()
    tools = open_toolbox(None, Path("/nowhere"), log)
    assert (tools.borrowed, tools.log) == (None, log)

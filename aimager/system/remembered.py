"""What programs of packages make, remembered by all that they could see."""

import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from aimager.sandbox.clean_run import CleanRun, Given, RefusedError
from aimager.sandbox.privileges import Limits
from aimager.sandbox.program_files import UnknownFilesError
from aimager.sandbox.results import Files, Results
from aimager.sandbox.tree import Tree

_LINKS = (
    *(("usr/", name) for name in ("sbin", "lib64")),
    *(("", name) for name in ("bin", "sbin", "lib", "lib64")),
)
"""By which roots have their programs and libraries under other names (file-hierarchy(7))."""


def remember(
    what: str, run: CleanRun, results: Results, work: Path, limits: Limits, log: IO[bytes]
) -> Files | None:
    """The files of ``run``, made in ``work`` if they are not among ``results``.

    None: that is for the image's own programs to do. ``log`` has how ``what`` was come by.
    """
    try:
        key = run.key() if results.has_some else ""
        files, how = results.find(key) if key else None, "remembered"
        if files is None:
            place = Path(tempfile.mkdtemp(prefix="clean.", dir=work))
            key, files = run.run(place, limits)
            results.keep(key, files)
            how = "made in a root of its own"
    except (UnknownFilesError, RefusedError, OSError) as error:
        tell(log, f"{what} is left to the image's programs: {error}")
        return None
    tell(log, f"{what} was {how}: {key}")
    return files


def give_programs(tree: Tree, files: Sequence[str]) -> Iterator[Given]:
    """The ``files`` of ``tree`` as programs and libraries, and the links to their folders."""
    for folder, name in _LINKS:
        path = f"{folder}{name}"
        status = tree.lstat(path)
        if status and stat.S_ISLNK(status.st_mode):
            with tree.folder(folder) as descriptor:
                text = os.readlink(name, dir_fd=descriptor)
            yield Given(path, os.fsencode(text), is_link=True)
    for path in files:
        yield Given(path, tree.read_bytes(path), 0o755)


def tell(log: IO[bytes], what: str) -> None:
    """Write a line of ours to the log, among what programs say."""
    log.write(f"aimager: {what}\n".encode(errors="surrogateescape"))
    log.flush()

"""The folders that the user names, for the cache and for results: refused, or made and guarded."""

import os
import stat
from pathlib import Path

from aimager.config.parse import is_text
from aimager.errors import ConfigError
from aimager.files import Readers, guard_folder

_HINT = "AIMAGER_CACHE names another cache folder, out= another one for the results"


def make_cache(folder: Path) -> str:
    """Make the folder of the cache where there is none; returns what to say of it.

    :raises ConfigError: when it cannot be used
    """
    check_folder(folder)
    if not folder.is_dir():
        guard_folder(folder)
    return f"{folder} can be written"


def guard_cache(cache: Path, readers: Readers) -> None:
    """Let only ``readers`` read a cache, be it of a time when all could; no other folder."""
    is_everybodys = cache.stat().st_mode & stat.S_ISVTX
    is_ours = not any(cache.iterdir()) or any((cache / n).exists() for n in ("product", "work"))
    if is_ours and not is_everybodys:
        guard_folder(cache, readers)


def check_folder(folder: Path) -> None:
    """Refuse a folder that cannot be used, before work is put into what it is to hold.

    :raises ConfigError: when it cannot be written, or its path is not text
    """
    if not is_text(str(folder)):
        raise ConfigError(f"the path of the folder {folder} is not in UTF-8", hint=_HINT)
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise ConfigError(
            f"the folder {folder} cannot be written: {there} is not yours, or not a folder",
            hint=_HINT,
        )

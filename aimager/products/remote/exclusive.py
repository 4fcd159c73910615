"""Small files of a shared store that are made only where there is none: by one of several.

Folders have link(2) and O_EXCL for that, S3 ``If-None-Match: *``, Google's ``ifGenerationMatch=0``,
and SFTP a flag of its own (SSH_FXF_EXCL).
"""

import os
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aimager.model.remote import Remote
from aimager.products.remote.transport import ask, connected


def create(remote: Remote, path: str, content: bytes) -> bool:
    """Make a small file; False: there is one.

    :raises StoreError: when it cannot be made, or the store has no way to make it so
    """
    system, root = connected(remote)
    make = _ways(remote)[0]
    return ask(remote, partial(make, system, f"{root}/{path}", content))


def replace(remote: Remote, path: str, content: bytes) -> None:
    """Make or replace a small file, as a whole where the store can do that.

    :raises StoreError: when it cannot be written
    """
    system, root = connected(remote)
    write = _ways(remote)[1]
    ask(remote, partial(write, system, f"{root}/{path}", content))


def remove(remote: Remote, paths: Sequence[str], *, patience: float | None = None) -> None:
    """Remove files one after the other, of which some may be gone; ``patience`` is in seconds.

    :raises StoreError: when one cannot be removed
    """
    system, root = connected(remote)

    def work() -> None:
        for path in paths:
            with suppress(FileNotFoundError):
                system.rm_file(f"{root}/{path}")

    ask(remote, work, patience)


Ways = tuple[Callable[[Any, str, bytes], bool], Callable[[Any, str, bytes], None]]
"""How a file is made where there is none, and how it is replaced."""


def _ways(remote: Remote) -> Ways:
    scheme = urlsplit(remote.url).scheme
    return _WAYS.get(scheme, (_create_object, _replace_object))


def _create_in_folder(system: Any, name: str, content: bytes) -> bool:
    target = Path(name)
    temporary = _write_beside(target, content)
    try:
        os.link(temporary, target)
    except FileExistsError:
        return False
    except OSError:  # the file system has no links
        return _create_by_flag(target, content)
    finally:
        temporary.unlink()
    return True


def _create_by_flag(target: Path, content: bytes) -> bool:
    with suppress(FileExistsError), target.open("xb") as stream:
        stream.write(content)
        return True
    return False


def _replace_in_folder(system: Any, name: str, content: bytes) -> None:
    temporary = _write_beside(Path(name), content)
    try:
        temporary.rename(name)
    except OSError:
        temporary.unlink()
        raise


def _write_beside(target: Path, content: bytes) -> Path:
    """A temporary file, which whoever may read others of the folder may read."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as stream:
            stream.write(content)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _create_object(system: Any, name: str, content: bytes) -> bool:
    try:
        system.pipe_file(name, content, mode="create")
    except FileExistsError:
        return False
    return True


def _replace_object(system: Any, name: str, content: bytes) -> None:
    system.pipe_file(name, content)


def _create_by_sftp(system: Any, name: str, content: bytes) -> bool:
    system.makedirs(name.rpartition("/")[0], exist_ok=True)
    with system.open(name, "xb") as stream:  # the error for one that is there names no reason
        stream.write(content)
    return True


_WAYS: dict[str, Ways] = {
    "file": (_create_in_folder, _replace_in_folder),
    "ssh": (_create_by_sftp, _replace_object),
    "sftp": (_create_by_sftp, _replace_object),
}
"""Those of other kinds than buckets."""

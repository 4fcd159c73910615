"""Reading the files and folders that users name; relative ones start at a given folder."""

import errno
import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from aimager.config.parse import HERE, choices, is_text, split_list
from aimager.errors import ConfigError

_LONGEST, _LONGEST_PATH = 255, 4095
"""Bytes of a file's name and of a path (NAME_MAX, PATH_MAX); a letter may have several."""

_SUFFIXES = (".tar", ".tar.gz", ".tar.xz", ".tar.zst")


def has_file(path: Path) -> bool:
    """Whether there is such a file: there is none whose name no file can have."""
    return _is(path.is_file)


def has_folder(path: Path) -> bool:
    """Whether there is such a folder, as of `has_file`."""
    return _is(path.is_dir)


def _is(there: Callable[[], bool]) -> bool:
    try:
        return there()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return False
        raise


def has_long_name(path: str | Path) -> bool:
    """Whether a path, or a part of it, is longer than the kernel takes it."""
    parts = os.fsencode(path).split(b"/")
    return len(b"/".join(parts)) > _LONGEST_PATH or any(len(part) > _LONGEST for part in parts)


def is_below(name: str) -> bool:
    """Whether ``name`` is a path below a folder, as short as it can be written."""
    if "\0" in name or not is_text(name):
        return False
    path = PurePosixPath(name)
    leads_out = path.is_absolute() or ".." in path.parts
    return name == str(path) != "." and not leads_out and not has_long_name(name)


def check_new(text: str, variable: str) -> None:
    """Refuse a name that no new file or folder can have.

    :raises ConfigError: then
    """
    if has_long_name(text):
        raise ConfigError(
            f"{variable}= is too long for the name of a file",
            hint=f"name it shorter: {_LONGEST} bytes for a name, {_LONGEST_PATH} for a path",
        )


def read_archives(text: str, folder: Path, *, variable: str) -> tuple[Path, ...]:
    """Archives of trees.

    :raises ConfigError: for one that does not exist, or whose form is not known
    """
    archives = tuple(folder / name for name in split_list(text))
    for path in archives:
        if not path.name.endswith(_SUFFIXES):
            raise ConfigError(
                f"{variable}={path.name} is not an archive of a known form",
                hint=f"its name ends in {choices(_SUFFIXES)}",
            )
        if not has_file(path):
            raise ConfigError(f"{variable}={path}: there is no such file", hint=HERE)
    return archives


def read_archive(text: str, folder: Path, *, variable: str) -> Path | None:
    """One archive of a tree; None for an empty text.

    :raises ConfigError: as `read_archives`, and for several
    """
    archives = read_archives(text, folder, variable=variable)
    if len(archives) > 1:
        raise ConfigError(
            f"{variable}= names {len(archives)} archives, and takes one", hint="name one of them"
        )
    return archives[0] if archives else None


def read_file_name(text: str, folder: Path, *, variable: str) -> Path | None:
    """A file that exists, and that others read; None for an empty text.

    :raises ConfigError: when there is no such file
    """
    if text and not has_file(folder / text):
        raise ConfigError(f"{variable}={text}: there is no such file", hint=HERE)
    return (folder / text).absolute() if text else None


def read_device(text: str, folder: Path, *, variable: str) -> Path | None:
    """The path of a device, or of a file in its place; None for an empty text.

    :raises ConfigError: for a name that no file can have
    """
    check_new(text, variable)
    return (folder / text).absolute() if text else None


def read_folder(text: str, folder: Path, *, variable: str) -> Path | None:
    """A folder that exists; None for an empty text.

    :raises ConfigError: when there is no such folder
    """
    if text and not has_folder(folder / text):
        raise ConfigError(f"{variable}={text}: there is no such folder", hint=HERE)
    return folder / text if text else None


def read_new_file(text: str, folder: Path, *, variable: str) -> Path | None:
    """A file that can be written; None for an empty text.

    :raises ConfigError: when it cannot
    """
    if not text:
        return None
    check_new(text, variable)
    if has_folder(folder / text) or not has_folder((folder / text).parent):
        raise ConfigError(
            f"{variable}={text} cannot be written", hint="name a file in a folder that is there"
        )
    return folder / text


def read_text(path: Path, variable: str, *, newline: str | None = None) -> str:
    """The text in a file, with ``newline`` as open() has it.

    :raises ConfigError: when it cannot be read or is not text; the message does not repeat it
    """
    try:
        with path.open(encoding="utf-8", newline=newline) as stream:
            return stream.read()
    except OSError as error:
        raise ConfigError(f"{variable}= cannot read {path}: {error.strerror}", hint=HERE) from error
    except UnicodeDecodeError as error:
        hint = "overlay= takes any files" if variable == "files" else "it has to be in UTF-8"
        raise ConfigError(f"{variable}= takes text, which {path} is not", hint=hint) from error

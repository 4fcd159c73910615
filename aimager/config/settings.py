"""Reading what a build sets up in the image: names, users, kernels' command lines, files."""

import re
from collections.abc import Mapping
from pathlib import Path

from aimager.config.accounts import (
    read_groups,
    read_password_lines,
    read_passwords,
    read_users,
    separate_passwords,
)
from aimager.config.parse import HERE, choices, read_hostname, read_locales, read_units, split_list
from aimager.config.variables import APPEND
from aimager.errors import ConfigError
from aimager.model.board import Board
from aimager.model.distro import Platform
from aimager.model.settings import DEFAULT_LOCALE, AddedFile, Password, Script, Setup

_SUFFIXES = (".tar", ".tar.gz", ".tar.xz", ".tar.zst")
_MODE = re.compile(r"[0-7]{3,4}")


def read_setup(
    board: Board, platform: Platform, variables: Mapping[str, str], folder: Path
) -> Setup:
    """The settings of the image; relative files start at ``folder``.

    :raises ConfigError: for values that cannot be, or files that cannot be read
    """
    name = platform.distro.id if board.partition_table is None else board.id
    users, passwords = separate_passwords(read_users(variables.get("useradd", "")))
    default, own = _read_command_lines(board, variables)
    return Setup(
        hostname=read_hostname(variables.get("hostname", name)),
        locales=read_locales(variables.get("locales", DEFAULT_LOCALE)),
        users=users,
        passwords=(*passwords, *_read_passwords(variables.get("chpasswd", ""), folder)),
        sudo_groups=read_groups(variables.get("sudo-group", "")),
        command_line=default,
        own_command_lines=own,
        services=(*board.services, *read_units(variables.get("services", ""))),
        files=(*board.files, *_read_files(variables.get("files", ""), folder)),
        scripts=(*board.scripts, *_read_scripts(variables.get("scripts", ""), folder)),
    )


def read_archives(text: str, folder: Path, *, variable: str) -> tuple[Path, ...]:
    """Archives of trees.

    :raises ConfigError: for one that is not there, or of a form that is not known
    """
    archives = tuple(folder / name for name in split_list(text))
    for path in archives:
        if not path.name.endswith(_SUFFIXES):
            raise ConfigError(
                f"{variable}={path.name} is no archive that is known",
                hint=f"its name ends in {choices(_SUFFIXES)}",
            )
        if not path.is_file():
            raise ConfigError(f"{variable}={path}: there is no such file", hint=HERE)
    return archives


def _read_passwords(text: str, folder: Path) -> tuple[Password, ...]:
    if text.startswith("@"):
        lines = _read_text(folder / text[1:], "chpasswd").splitlines()
        return read_password_lines(line for line in lines if line)
    return read_passwords(text) if text else ()


def _read_command_lines(
    board: Board, variables: Mapping[str, str]
) -> tuple[tuple[str, ...], tuple[tuple[str, tuple[str, ...]], ...]]:
    """The words for kernels without some of their own, and those of these."""
    named = {
        APPEND.stem(name): tuple(value.split())
        for name, value in sorted(variables.items())
        if APPEND.matches(name)
    }
    known = (*board.kernels, *split_list(variables.get("install-pkgs", "")))
    for kernel in named:
        if kernel not in ("all", "default", *known):
            raise ConfigError(
                f"append-{kernel}= is for a kernel that the image does not have",
                hint=f"append- goes on with one of {choices(('all', 'default', *board.kernels))}",
            )
    default = named.pop("default", board.command_line)
    everywhere = named.pop("all", None)
    return (default, tuple(named.items())) if everywhere is None else (everywhere, ())


def _read_files(text: str, folder: Path) -> tuple[AddedFile, ...]:
    return tuple(_read_file(word, folder) for word in split_list(text))


def _read_file(word: str, folder: Path) -> AddedFile:
    source, _, rest = word.partition(":")
    path, _, mode = rest.partition(":")
    if not (source and path.startswith("/") and _MODE.fullmatch(mode or "644")):
        raise ConfigError(
            f"files={word} is not of the form FILE:PATH or FILE:PATH:MODE",
            hint="PATH is that in the image and starts with a slash: files=motd:/etc/motd:644",
        )
    if ".." in path.split("/") or path.endswith("/"):
        raise ConfigError(
            f"files={word}: {path} is no path of a file in the image",
            hint="name the file itself, without ..: files=motd:/etc/motd",
        )
    text = _read_text(folder / source, "files", newline="")
    return AddedFile(path, text, int(mode or "644", 8))


def _read_scripts(text: str, folder: Path) -> tuple[Script, ...]:
    scripts = tuple(
        Script(Path(name).name, _read_text(folder / name, "scripts")) for name in split_list(text)
    )
    for script in scripts:
        if not script.text.startswith("#!"):
            raise ConfigError(
                f"scripts={script.name} names no program that runs it",
                hint="let its first line be #!/bin/sh",
            )
    return scripts


def _read_text(path: Path, variable: str, *, newline: str | None = None) -> str:
    """The text in a file, with ``newline`` as open() has it; what is wrong is told without it."""
    try:
        with path.open(encoding="utf-8", newline=newline) as stream:
            return stream.read()
    except OSError as error:
        raise ConfigError(f"{variable}= cannot read {path}: {error.strerror}", hint=HERE) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{variable}= takes text, which {path} is not", hint="overlay= takes any files"
        ) from error

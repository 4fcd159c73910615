"""Reading what a build sets up in the image, and what to do when that fails."""

import os
import re
import sys
from enum import StrEnum
from pathlib import Path

from aimager.config.accounts import (
    check_hashes,
    is_owner,
    read_password_lines,
    read_passwords,
    separate_passwords,
)
from aimager.config.parse import choices, read_hostname, split_list
from aimager.config.paths import has_long_name, read_text
from aimager.config.variable import NotForBoardError, Words
from aimager.errors import ConfigError
from aimager.model.board import Board
from aimager.model.distro import Platform
from aimager.model.networks import WIFI_SERVICES, StaticNetwork
from aimager.model.settings import DEFAULT_LOCALE, AddedFile, Password, Script, Settings
from aimager.packages.targets import read_target

_MODE = re.compile(r"[0-7]{3,4}")


class FailedHooks(StrEnum):
    """What to do where a hook fails that makes what the image boots from."""

    stop = "stop"
    tell = "tell"


def read_settings(board: Board, platform: Platform, words: Words) -> Settings:
    """The settings of the image.

    :raises ConfigError: for values that cannot be, or files that cannot be read
    """
    name = platform.distro.id if board.partition_table is None else board.id
    users, passwords = separate_passwords(words.read("useradd", ()))
    default, own = _read_command_lines(board, words)
    credentials = words.read("credentials", False)
    services = (*board.services, *read_ssh_units(words), *words.read("services", ()))
    return Settings(
        hostname=words.read("hostname") or ("" if credentials else read_hostname(name)),
        locales=words.read("locales", (DEFAULT_LOCALE,)),
        timezone=words.read("timezone", ""),
        keymap=words.read("keymap", ""),
        users=users,
        passwords=(*check_hashes(passwords), *words.read("chpasswd", ())),
        sudo_groups=words.read("sudo-group", ()),
        ssh_keys=words.read("ssh-keys", ()),
        network=words.read("network", StaticNetwork()),
        wifi=words.read("wifi", ()),
        wifi_country=read_country(words),
        credentials=credentials,
        command_line=default,
        own_command_lines=own,
        services=tuple(dict.fromkeys(services)),
        files=(*board.files, *words.read("files", ())),
        scripts=(*board.scripts, *words.read("scripts", ())),
    )


def read_country(words: Words) -> str:
    """The country of ``wifi-country=``; empty: none is named.

    :raises ConfigError: when there is no wireless network that it would be for
    """
    country: str = words.read("wifi-country", "")
    if country and not words.read("wifi", ()):
        raise ConfigError(
            "wifi-country= has no effect without wifi=", hint="wifi=SSID:@FILE names a network"
        )
    return country


def read_needs(board: Board, words: Words) -> tuple[str, ...]:
    """Packages that settings need."""
    asked = {read_target(word).name for word in words.read("install-pkgs", ())}
    joins = asked.union(board.installs).intersection(WIFI_SERVICES)
    needs = {
        "sudo": words.read("sudo-group", ()),
        "openssh": read_ssh_units(words),
        "kbd": words.read("keymap", ""),
        WIFI_SERVICES[0]: words.read("wifi", ()) and not joins,
    }
    return tuple(package for package, is_needed in needs.items() if is_needed)


def read_ssh_units(words: Words) -> tuple[str, ...]:
    """The unit of OpenSSH's server, if that is asked for."""
    wanted = words.read("ssh-server", bool(words.read("ssh-keys", ())))
    return ("sshd.service",) if wanted else ()


def read_password_words(text: str, folder: Path) -> tuple[Password, ...]:
    """Passwords, as `read_passwords` takes them, or as lines of ``@FILE``; none for an empty text.

    :raises ConfigError: for anything else; the message does not repeat the text
    """
    if text.startswith("@"):
        content = read_text(folder / text[1:], "chpasswd")
        lines = content.removeprefix("\ufeff").split("\n")  # as Windows writes it
        return read_password_lines(line for line in lines if line)
    return read_passwords(text) if text else ()


def _read_command_lines(
    board: Board, words: Words
) -> tuple[tuple[str, ...], tuple[tuple[str, tuple[str, ...]], ...]]:
    """The words for kernels without some of their own, and those of these."""
    named: dict[str, tuple[str, ...]] = words.read_many("append-*")
    asked = (read_target(word).name for word in words.read("install-pkgs", ()))
    known = (*board.kernels, *asked)
    for kernel in named:
        if kernel not in known:
            raise NotForBoardError(
                f"append-{kernel}= is for a kernel that the image does not have",
                hint=f"append- goes on with one of {choices(('all', 'default', *board.kernels))}",
                variable=f"append-{kernel}",
            )
    if "append-all" in words:
        return words.read("append-all"), ()
    return words.read("append-default", board.command_line), tuple(named.items())


def read_command_line(text: str) -> tuple[str, ...]:
    """The words of a kernel's command line."""
    return tuple(text.split())


def read_files(text: str, folder: Path) -> tuple[AddedFile, ...]:
    """Text files to add, each as ``FILE:PATH``, perhaps with ``:MODE``, ``:OWNER``, ``:GROUP``.

    :raises ConfigError: for anything else, or a file that cannot be read
    """
    return tuple(_read_file(word, folder) for word in split_list(text))


def _read_file(word: str, folder: Path) -> AddedFile:
    source, _, rest = word.partition(":")
    path, _, rest = rest.partition(":")
    mode, colon, owner = rest.partition(":")
    if not (source and path.startswith("/") and _MODE.fullmatch(mode or "644")):
        raise ConfigError(
            f"files={word} is not of the form FILE:PATH:MODE:OWNER",
            hint="PATH is that in the image and starts with a slash; MODE and OWNER may be left"
            " out: files=motd:/etc/motd:644",
        )
    if colon and not is_owner(owner):
        raise ConfigError(
            f"files={word}: {owner or 'nothing'} is not a valid owner",
            hint="it is USER or USER:GROUP, each by its name or number:"
            " files=key:/etc/key:640:root:http",
        )
    if ".." in path.split("/") or path.endswith("/") or has_long_name(path):
        raise ConfigError(
            f"files={word}: {path} is not the path of a file in the image",
            hint="name the file itself, without ..: files=motd:/etc/motd",
        )
    text = read_text(folder / source, "files", newline="")
    return AddedFile(path, text, int(mode or "644", 8), owner)


def read_scripts(text: str, folder: Path) -> tuple[Script, ...]:
    """Programs to run in the image, whose first lines name what runs them.

    :raises ConfigError: for anything else, or a file that cannot be read
    """
    scripts = tuple(
        Script(Path(name).name, read_text(folder / name, "scripts")) for name in split_list(text)
    )
    for script in scripts:
        if not script.text.startswith("#!"):
            raise ConfigError(
                f"scripts={script.name} does not say which program runs it",
                hint="let its first line be #!/bin/sh",
            )
    return scripts


def read_terminal(text: str) -> Path | None:
    """The terminal on which ``shell=yes`` opens a shell.

    :raises ConfigError: when there is no terminal, or for another value
    """
    if text == "no":
        return None
    if text != "yes":
        raise ConfigError(f"shell={text} is not known", hint="shell= is yes or no")
    try:
        return Path(os.ttyname(sys.stdin.fileno()))
    except (OSError, ValueError) as error:
        raise ConfigError(
            "shell=yes needs a terminal, and standard input is not one",
            hint="leave it out, and read the log that the error names",
        ) from error

"""Reading the values that users write: lists, names, addresses, sizes, times. Pure."""

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlsplit

from aimager.errors import ConfigError
from aimager.memory import ALL_THERE_IS
from aimager.model.partition import SECTOR
from aimager.model.product import Compression
from aimager.packages.targets import read_target
from aimager.shown import without_credentials
from aimager.units import parse_size

Choice = TypeVar("Choice", bound=StrEnum)

HERE = (
    "check that it exists and can be read; a relative path starts in your current folder, or, in a"
    " file of builds=, beside that file"
)
"""The hint for a file or folder that is not found."""

YES_OR_NO = ("yes", "no")
"""What `read_yes` takes."""

_HOST_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_LOCALE = re.compile(r"[a-z]{2,3}(_[A-Z]{2})?(\.[A-Za-z0-9-]+)?(@[a-z]+)?|C\.UTF-8|POSIX")
_ADDRESS = re.compile(r"https?://[^/\s]+\S*")
_AGE = re.compile(r"(\d{1,6})([hdw])")
_LARGEST = 16 << 40
_LATEST = 0xFFFFFFFF  # the latest that a superblock of ext4 can hold, in 2106
_UNIT = re.compile(r"[A-Za-z0-9:_][A-Za-z0-9:_.\\@-]*\.(service|socket|timer|path|target|mount)")
_FINGERPRINT = re.compile(r"[0-9A-F]{40}([0-9A-F]{24})?")


def split_list(text: str) -> tuple[str, ...]:
    """The values between commas, each once, without the blanks around them."""
    return tuple(dict.fromkeys(word for part in text.split(",") if (word := part.strip())))


def is_text(text: str) -> bool:
    """Whether it was in UTF-8: Python has lone surrogates for other bytes of a command line."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def choices(names: Iterable[str]) -> str:
    """Names to choose from, in one line."""
    return ", ".join(names)


def read_choice(kind: type[Choice], text: str, *, variable: str) -> Choice:
    """The member of ``kind`` that has this value.

    :raises ConfigError: it lists those that exist
    """
    if text not in list(kind):
        raise ConfigError(
            f"{variable}={text} is not known", hint=f"{variable}= is one of {choices(kind)}"
        )
    return kind(text)


def read_compressions(text: str) -> tuple[Compression, ...]:
    """How products are compressed, or ``none``.

    :raises ConfigError: for anything else
    """
    names = split_list(text)
    if names == ("none",):
        return ()
    for name in names:
        if name not in list(Compression):
            raise ConfigError(
                f"compress={name} is not known",
                hint=f"compress= takes none, or some of {choices(Compression)}",
            )
    return tuple(Compression(name) for name in names)


def read_hostname(text: str) -> str:
    """A host name as hostname(7) allows it.

    :raises ConfigError: for any other text
    """
    if len(text) > 64 or not is_host_name(text):
        raise ConfigError(
            f"hostname={text} is not a valid host name",
            hint="use letters, digits and dashes, at most 64, no dash at either end",
        )
    return text


def is_host_name(text: str) -> bool:
    """Whether ``text`` is a name of labels, as hostname(7) and domains have it."""
    return all(_HOST_LABEL.fullmatch(label) for label in text.split("."))


def read_locales(text: str) -> tuple[str, ...]:
    """Names of locales, as in /etc/locale.gen.

    :raises ConfigError: for what cannot be one
    """
    locales = split_list(text)
    for locale in locales:
        if not _LOCALE.fullmatch(locale):
            raise ConfigError(
                f"locales={locale} is not a valid locale", hint="write it as de_DE.UTF-8"
            )
    if not locales:
        raise ConfigError("locales= is empty", hint="leave it out for en_US.UTF-8")
    return locales


def read_addresses(text: str, *, variable: str) -> tuple[str, ...]:
    """Addresses of mirrors, without slashes at their ends.

    :raises ConfigError: for one that is not an HTTP URL, or has a query; or when there are none
    """
    addresses = split_list(text)
    for address in addresses or ("",):
        check_address(address, told=f"{variable}={without_credentials(address)}")
    return tuple(dict.fromkeys(address.rstrip("/") for address in addresses))


def read_address(text: str, *, variable: str) -> str:
    """An address below which files are, without slashes at its end; empty for an empty text.

    :raises ConfigError: for one that is not an HTTP URL, or has a query
    """
    if text:
        check_address(text, told=f"{variable}={without_credentials(text)}")
    return text.rstrip("/")


def check_address(address: str, *, told: str) -> None:
    """Refuse what is not the address of a mirror, which is ``told`` so.

    :raises ConfigError: for what is not an HTTP URL, or has a query
    """
    if not _ADDRESS.fullmatch(address) or not _can_be_split(address):
        raise ConfigError(
            f"{told} is not a valid address",
            hint="it starts with https://, and a blank in it is %20",
        )
    if "?" in address or "#" in address:
        raise ConfigError(
            f"{told} has a question mark or a #, behind which no files' names can stand",
            hint="leave out what begins there; a user and a password stand before the host:"
            " https://USER:PASSWORD@HOST/",
        )


def _can_be_split(address: str) -> bool:
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def read_packages(text: str, *, variable: str) -> tuple[str, ...]:
    """What to install, as pacman takes it: names, perhaps with a repository or a version.

    :raises ConfigError: for what pacman would take for an option or a path
    """
    packages = split_list(text)
    for package in packages:
        try:
            read_target(package)
        except ValueError as error:
            raise ConfigError(
                f"{variable}={package} is not a valid package name",
                hint="write it as vim,openssh, or extra/vim, or 'vim>=9', or name a file",
            ) from error
    return packages


def read_units(text: str) -> tuple[str, ...]:
    """Names of systemd units; one without a suffix is a service (systemctl(1)).

    :raises ConfigError: for what cannot be one
    """
    units = tuple(name if "." in name else f"{name}.service" for name in split_list(text))
    for unit in units:
        if not _UNIT.fullmatch(unit):
            raise ConfigError(
                f"services={unit} is not a valid name of a unit", hint="write it as sshd.service"
            )
    return units


def read_fingerprints(text: str, *, variable: str) -> tuple[str, ...]:
    """Fingerprints of OpenPGP keys, in capitals and without blanks.

    :raises ConfigError: for anything else, also for key ids, which can be forged
    """
    fingerprints = tuple(f.replace(" ", "").upper() for f in split_list(text))
    for fingerprint in fingerprints:
        if not _FINGERPRINT.fullmatch(fingerprint):
            raise ConfigError(
                f"{variable}={fingerprint} is not a fingerprint",
                hint="give all of its 40 hexadecimal digits: gpg --fingerprint KEY",
            )
    return fingerprints


def read_size(text: str, *, variable: str) -> int:
    """A size in bytes from a number with an optional K, M, G or T, all powers of 1024.

    :raises ConfigError: for anything else
    """
    # GB is what many people write for GiB.
    size = parse_size(re.sub(r"(?<!i)B$", "", text.strip(), flags=re.IGNORECASE))
    if not size:
        raise ConfigError(f"{variable}={text} is not a size", hint="write it as 8GiB or 900M")
    if size > _LARGEST:
        raise ConfigError(f"{variable}={text} is too large", hint="at most 16 TiB, as of ext4")
    return size


def read_sectors(text: str, *, variable: str) -> int:
    """A size in bytes, as `read_size` reads it, that is one of whole sectors.

    :raises ConfigError: for anything else
    """
    size = read_size(text, variable=variable)
    if size % SECTOR:
        raise ConfigError(
            f"{variable}={text} is not a multiple of the {SECTOR} bytes of a sector",
            hint="write it as 8GiB or 900M",
        )
    return size


def read_memory(text: str, *, variable: str) -> int | None:
    """The bytes of memory to use: all for ``yes``, 0 for ``no``, or a size; None if it is empty.

    :raises ConfigError: for anything else
    """
    if text in YES_OR_NO:
        return ALL_THERE_IS if text == "yes" else 0
    return read_size(text, variable=variable) if text else None


def read_age(text: str, *, variable: str) -> int:
    """A length of time in seconds from a number with d for days, h for hours or w for weeks.

    :raises ConfigError: for anything else
    """
    match = _AGE.fullmatch(text.strip())
    if not match:
        raise ConfigError(
            f"{variable}={text} is not a length of time", hint="write it as 30d or 12h"
        )
    return int(match[1]) * {"h": 3600, "d": 86400, "w": 604800}[match[2]]


def read_yes(text: str, *, variable: str) -> bool:
    """``yes`` or ``no``.

    :raises ConfigError: for anything else
    """
    if text not in YES_OR_NO:
        raise ConfigError(f"{variable}={text} is neither yes nor no", hint=f"{variable}=yes")
    return text == "yes"


def read_epoch(text: str | None) -> int | None:
    """The time of SOURCE_DATE_EPOCH (reproducible-builds.org's specification), in seconds.

    :raises ConfigError: for anything that is not a time which file systems can hold
    """
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,10}", text) or int(text) > _LATEST:
        raise ConfigError(
            f"SOURCE_DATE_EPOCH={text} is not a time in seconds since 1970",
            hint="set it to what `date +%s` prints, or unset it",
        )
    return int(text)

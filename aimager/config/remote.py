"""Reading ``remote=`` and its companions: the store that machines share, and whom to believe."""

import importlib.util
from pathlib import Path
from urllib.parse import urlsplit

from aimager.config.parse import choices
from aimager.config.variable import Words
from aimager.errors import ConfigError
from aimager.model.remote import RecordTrust

_DRIVERS = {
    "s3": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "http": "aiohttp",
    "https": "aiohttp",
    "ssh": "sshfs",
    "sftp": "sshfs",
    "file": "",
}
"""The Python package that each kind of store needs besides fsspec."""


def read_remote(text: str, folder: Path) -> str:
    """The address of the store; a folder may be relative to ``folder``.

    :raises ConfigError: when it is not an address, or the driver of such a store is not installed
    """
    if "://" not in text:
        if not text:
            raise ConfigError("remote= is empty", hint="it is an address, as remote=s3://bucket")
        return f"file://{(folder / text).absolute()}"  # in which fsspec undoes no escape
    scheme = text.partition("://")[0]
    if scheme not in _DRIVERS:
        raise ConfigError(
            f"remote= is of the kind {scheme}://, which is not known",
            hint=f"it is one of {choices(_DRIVERS)}",
        )
    _check_address(text, scheme)
    driver = _DRIVERS[scheme]
    if driver and importlib.util.find_spec(driver) is None:
        raise ConfigError(
            f"remote={scheme}://... needs the Python package {driver}",
            hint=f"install it where doit is: pip install {driver}",
        )
    return text


def _check_address(text: str, scheme: str) -> None:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        raise ConfigError(
            f"remote= is not a valid address: {error}",
            hint="it is an address, as remote=s3://bucket/folder",
        ) from None
    if scheme == "file" and (parts.netloc or not parts.path):
        raise ConfigError(
            "remote=file:// needs three slashes and a folder",
            hint="write it as remote=file:///srv/store",
        )
    if scheme != "file" and not parts.hostname:
        raise ConfigError(
            f"remote={scheme}:// names no {_what(scheme)}",
            hint=f"write it as remote={scheme}://{_what(scheme).upper()}/FOLDER",
        )
    if "?" in text or "#" in text:
        raise ConfigError(
            "remote= has a ? or #, which the address of a folder cannot have",
            hint="leave it out, and name a folder without them in remote=",
        )
    if parts.password and _what(scheme) == "bucket":
        raise ConfigError(
            f"remote={scheme}:// has a password in it",
            hint="credentials of buckets come from the environment, as AWS_SECRET_ACCESS_KEY",
        )


def _what(scheme: str) -> str:
    return "bucket" if scheme in ("s3", "gs", "gcs") else "host"


def read_remote_trust(words: Words) -> RecordTrust:
    """Whose products are taken from the store, which nobody decides but the user.

    :raises ConfigError: when that is not said, or the words do not go together
    """
    trust = RecordTrust(
        key=words.read("remote-key"),
        allowed=words.read("remote-allowed-signers"),
        revoked=words.read("remote-revoked-keys"),
        unsigned=words.read("remote-unsigned", False),
    )
    given = {
        "remote-key": trust.key,
        "remote-allowed-signers": trust.allowed,
        "remote-revoked-keys": trust.revoked,
        "remote-unsigned": trust.unsigned,
    }
    for name, value in given.items():
        if value and "remote" not in words:
            raise ConfigError(
                f"{name}= has no effect without remote=", hint="remote= names a shared store"
            )
    if trust.revoked and not trust.allowed:
        raise ConfigError(
            "remote-revoked-keys= has no effect without remote-allowed-signers=",
            hint="remote-allowed-signers=FILE says whose products are taken",
        )
    if trust.unsigned and trust.allowed:
        raise ConfigError(
            "remote-unsigned=yes and remote-allowed-signers= do not go together",
            hint="with the one, whatever is in the store is taken; leave one of the two out",
        )
    if "remote" in words and not (trust.takes or trust.gives):
        raise ConfigError(
            "remote= does not say whose products to take from the store",
            hint="remote-allowed-signers=FILE names who may sign them, and remote-key=FILE signs"
            " what is put there; remote-unsigned=yes takes what is there from anybody",
        )
    return trust

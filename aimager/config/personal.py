"""Reading what a finished image is set up to, which is less than a build can do."""

from pathlib import Path

from aimager.config.accounts import check_hashes, separate_passwords
from aimager.config.parse import HERE
from aimager.config.settings import read_country, read_ssh_units
from aimager.config.variable import Words
from aimager.errors import ConfigError
from aimager.model.networks import StaticNetwork
from aimager.model.settings import Settings

PERSONAL = (
    *("hostname", "useradd", "chpasswd", "ssh-keys", "ssh-server"),
    *("network", "wifi", "wifi-country"),
)
"""The variables of a build's settings that a finished image can be given, too."""

_QCOW2 = b"QFI\xfb"
"""How such a file begins (QEMU's docs/interop/qcow2.txt)."""


def read_personal_settings(words: Words) -> Settings:
    """The settings that change; an empty host name stays as it is.

    :raises ConfigError: for values that cannot be, or files that cannot be read
    """
    users, passwords = separate_passwords(words.read("useradd", ()))
    return Settings(
        hostname=words.read("hostname", ""),
        users=users,
        passwords=(*check_hashes(passwords), *words.read("chpasswd", ())),
        ssh_keys=words.read("ssh-keys", ()),
        network=words.read("network", StaticNetwork()),
        wifi=words.read("wifi", ()),
        wifi_country=read_country(words),
        services=read_ssh_units(words),
    )


def read_image_file(words: Words) -> Path | None:
    """The file of ``image=``, for what cannot start from a device; None: no word names one.

    :raises ConfigError: when it is a device
    """
    path: Path | None = words.read("image")
    if path and not path.is_file():
        raise ConfigError(
            f"image={path} is a device, and only personalise with in-place=yes takes one",
            hint="name the file of an image",
        )
    return path


def read_image(text: str, folder: Path, *, variable: str) -> Path | None:
    """An image: a file, or a device that has one; None for an empty text.

    :raises ConfigError: when there is no such file
    """
    if not text:
        return None
    path = (folder / text).absolute()
    try:
        is_there = path.is_file() or path.is_block_device()
    except OSError:  # a name that no file can have
        is_there = False
    if not is_there:
        raise ConfigError(f"{variable}={text}: there is no such file", hint=HERE)
    if path.is_file():
        refuse_qcow2(path, f"{variable}={text}")
    return path


def refuse_qcow2(path: Path, name: str) -> None:
    """Refuse the file ``path``, called ``name``, if it has a disk as qcow2.

    :raises ConfigError: then
    """
    with path.open("rb") as stream:
        magic = stream.read(len(_QCOW2))
    if magic == _QCOW2:
        raise ConfigError(
            f"{name} is a disk as qcow2, which only virtual machines can read",
            hint="name the raw image, which create=disk.img makes, or make one of it: qemu-img"
            " convert -O raw disk.qcow2 disk.img",
        )

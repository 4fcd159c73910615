"""The variables of what looks at an image: ``doit boot`` and ``doit shell``."""

from pathlib import Path

from aimager.config.parse import YES_OR_NO, read_sectors, read_size, read_yes
from aimager.config.paths import read_new_file
from aimager.config.variable import Group, Variable, Words, of_name, of_path
from aimager.errors import ConfigError
from aimager.units import decimal

KEPT = (".tar", ".tar.zst")
"""How the name of an archive ends that a shell's root can be kept in."""

_LAST_PORT = 65535


def read_cpus(text: str, *, variable: str) -> int:
    """A number of processors.

    :raises ConfigError: for anything else, and for none
    """
    number = decimal(text, digits=4)
    if not number:
        raise ConfigError(
            f"{variable}={text} is not a number of processors", hint=f"write it as {variable}=2"
        )
    return number


def read_port(text: str, *, variable: str) -> int:
    """The number of a TCP port.

    :raises ConfigError: for anything else
    """
    number = decimal(text, digits=5)
    if not number or number > _LAST_PORT:
        raise ConfigError(
            f"{variable}={text} is not the number of a port",
            hint=f"it is from 1 to {_LAST_PORT}: {variable}=2222",
        )
    return number


def read_keep(text: str, folder: Path, *, variable: str) -> bool | Path:
    """Whether to keep, as ``boot`` has it, or the archive that ``shell`` is to keep a root in.

    :raises ConfigError: for what is neither, or an archive that cannot be written
    """
    if text in YES_OR_NO:
        return text == "yes"
    if not text.endswith(KEPT):
        raise ConfigError(
            f"{variable}={text} is neither yes, no, nor the name of an archive",
            hint=f"for boot, {variable}=yes; for shell, a file whose name ends in"
            f" {' or '.join(KEPT)}",
        )
    path = read_new_file(text, folder, variable=variable)
    assert path, "it is not empty"
    return path.absolute()


def check_shell(words: Words) -> None:
    """Refuse what ``shell`` does not take of these variables.

    :raises ConfigError: then
    """
    if words.read("keep") is True:
        raise ConfigError(
            "keep=yes is for doit boot, and doit shell takes the name of an archive",
            hint="keep=root.tar.zst",
        )
    for variable in GUEST:
        if variable.name in words and variable.name != "keep":
            raise ConfigError(
                f"{variable.name}= is for doit boot, and doit shell has no use for it",
                hint="leave it out; a shell has no network, as nothing has that packages run",
            )


GUEST = (
    Variable(
        "memory",
        Group.others,
        "for boot: the memory of the machine",
        "2 GiB",
        "memory=4G",
        parser=of_name(read_size),
        describes_build=False,
    ),
    Variable(
        "cpus",
        Group.others,
        "for boot: the number of its processors",
        "2",
        "cpus=4",
        parser=of_name(read_cpus),
        describes_build=False,
    ),
    Variable(
        "disk-size",
        Group.others,
        "for boot: the size of its disk, where that is larger than the image, as a card may be",
        "that of the image",
        "disk-size=16G",
        parser=of_name(read_sectors),
        describes_build=False,
    ),
    Variable(
        "ssh-port",
        Group.others,
        "for boot: the port of this machine, for this machine alone, by which ssh reaches it",
        "",
        "ssh-port=2222",
        parser=of_name(read_port),
        describes_build=False,
    ),
    Variable(
        "internet",
        Group.others,
        "for boot: yes: it reaches the network, as a program of this machine does",
        "no",
        "internet=yes",
        choices=YES_OR_NO,
        parser=of_name(read_yes),
        describes_build=False,
    ),
    Variable(
        "graphics",
        Group.others,
        "for boot: yes: it has a screen, in a window, and a keyboard and a mouse",
        "no",
        "graphics=yes",
        choices=YES_OR_NO,
        parser=of_name(read_yes),
        describes_build=False,
    ),
    Variable(
        "keep",
        Group.others,
        "for boot: yes: what is written to its disk is kept, beside the image, for the next boot;"
        " for shell: the archive to make of the root at the end, which reuse-root-tar= takes",
        "no",
        "keep=yes",
        parser=of_path(read_keep),
        paths=True,
        describes_build=False,
    ),
)

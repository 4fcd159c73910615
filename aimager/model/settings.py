"""What makes one image differ from another of the same packages: names, users, locales."""

from dataclasses import dataclass, field, replace

from aimager.model.networks import StaticNetwork, WifiNetwork
from aimager.units import decimal
from aimager.uuids import recognise

DEFAULT_LOCALE = "en_US.UTF-8"


@dataclass(frozen=True)
class User:
    """A user to add: ``arguments`` are useradd(8)'s, its login name the last of them."""

    arguments: tuple[str, ...]

    @property
    def name(self) -> str:
        """The login name."""
        return self.arguments[-1]


@dataclass(frozen=True)
class Password:
    """A user's password as chpasswd(8) takes it: in clear, or hashed already (crypt(5))."""

    user: str
    password: str = field(repr=False, metadata={"secret": True})
    is_hashed: bool = False


@dataclass(frozen=True)
class HashedPassword:
    """A user's password as /etc/shadow holds it (crypt(5))."""

    user: str
    hash: str


def is_id(text: str) -> bool:
    """Whether ``text`` is the number of a user or group: of 32 bits, of which chown(2) takes the
    last for none."""
    number = decimal(text, 10)
    return number is not None and number < 0xFFFFFFFF


@dataclass(frozen=True)
class AddedFile:
    """A text file for the image: ``path`` is absolute; what it holds may be secret.

    ``owner`` is ``USER`` or ``USER:GROUP``, names that the image has or numbers. Without one the
    file is the user's in whose home it lies, or root's.
    """

    path: str
    text: str = field(repr=False, metadata={"secret": True})
    mode: int = 0o644
    owner: str = ""


@dataclass(frozen=True)
class AuthorizedKeys:
    """Lines of sshd(8)'s authorized_keys, by which a user can log in over ssh."""

    user: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Script:
    """A program to run in the image, which begins with ``#!``; it may hold secrets."""

    name: str
    text: str = field(repr=False, metadata={"secret": True})


@dataclass(frozen=True)
class Settings:
    """The settings of an image; the first of ``locales`` becomes its LANG.

    With ``credentials``, the first boot takes from systemd's what is not said here; an empty
    ``hostname`` is then left to them.
    An empty ``timezone`` or ``keymap`` is that of its packages, and UTC or ``us`` where they have
    none.
    """

    hostname: str
    locales: tuple[str, ...] = (DEFAULT_LOCALE,)
    users: tuple[User, ...] = ()
    passwords: tuple[Password, ...] = ()
    sudo_groups: tuple[str, ...] = ()
    """Groups whose members may run everything with sudo, giving their own password."""
    timezone: str = ""
    keymap: str = ""
    ssh_keys: tuple[AuthorizedKeys, ...] = ()
    network: StaticNetwork = field(default_factory=StaticNetwork)
    wifi: tuple[WifiNetwork, ...] = ()
    wifi_country: str = ""
    """The country by whose rules radio is used, in two letters (ISO 3166-1); empty: anybody's."""
    command_line: tuple[str, ...] = ()
    """Words of the kernels' command lines, after those that find the root."""
    own_command_lines: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """In place of these, those of single kernels by the names of their packages."""
    credentials: bool = False
    services: tuple[str, ...] = ()
    """Units to enable."""
    files: tuple[AddedFile, ...] = ()
    scripts: tuple[Script, ...] = ()
    """They are run after everything else."""

    def command_line_of(self, kernel: str) -> tuple[str, ...]:
        """The words for the kernel of the package ``kernel``."""
        return dict(self.own_command_lines).get(kernel, self.command_line)

    @property
    def finishes(self) -> bool:
        """Whether anything is added to the system beside its settings."""
        added = self.services or self.files or self.scripts
        return bool(added or self.wifi or self.keymap)

    def without_secrets(self) -> "Settings":
        """The same without passwords, and with no text of files that could be read or guessed."""
        return replace(
            self,
            passwords=(),
            wifi=tuple(network.recognised() for network in self.wifi),
            files=tuple(replace(file, text=recognise(file.text)) for file in self.files),
            scripts=tuple(replace(script, text=recognise(script.text)) for script in self.scripts),
        )

"""What makes one image differ from another of the same packages: names, users, locales."""

from dataclasses import dataclass

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
    """A user's password in clear, as chpasswd(8) takes it."""

    user: str
    password: str


@dataclass(frozen=True)
class Setup:
    """The settings of an image; the first of ``locales`` becomes its LANG."""

    hostname: str
    locales: tuple[str, ...] = (DEFAULT_LOCALE,)
    users: tuple[User, ...] = ()
    passwords: tuple[Password, ...] = ()
    sudo_groups: tuple[str, ...] = ()
    """Groups whose members may run everything with sudo, giving their own password."""
    command_line: tuple[str, ...] = ()
    """Words of every kernel's command line, after those that find the root."""

"""The settings of an image, made in its root: names, locales, users, network, mirrors."""

from collections.abc import Sequence
from typing import Protocol

from aimager import process
from aimager.errors import CommandError, ConfigError
from aimager.model.form import Form
from aimager.model.settings import HashedPassword, Settings, User
from aimager.packages.pacman import enable_mirror
from aimager.sandbox.accounts import read_accounts, read_groups
from aimager.sandbox.chroot import Chroot
from aimager.sandbox.owners import held_ids, refuse_accounts, refused_owners
from aimager.sandbox.tree import Tree
from aimager.system.locales import set_locales
from aimager.system.localisation import set_keymap, set_timezone
from aimager.system.networks import configure_network
from aimager.system.ssh_keys import lay_ssh_keys
from aimager.system.wifi import configure_wifi
from aimager.toolbox import Toolbox


class Root(Protocol):
    """A root, or the part of one that set-up needs, and programs that change it."""

    @property
    def tree(self) -> Tree:
        """Its files."""

    def run(self, argv: Sequence[str], input: bytes = b"") -> str:
        """Run a program on it, and return all that it says.

        :raises CommandError: when it fails
        """


class ImageRoot:
    """A root, and programs of its own that are run in it."""

    def __init__(self, image: Chroot, tools: Toolbox, epoch: int) -> None:
        self.tree = image.tree
        self.runtime = image.runtime
        self.tools = tools
        self.env = {"SOURCE_DATE_EPOCH": str(epoch)}
        self.has_run = False
        """Whether a program of it was run, which may have changed anything in it."""
        self.refused: tuple[str, ...] = ()
        """What the last one said by which it was refused a file's owner."""
        self._jail = image.jail()

    def run(self, argv: Sequence[str], input: bytes = b"") -> str:
        """Run a program of the image, emulated if it has to be, and return all that it says.

        :raises CommandError: when it fails
        """
        log, self.has_run, lines = self.tools.log, True, list[str]()
        try:
            return process.run(
                argv, within=self._jail, log=log, env=self.env, input=input, watch=lines.append
            )
        finally:
            self.refused = refused_owners(lines)

    def toolbox(self) -> Toolbox:
        """The image's own programs."""
        self.has_run = True
        return Toolbox(None, self.tools.log, within=self._jail)

    def has(self, path: str) -> bool:
        """Whether the image has this file."""
        return self.tree.exists(path)


def set_up(
    image: ImageRoot,
    setup: Settings,
    hashed: Sequence[HashedPassword],
    *,
    mirrorlist: str,
    mirror: str,
    form: Form = Form.machine,
) -> None:
    """Apply ``setup``, and enable ``mirror`` where ``mirrorlist`` enables none.

    ``hashed`` are the setup's passwords. The network is left alone where that is not for the
    system to set up, by what starts it: ``form``.

    :raises ConfigError: when the root lacks what a setting needs
    :raises HostError: when this machine lacks the id of a user
    """
    if setup.hostname:
        name_host(image.tree, setup.hostname)
    set_locales(image.tree, setup.locales, image.run)
    if setup.timezone or not setup.credentials:
        set_timezone(image.tree, setup.timezone)
    set_keymap(image.tree, "")  # another is set where each initramfs is made again, if need be
    set_up_users(image, setup.users, hashed)
    allow_sudo(image, setup.sudo_groups)
    lay_ssh_keys(image.tree, setup.ssh_keys)
    if form.has_first_boot:
        configure_network(image.tree, setup.network)
        configure_wifi(image.tree, setup.wifi, setup.wifi_country, setup.services)
    if image.has(mirrorlist):
        image.tree.write(mirrorlist, enable_mirror(image.tree.read_text(mirrorlist), mirror))


def name_host(tree: Tree, hostname: str) -> None:
    """Give the image a host name (hostname(5))."""
    tree.write("etc/hostname", f"{hostname}\n", 0o644)


def set_up_users(image: Root, users: Sequence[User], passwords: Sequence[HashedPassword]) -> None:
    """Add ``users``, and set ``passwords``, which are hashed already.

    :raises ConfigError: for what useradd or chpasswd refuses
    :raises HostError: when this machine lacks the id of a user
    """
    for user in users:
        add_user(image, user)
    refuse_accounts(image.tree, held_ids(), [user.name for user in users])
    set_passwords(image, passwords)


def add_user(image: Root, user: User) -> None:
    """Add a user with useradd(8) of the image.

    :raises ConfigError: when useradd refuses
    """
    try:
        image.run(["useradd", *user.arguments])
    except CommandError as error:
        raise ConfigError(
            f"the user {user.name} cannot be added: {error.tail.strip()}", hint="correct useradd="
        ) from error


def set_passwords(image: Root, passwords: Sequence[HashedPassword]) -> None:
    """Set passwords that are hashed already.

    :raises ConfigError: for a user that the image does not have, or a hash that it does not take
    """
    known = {account.name for account in read_accounts(image.tree)}
    for entry in passwords:
        if entry.user not in known:
            raise ConfigError(
                f"chpasswd= names the user {entry.user}, who is not in the image",
                hint="add the user with useradd=; a password may hold commas in chpasswd=@FILE",
            )
    if passwords:
        lines = "".join(f"{entry.user}:{entry.hash}\n" for entry in passwords)
        try:
            image.run(["chpasswd", "-e"], input=lines.encode())
        except CommandError as error:
            raise ConfigError(
                f"the passwords cannot be set: {error.tail.strip()}",
                hint="give chpasswd= hashes that chpasswd of the image takes: openssl passwd -6",
            ) from error


def allow_sudo(image: ImageRoot, groups: Sequence[str]) -> None:
    """Let members of ``groups`` run everything with sudo, giving their own password.

    :raises ConfigError: for a group that the image does not have
    """
    known = read_groups(image.tree)
    for group in groups:
        if group not in known:
            raise ConfigError(
                f"sudo-group= names the group {group}, which is not in the image",
                hint="wheel is the usual one",
            )
    if groups:
        rules = "".join(f"%{group} ALL=(ALL:ALL) ALL\n" for group in groups)
        image.tree.write("etc/sudoers.d/10-groups", rules, 0o440)

"""What makes a finished image one machine's own, set up by what a build does, on part of its files.

The image's own programs are not there, nor would they run everywhere: users are added by native
ones of the same name, which shadow's option ``--root`` lets work on the tree.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from aimager.errors import ConfigError
from aimager.model.settings import HashedPassword, Settings
from aimager.sandbox.accounts import read_accounts
from aimager.sandbox.tree import Tree
from aimager.system.configure import name_host, set_up_users
from aimager.system.customize import enabled_units, keep_enabled
from aimager.system.first_boot import enable
from aimager.system.networks import configure_network
from aimager.system.ssh_keys import lay_ssh_keys
from aimager.system.sysprep import remove_traces
from aimager.system.wifi import configure_wifi
from aimager.toolbox import Toolbox

_ALWAYS = ("", "etc", "etc/default", "etc/kernel")
"""What of the image is read whatever is set up: its accounts, and what names file systems."""

_BOOT = ("boot", "boot/extlinux", "boot/loader", "boot/loader/entries", "boot/syslinux")
"""The same, where the root has it."""

_OF_USERS = ("home", "var/log", "var/mail", "var/spool/mail")
"""What useradd(8) looks at, or puts something into."""

_SKELETON = "etc/skel"

_OF_UNITS = (("etc/systemd", True), ("usr/lib/systemd/system", False))
"""What enables services, and which there are."""

_OF_NETWORKS = (
    *("var/lib", "var/lib/iwd", "etc/wpa_supplicant", "etc/udev", "etc/udev/rules.d"),
    *("etc/NetworkManager", "etc/NetworkManager/system-connections", "etc/modprobe.d"),
)
"""Where wireless networks are known."""

_FIRST_USER = 1000


def folders(setup: Settings) -> Iterator[tuple[str, bool]]:
    """The folders that ``setup`` needs, and whether with all that lies in those below.

    Those in which it makes something need not be among them.
    """
    yield from ((folder, False) for folder in (*_ALWAYS, *_BOOT))
    if setup.users:
        yield from ((folder, False) for folder in _OF_USERS)
        yield _SKELETON, True
    if setup.services or setup.network.addresses or setup.wifi:
        yield from _OF_UNITS
    if setup.wifi:
        yield from ((folder, False) for folder in _OF_NETWORKS)
    for user in setup.users:
        # Wherever -d or -b may put the home, what is there already is not to be made again.
        for word in user.arguments:
            if "/" in word:
                yield f"/{word.partition('/')[2]}", False


def homes(tree: Tree) -> Iterator[str]:
    """The homes of root and of people, in an image whose /etc/passwd ``tree`` has."""
    for account in read_accounts(tree):
        if account.home.strip("/") and (account.user == 0 or account.user >= _FIRST_USER):
            yield account.home
            yield f"{account.home}/.ssh"


def programs(setup: Settings) -> tuple[str, ...]:
    """The native programs that ``setup`` needs."""
    clear = any(not entry.is_hashed for entry in setup.passwords)
    return (
        *(["useradd"] if setup.users else []),
        *(["chpasswd"] if setup.passwords else []),
        *(["openssl"] if clear else []),
    )


class PartialRoot:
    """Part of an image's root, and native programs that work on it."""

    def __init__(self, tree: Tree, tools: Toolbox, epoch: int) -> None:
        self._tree = tree
        self._tools = tools
        self._env = {"SOURCE_DATE_EPOCH": str(epoch)}

    @property
    def tree(self) -> Tree:
        """Its files."""
        return self._tree

    def run(self, argv: Sequence[str], input: bytes = b"") -> str:
        """Run a program of shadow's on it, and return what it says.

        :raises CommandError: when it fails
        """
        words: list[str | Path] = [argv[0], "--root", self._tree.path, *argv[1:]]
        return self._tools.run(words, env=self._env, input=input)


def personalise(root: PartialRoot, setup: Settings, hashed: Sequence[HashedPassword]) -> None:
    """Apply ``setup`` as far as it is one machine's; ``hashed`` are its passwords.

    :raises ConfigError: when the image lacks what a setting needs
    :raises HostError: when this machine lacks the id of a user
    """
    if setup.hostname:
        name_host(root.tree, setup.hostname)
    set_up_users(root, setup.users, hashed)
    lay_ssh_keys(root.tree, setup.ssh_keys)
    if setup.network.addresses:
        configure_network(root.tree, setup.network)
    configure_wifi(root.tree, setup.wifi, setup.wifi_country, enabled_units(root.tree))
    for service in setup.services:
        _enable(root.tree, service)
    if setup.wifi or setup.services:
        keep_enabled(root.tree)
    remove_traces(root.tree)


def _enable(tree: Tree, service: str) -> None:
    """Let a server that the image has start with it.

    :raises ConfigError: when it does not have it
    """
    if not tree.exists(f"usr/lib/systemd/system/{service}"):
        raise ConfigError(
            f"the image has no {service}, which ssh-keys= needs",
            hint="build it anew with ssh-server=yes; ssh-server=no lays keys all the same",
        )
    if service not in enabled_units(tree):
        enable(tree, service, "multi-user.target")

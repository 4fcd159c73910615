"""The settings of an image, made in its root: names, locales, users, network, mirrors."""

from collections.abc import Sequence

from aimager import process
from aimager.errors import CommandError, ConfigError, ImageError
from aimager.model.settings import HashedPassword, Password, Settings, User
from aimager.packages.pacman import enable_mirror
from aimager.resources import read_data
from aimager.sandbox.chroot import Chroot
from aimager.system.first_boot import enable
from aimager.system.locales import set_locales
from aimager.system.root_files import write_file
from aimager.toolbox import Toolbox
from aimager.uuids import derive_uuid

_SERVICES = {
    "systemd-networkd.service": "multi-user.target",
    "systemd-resolved.service": "sysinit.target",
    "systemd-timesyncd.service": "sysinit.target",
}


class ImageRoot:
    """A root, and programs of its own that are run in it."""

    def __init__(self, image: Chroot, tools: Toolbox, epoch: int) -> None:
        self.root = image.root
        self.runtime = image.run
        self.tools = tools
        self.env = {"SOURCE_DATE_EPOCH": str(epoch)}
        self._jail = image.jail()

    def run(self, argv: Sequence[str], input: bytes = b"") -> str:
        """Run a program of the image, emulated if it has to be.

        :raises CommandError: when it fails
        """
        log = self.tools.log
        return process.run(argv, within=self._jail, log=log, env=self.env, input=input)

    def toolbox(self) -> Toolbox:
        """The image's own programs."""
        return Toolbox(None, self.tools.log, within=self._jail)

    def has(self, path: str) -> bool:
        """Whether the image has this file."""
        return (self.root / path).exists()


def set_up(
    image: ImageRoot,
    setup: Settings,
    hashed: Sequence[HashedPassword],
    *,
    mirrorlist: str,
    mirror: str,
) -> None:
    """Apply ``setup``, and enable ``mirror`` where ``mirrorlist`` enables none.

    ``hashed`` are the setup's passwords.

    :raises ConfigError: when the root lacks what a setting needs
    """
    write_file(image.root / "etc/hostname", f"{setup.hostname}\n")
    set_locales(image.root, setup.locales, image.run)
    _write_console(image)
    for user in setup.users:
        add_user(image, user)
    set_passwords(image, hashed)
    allow_sudo(image, setup.sudo_groups)
    configure_network(image)
    listing = image.root / mirrorlist
    if listing.exists():
        listing.write_text(enable_mirror(listing.read_text(), mirror))


def _write_console(image: ImageRoot) -> None:
    """Answer what systemd-firstboot(1) would ask."""
    if not image.has("etc/vconsole.conf"):
        write_file(image.root / "etc/vconsole.conf", "KEYMAP=us\n")
    localtime = image.root / "etc/localtime"
    if not localtime.is_symlink() and not localtime.exists():
        localtime.symlink_to("../usr/share/zoneinfo/UTC")


def add_user(image: ImageRoot, user: User) -> None:
    """Add a user with useradd(8) of the image.

    :raises ConfigError: when useradd refuses
    """
    try:
        image.run(["useradd", *user.arguments])
    except CommandError as error:
        raise ConfigError(
            f"the user {user.name} cannot be added: {error.tail.strip()}", hint="correct useradd="
        ) from error


def hash_passwords(
    tools: Toolbox, passwords: Sequence[Password], seed: str
) -> tuple[HashedPassword, ...]:
    """Hash passwords (SHA-512, crypt(5)) so that none is ever in an argument or a log.

    ``seed`` gives the salts, so that equal inputs make equal images. Those that are hashed already
    stay as they are.
    """
    hashed = []
    for entry in passwords:
        if entry.is_hashed:
            hashed.append(HashedPassword(entry.user, entry.password))
            continue
        salt = derive_uuid(seed, f"password of {entry.user}").replace("-", "")[:16]
        argv = ["openssl", "passwd", "-6", "-salt", salt, "-stdin"]
        said = tools.run(argv, input=f"{entry.password}\n".encode(), quiet=True)
        hashed.append(HashedPassword(entry.user, said.strip()))
    return tuple(hashed)


def set_passwords(image: ImageRoot, passwords: Sequence[HashedPassword]) -> None:
    """Set passwords that are hashed already.

    :raises ConfigError: for a user that the image does not have
    """
    known = {line.split(":")[0] for line in (image.root / "etc/passwd").read_text().splitlines()}
    for entry in passwords:
        if entry.user not in known:
            raise ConfigError(
                f"chpasswd= names the user {entry.user}, who is not in the image",
                hint="add the user with useradd=; a password may hold commas in chpasswd=@FILE",
            )
    if passwords:
        lines = "".join(f"{entry.user}:{entry.hash}\n" for entry in passwords)
        image.run(["chpasswd", "-e"], input=lines.encode())


def allow_sudo(image: ImageRoot, groups: Sequence[str]) -> None:
    """Let members of ``groups`` run everything with sudo, giving their own password.

    :raises ConfigError: for a group that the image does not have
    """
    known = {line.split(":")[0] for line in (image.root / "etc/group").read_text().splitlines()}
    for group in groups:
        if group not in known:
            raise ConfigError(
                f"sudo-group= names the group {group}, which is not in the image",
                hint="wheel is the usual one",
            )
    if groups:
        rules = "".join(f"%{group} ALL=(ALL:ALL) ALL\n" for group in groups)
        write_file(image.root / "etc/sudoers.d/10-groups", rules, 0o440)


def configure_network(image: ImageRoot) -> None:
    """DHCP on wired interfaces, by systemd-networkd and systemd-resolved.

    :raises ImageError: when the image has no systemd-networkd
    """
    units = image.root / "usr/lib/systemd/system"
    if not (units / "systemd-networkd.service").exists():
        raise ImageError("the image has no systemd-networkd.service", hint="systemd brings it")
    wired = read_data("aimager.system", "content/wired.network")
    write_file(image.root / "etc/systemd/network/20-wired.network", wired)
    for service, target in _SERVICES.items():
        if (units / service).exists():
            enable(image.root, service, target)
    if (units / "systemd-resolved.service").exists():
        resolv_conf = image.root / "etc/resolv.conf"
        resolv_conf.unlink(missing_ok=True)
        resolv_conf.symlink_to("../run/systemd/resolve/stub-resolv.conf")

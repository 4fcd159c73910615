"""Which packages the stand-in mirror holds, under Arch's names, and of what they are made.

Debian packages that nothing here names keep their own name and go to ``extra``.
"""

from collections.abc import Collection, Mapping

from aimager.stand_in.kernel_debs import is_kernel, oldest
from aimager.stand_in.port_recipes import list_port_recipes
from aimager.stand_in.ports import PORTS, Port
from aimager.stand_in.recipe import Recipe
from aimager.stand_in.tables import read_table

# With another owner or mode than filesystem's other directories.
_SPECIAL_DIRECTORIES = (
    ("proc", 0o555, 0),
    ("sys", 0o555, 0),
    ("root", 0o750, 0),
    ("tmp", 0o1777, 0),
    ("var/tmp", 0o1777, 0),
    ("var/spool/mail", 0o1777, 0),
    ("srv/ftp", 0o555, 11),
    ("var/games", 0o775, 50),
)

_SYSTEM_LINKS = (
    ("bin", "usr/bin"),
    ("sbin", "usr/bin"),
    ("lib", "usr/lib"),
    ("usr/sbin", "bin"),
    ("etc/mtab", "../proc/self/mounts"),
    ("etc/os-release", "../usr/lib/os-release"),
    ("usr/local/share/man", "../man"),
    ("var/lock", "../run/lock"),
    ("var/mail", "spool/mail"),
    ("var/run", "../run"),
)


def _merged_recipes() -> list[Recipe]:
    recipes = []
    for line in read_table("merged"):
        name, debs = line.split(":")
        recipes.append(Recipe(name, tuple(debs.split())))
    return recipes


def _base_recipes(port: Port) -> list[Recipe]:
    lib64 = (("lib64", "usr/lib"), ("usr/lib64", "lib")) if port.lib64 else ()
    keyrings = tuple(f"{name}-keyring" for name in port.base_keyrings)
    mirrorlist = f"pacman-{port.mirrorlist}"
    return [
        Recipe(
            "filesystem",
            version="2025.05.03-1",
            arch="any",
            description="Base Arch Linux files",
            depends=("iana-etc",),
            backup=read_table("filesystem-backup"),
            directories=(
                *((path, 0o755, 0) for path in read_table("directories")),
                *_SPECIAL_DIRECTORIES,
            ),
            links=_SYSTEM_LINKS + lib64,
            modes=(("etc/shadow", 0o600), ("etc/gshadow", 0o600), ("etc/crypttab", 0o600)),
        ),
        Recipe(
            "base",
            version="3-2",
            arch="any",
            description="Minimal package set to define a basic Arch Linux installation",
            depends=read_table("base") + keyrings,
        ),
        Recipe(
            mirrorlist,
            version="20250501-1",
            arch="any",
            description="Mirror list for use by pacman",
            backup=(f"etc/pacman.d/{port.mirrorlist}",),
        ),
        Recipe(
            "pacman",
            ("pacman-package-manager", "libalpm15", "libalpm16", "makepkg"),
            description="A library-based package manager with dependency support",
            depends=(
                *("bash", "coreutils", "curl", "gawk", "gettext", "glibc", "gnupg", "gpgme"),
                *("grep", "libarchive", "systemd", mirrorlist),
            ),
            backup=("etc/pacman.conf", "etc/makepkg.conf"),
            replace=(("usr/bin/pacman-key", "/usr/share/keyrings", "/usr/share/pacman/keyrings"),),
        ),
    ]


def _program_recipes() -> list[Recipe]:
    return [
        Recipe(
            "glibc",
            ("libc6", "libc-bin", "locales", "libc-l10n"),
            depends=("filesystem", "tzdata"),
            drop=("etc/nsswitch.conf", "etc/default/nss"),
            backup=("etc/locale.gen", "etc/gai.conf"),
        ),
        Recipe("gawk", ("gawk",), links=(("usr/bin/awk", "gawk"),), provides=("awk",)),
        Recipe(
            "bash",
            ("bash",),
            provides=("sh",),
            links=(("usr/bin/sh", "bash"),),
            depends=("glibc", "ncurses", "readline"),
        ),
        Recipe("busybox", ("busybox-static",), repository="extra"),
        Recipe(
            "ca-certificates",
            ("ca-certificates",),
            drop=("usr/bin/update-ca-certificates", "etc/ca-certificates"),
            links=(
                (
                    "etc/ssl/certs/ca-certificates.crt",
                    "../../ca-certificates/extracted/tls-ca-bundle.pem",
                ),
            ),
            directories=(("etc/ca-certificates/extracted", 0o755, 0),),
            depends=("bash", "coreutils"),
        ),
        Recipe("curl", ("curl", "libcurl4t64"), depends=("ca-certificates",)),
        Recipe(
            "gnupg",
            ("gpg", "gpgconf", "gpg-agent", "gpgsm", "gpgv", "dirmngr"),
            depends=("pinentry",),
        ),
        Recipe(
            "iputils",
            ("iputils-ping",),
            # vfs_cap_data, revision 2, effective: cap_net_raw=ep (linux/capability.h)
            capabilities=(("usr/bin/ping", b"\x01\0\0\x02\0\x20" + b"\0" * 14),),
            modes=(("usr/bin/ping", 0o755),),
        ),
        Recipe("kmod", ("kmod", "libkmod2")),
        Recipe(
            "kbd",
            ("kbd", "console-data"),
            keep=("usr/bin", "usr/share/keymaps"),
            move=(("usr/share/keymaps", "usr/share/kbd/keymaps"),),
        ),
        Recipe(
            "openssh",
            ("openssh-server", "openssh-client", "openssh-sftp-server", "openssh-common"),
            drop=(
                "etc/default/ssh",
                "usr/lib/systemd/system/ssh.service",
                "usr/lib/systemd/system/ssh.socket",
                "usr/lib/systemd/system/ssh@.service",
                "usr/lib/systemd/system/sshd@.service",
                "usr/lib/systemd/system/sshd-keygen.service",
                "usr/lib/systemd/system/rescue-ssh.target",
            ),
            backup=("etc/ssh/sshd_config", "etc/ssh/ssh_config", "etc/pam.d/sshd"),
        ),
        Recipe(
            "pam",
            ("libpam0g", "libpam-modules", "libpam-modules-bin", "libpam-runtime"),
            drop=("usr/bin/pam-auth-update", "usr/bin/pam_getenv", "usr/share/pam"),
        ),
        Recipe(
            "pinentry",
            ("pinentry-curses",),
            links=(("usr/bin/pinentry", "pinentry-curses"),),
        ),
        Recipe("shadow", ("passwd", "login.defs"), drop=("usr/bin/shadowconfig",)),
        Recipe("sudo", ("sudo",), modes=(("etc/sudoers", 0o440),)),
        Recipe(
            "systemd",
            (
                *("systemd", "libsystemd-shared", "udev", "systemd-boot-efi"),
                *("systemd-boot-tools", "systemd-timesyncd", "systemd-resolved"),
                *("systemd-repart", "systemd-userdbd", "systemd-homed", "libpam-systemd"),
                *("libnss-systemd", "libnss-resolve", "libnss-myhostname"),
            ),
            drop=(
                "usr/lib/sysusers.d/basic.conf",
                "usr/lib/tmpfiles.d/debian.conf",
                "usr/lib/lsb",
                "etc/xdg/autostart",
            ),
            depends=("dbus", "kmod", "pam", "util-linux"),
        ),
        Recipe(
            "systemd-sysvcompat",
            ("systemd-sysv",),
            links=(("usr/bin/init", "../lib/systemd/systemd"),),
        ),
        Recipe(
            "util-linux",
            ("util-linux", "util-linux-extra", "bsdutils", "mount", "fdisk", "eject", "login"),
            depends=("pam", "shadow"),
        ),
    ]


def _extra_recipes() -> list[Recipe]:
    return [
        Recipe(
            "vim",
            ("vim-tiny", "vim-common"),
            repository="extra",
            links=(("usr/bin/vim", "vim.tiny"), ("usr/bin/vi", "vim.tiny")),
        ),
        Recipe("gptfdisk", ("gdisk",), repository="extra"),
        Recipe(
            "dracut",
            ("dracut-core", "dracut-install"),
            repository="extra",
            depends=(
                *("bash", "coreutils", "cpio", "filesystem", "findutils", "grep", "gzip"),
                *("kmod", "procps-ng", "sed", "systemd", "util-linux", "xz", "zstd"),
            ),
            provides=("initramfs",),
        ),
        Recipe("nano", ("nano",)),
        Recipe(
            "qemu-img",
            ("qemu-utils",),
            repository="extra",
            description="QEMU emulator disk image utility",
            keep=("usr/bin", "usr/share/man"),
        ),
        Recipe("iwd", ("iwd",), repository="extra"),
        Recipe("wpa_supplicant", ("wpasupplicant",)),
        Recipe(
            "wireless-regdb",
            ("wireless-regdb",),
            links=(
                ("usr/lib/firmware/regulatory.db", "regulatory.db-upstream"),
                ("usr/lib/firmware/regulatory.db.p7s", "regulatory.db.p7s-upstream"),
            ),
        ),
    ]


def _initramfs_recipes() -> list[Recipe]:
    tools = ("bash", "busybox", "coreutils", "cpio", "gawk", "kmod", "util-linux", "xz", "zstd")
    return [
        Recipe(
            "stand-in-initramfs",
            version="1.0-1",
            arch="any",
            description="What the stand-ins of mkinitcpio and booster share",
            depends=(*tools, "diffutils", "findutils", "grep", "gzip", "sed"),
        ),
        Recipe(
            "mkinitcpio",
            version="40-1",
            arch="any",
            description="Modular initramfs image creation utility (stand-in)",
            depends=("stand-in-initramfs",),
            provides=("initramfs",),
            backup=("etc/mkinitcpio.conf",),
            directories=(("etc/mkinitcpio.d", 0o755, 0), ("etc/mkinitcpio.conf.d", 0o755, 0)),
        ),
        Recipe(
            "booster",
            version="0.12-2",
            repository="extra",
            arch="any",
            description="Fast and secure initramfs generator (stand-in)",
            depends=("stand-in-initramfs",),
            provides=("initramfs",),
            backup=("etc/booster.yaml",),
        ),
    ]


def list_recipes(arch: str) -> dict[str, Recipe]:
    """The platform's recipes by name; a later one replaces an earlier one of the same name."""
    recipes = [
        *_merged_recipes(),
        *_base_recipes(PORTS[arch]),
        *_program_recipes(),
        *_extra_recipes(),
        *_initramfs_recipes(),
        *list_port_recipes(PORTS[arch]),
    ]
    return {recipe.name: recipe for recipe in recipes}


def list_wanted_debs(recipes: Mapping[str, Recipe], known: Collection[str]) -> tuple[str, ...]:
    """The Debian packages to ask for: those that recipes name, and some leaves, if ``known``."""
    wanted = {deb for recipe in recipes.values() for deb in recipe.debs} - ALONE_DEBS
    for recipe in recipes.values():
        if is_kernel(recipe):
            wanted |= {recipe.option, oldest(recipe.option, known) if recipe.older else ""}
    return tuple(sorted({*wanted, *read_table("leaves")} & set(known)))


# Wanted without what they depend on: that is perl's and polkit's world.
ALONE_DEBS = frozenset(("makepkg", "systemd-homed"))

"""Which packages the stand-in mirror holds, under Arch's names, and of what they are made.

Debian packages that nothing here names keep their own name and go to ``extra``.
"""

from aimager.stand_in.recipe import Recipe

# Debian's own plumbing, which no program of Arch's layout needs.
DROPPED_DEBS = frozenset(
    """adduser base-files base-passwd debconf dpkg gcc-14-base init-system-helpers initramfs-tools
    initramfs-tools-bin initramfs-tools-core iucode-tool klibc-utils libdebconfclient0 libklibc
    libtext-charwidth-perl libtext-wrapi18n-perl linux-base lsb-base perl-base runit-helper
    sensible-utils sysvinit-utils ucf""".split()
)

# Left out of every package, with all below them.
DROPPED_PATHS = tuple(
    """etc/cron.d etc/cron.daily etc/cron.weekly etc/init.d etc/kernel etc/runit etc/sv etc/ufw
    usr/share/apport usr/share/bash-completion usr/share/bug usr/share/debconf usr/share/doc
    usr/share/doc-base usr/share/gdb usr/share/info usr/share/initramfs-tools usr/share/lintian
    usr/share/man usr/share/menu usr/share/perl5 usr/share/runit usr/share/zsh var/log/runit
    usr/share/pkgconfig""".split()
)

_MERGED = """
acl: libacl1
attr: libattr1
audit: libaudit1 libaudit-common
bash: bash
brotli: libbrotli1
bzip2: bzip2 libbz2-1.0
coreutils: coreutils
db5.3: libdb5.3t64
dbus: dbus dbus-bin dbus-daemon dbus-session-bus-common dbus-system-bus-common libdbus-1-3
e2fsprogs: e2fsprogs libcom-err2 libext2fs2t64 libss2 logsave
expat: libexpat1
file: file libmagic-mgc libmagic1t64
gcc-libs: libgcc-s1 libstdc++6
gettext: gettext-base
gmp: libgmp10
gnutls: libgnutls30t64
gpgme: libgpgme11t64
iana-etc: netbase
inetutils: hostname
keyutils: libkeyutils1
krb5: libkrb5-3 libgssapi-krb5-2 libk5crypto3 libkrb5support0
less: less
libarchive: libarchive-tools libarchive13t64
libassuan: libassuan9
libbpf: libbpf1
libbsd: libbsd0 libmd0
libcap: libcap2 libcap2-bin
libcap-ng: libcap-ng0
libedit: libedit2
libelf: libelf1t64
libffi: libffi8
libfido2: libfido2-1 libcbor0.10
libgcrypt: libgcrypt20
libgpg-error: libgpg-error0
libidn2: libidn2-0
libksba: libksba8
libldap: libldap2
libmnl: libmnl0
libnghttp2: libnghttp2-14
libnghttp3: libnghttp3-9
libpsl: libpsl5t64
libsasl: libsasl2-2 libsasl2-modules-db
libseccomp: libseccomp2
libselinux: libselinux1
libssh2: libssh2-1t64
libtasn1: libtasn1-6
libtirpc: libtirpc3t64 libtirpc-common
libunistring: libunistring5
libxcrypt: libcrypt1
libxml2: libxml2
lz4: liblz4-1
lzo: liblzo2-2
mpfr: libmpfr6
ncurses: ncurses-bin ncurses-base libncursesw6 libtinfo6
nettle: libnettle8t64 libhogweed6t64
npth: libnpth0t64
openssl: openssl libssl3t64 openssl-provider-legacy
p11-kit: libp11-kit0
pciutils: pciutils libpci3
hwdata: pci.ids
pcre2: libpcre2-8-0
popt: libpopt0
procps-ng: procps libproc2-0
psmisc: psmisc
readline: libreadline8t64 readline-common
rtmpdump: librtmp1
sqlite: libsqlite3-0
systemd-libs: libsystemd0 libudev1
tzdata: tzdata
util-linux-libs: libblkid1 libfdisk1 liblastlog2-2 libmount1 libsmartcols1 libuuid1
which: gnu-which
xxhash: libxxhash0
xz: xz-utils liblzma5
zlib: zlib1g
zstd: zstd libzstd1
diffutils: diffutils
findutils: findutils
grep: grep
gzip: gzip
iproute2: iproute2
sed: sed
tar: tar
dosfstools: dosfstools
cpio: cpio
debianutils: debianutils
"""

_SYSTEMD_DEBS = """systemd libsystemd-shared udev systemd-boot-efi systemd-boot-tools
    systemd-timesyncd systemd-resolved systemd-repart systemd-userdbd systemd-homed libpam-systemd
    libnss-systemd libnss-resolve libnss-myhostname"""

_GNUPG_DEBS = "gpg gpgconf gpg-agent gpgsm gpgv dirmngr"

_UTIL_LINUX_DEBS = "util-linux util-linux-extra bsdutils mount fdisk eject login"

_BASE = """filesystem gcc-libs glibc bash coreutils file findutils gawk grep procps-ng sed tar
    gettext pciutils psmisc shadow util-linux bzip2 gzip xz pacman systemd systemd-sysvcompat
    iputils iproute2"""

_SYSTEM_DIRECTORIES = tuple(
    (path, 0o755, 0)
    for path in """boot dev etc/ld.so.conf.d etc/profile.d etc/skel home mnt opt run usr/include
    usr/local/bin usr/local/etc usr/local/games usr/local/include usr/local/lib usr/local/man
    usr/local/sbin usr/local/share usr/local/src usr/share/man/man1 usr/src var/cache var/empty
    var/lib/misc var/local var/log/old var/opt srv/http""".split()
) + (
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

_SYSTEM_BACKUP = tuple(
    f"etc/{name}"
    for name in """crypttab fstab group gshadow host.conf hosts issue nsswitch.conf passwd
    profile resolv.conf securetty shadow shells subgid subuid""".split()
)


def _merged_recipes() -> list[Recipe]:
    recipes = []
    for line in _MERGED.strip().splitlines():
        name, debs = line.split(":")
        recipes.append(Recipe(name, tuple(debs.split())))
    return recipes


def _base_recipes(arch: str) -> list[Recipe]:
    x86 = arch == "x86_64"
    lib64 = (("lib64", "usr/lib"), ("usr/lib64", "lib")) if x86 else ()
    return [
        Recipe(
            "filesystem",
            version="2025.05.03-1",
            arch="any",
            description="Base Arch Linux files",
            depends=("iana-etc",),
            backup=_SYSTEM_BACKUP,
            directories=_SYSTEM_DIRECTORIES,
            links=_SYSTEM_LINKS + lib64,
            modes=(("etc/shadow", 0o600), ("etc/gshadow", 0o600), ("etc/crypttab", 0o600)),
        ),
        Recipe(
            "base",
            version="3-2",
            arch="any",
            description="Minimal package set to define a basic Arch Linux installation",
            depends=tuple(_BASE.split()) + (("archlinux-keyring",) if x86 else ()),
        ),
        Recipe(
            "pacman-mirrorlist",
            version="20250501-1",
            arch="any",
            description="Mirror list for use by pacman",
            backup=("etc/pacman.d/mirrorlist",),
        ),
        Recipe(
            "pacman",
            ("pacman-package-manager", "libalpm15", "makepkg"),
            description="A library-based package manager with dependency support",
            depends=tuple(
                "bash coreutils curl gawk gettext glibc gnupg gpgme grep libarchive "
                "pacman-mirrorlist systemd".split()
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
        Recipe("gnupg", tuple(_GNUPG_DEBS.split())),
        Recipe(
            "iputils",
            ("iputils-ping",),
            # vfs_cap_data, revision 2, effective: cap_net_raw=ep (linux/capability.h)
            capabilities=(("usr/bin/ping", b"\x01\0\0\x02\0\x20" + b"\0" * 14),),
            modes=(("usr/bin/ping", 0o755),),
        ),
        Recipe("kmod", ("kmod", "libkmod2")),
        Recipe(
            "openssh",
            ("openssh-server", "openssh-client", "openssh-sftp-server"),
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
            tuple(_SYSTEMD_DEBS.split()),
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
        Recipe("util-linux", tuple(_UTIL_LINUX_DEBS.split()), depends=("pam", "shadow")),
    ]


def _extra_recipes() -> list[Recipe]:
    qemus = "aarch64 arm i386 loongarch64 riscv64 x86_64".split()
    return [
        Recipe(
            "qemu-user-static",
            ("qemu-user",),
            repository="extra",
            keep=tuple(f"usr/bin/qemu-{name}" for name in qemus),
            move=tuple((f"usr/bin/qemu-{name}", f"usr/bin/qemu-{name}-static") for name in qemus),
        ),
        Recipe(
            "vim",
            ("vim-tiny", "vim-common"),
            repository="extra",
            links=(("usr/bin/vim", "vim.tiny"), ("usr/bin/vi", "vim.tiny")),
        ),
        Recipe("gptfdisk", ("gdisk",), repository="extra"),
        Recipe("dracut", ("dracut-core", "dracut-install"), repository="extra"),
        Recipe("nano", ("nano",)),
    ]


def _initramfs_recipes() -> list[Recipe]:
    tools = ("bash", "busybox", "coreutils", "cpio", "gawk", "kmod", "util-linux", "xz", "zstd")
    return [
        Recipe(
            "stand-in-initramfs",
            version="1.0-1",
            arch="any",
            description="What the stand-ins of mkinitcpio and booster share",
            depends=(*tools, "findutils", "grep", "gzip", "sed"),
        ),
        Recipe(
            "mkinitcpio",
            version="41.1-1",
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


def _board_recipes(arch: str) -> list[Recipe]:
    firmware = Recipe(
        "linux-firmware",
        ("firmware-linux-free",),
        description="Firmware files for Linux",
    )
    if arch == "x86_64":
        needs = ("coreutils", "initramfs", "kmod")
        return [
            firmware,
            Recipe("linux", maker="kernel", option="linux-image-amd64", depends=needs),
            Recipe("linux-lts", maker="kernel", option="linux-image-cloud-amd64", depends=needs),
            Recipe("amd-ucode", ("amd64-microcode",), maker="ucode", option="AuthenticAMD"),
            Recipe("intel-ucode", ("intel-microcode",), maker="ucode", option="GenuineIntel"),
            Recipe("archlinux-keyring", maker="keyring", option="archlinux", depends=("pacman",)),
            Recipe(
                "archlinuxcn-keyring",
                maker="keyring",
                option="archlinuxcn",
                repository="archlinuxcn",
                depends=("archlinux-keyring",),
            ),
            Recipe(
                "pacman-static",
                ("pacman-package-manager",),
                maker="static-pacman",
                repository="archlinuxcn",
            ),
            Recipe("syslinux", ("syslinux", "syslinux-common", "extlinux")),
        ]
    return [
        firmware,
        Recipe(
            "linux-aarch64",
            maker="alarm-kernel",
            option="linux-image-arm64",
            depends=("coreutils", "kmod", "mkinitcpio>=0.7"),
            conflicts=("linux",),
            provides=("linux",),
        ),
        Recipe("archlinuxarm-keyring", maker="keyring", option="archlinuxarm", depends=("pacman",)),
        Recipe("tree", ("tree",), repository="aur"),
        Recipe("htop", ("htop",), repository="alarm"),
    ]


def list_recipes(arch: str) -> dict[str, Recipe]:
    """The platform's recipes by name; a later one replaces an earlier one of the same name."""
    recipes = [
        *_merged_recipes(),
        *_base_recipes(arch),
        *_program_recipes(),
        *_extra_recipes(),
        *_initramfs_recipes(),
        *_board_recipes(arch),
    ]
    return {recipe.name: recipe for recipe in recipes}


def list_wanted_debs(recipes: dict[str, Recipe]) -> tuple[str, ...]:
    """The Debian packages to ask for: those that recipes name, and some leaves."""
    wanted = {deb for recipe in recipes.values() for deb in recipe.debs} - ALONE_DEBS
    wanted |= {recipe.option for recipe in recipes.values() if recipe.option.startswith("linux-")}
    return tuple(sorted(wanted | _LEAVES))


_LEAVES = frozenset(
    "btrfs-progs erofs-utils htop iputils-ping mtools nano squashfs-tools tree".split()
)

# Wanted without what they depend on: that is perl's and polkit's world.
ALONE_DEBS = frozenset(("makepkg", "systemd-homed"))

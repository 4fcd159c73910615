"""The platforms that the mirror plays: how each port's mirror is laid out, and its own packages."""

from dataclasses import dataclass

_TRIXIE = "trixie"


@dataclass(frozen=True)
class Port:
    """A distribution on one architecture.

    ``distro`` is the folder of its files in ``content``, ``debian`` Debian's name of the
    architecture and ``suites`` those that have its packages. ``keyrings`` are named without
    ``-keyring``; those of ``base_keyrings`` belong to ``base``. ``place`` is a repository's, with
    ``$repo`` and ``$arch`` in it.
    """

    arch: str
    distro: str
    debian: str
    place: str
    keyrings: tuple[str, ...]
    base_keyrings: tuple[str, ...]
    suites: tuple[str, ...] = (_TRIXIE,)
    repositories: tuple[str, ...] = ("core", "extra")
    others: tuple[tuple[str, str], ...] = ()
    """Further repositories with their places, of which its pacman.conf knows nothing."""
    mirrorlist: str = "mirrorlist"
    """The file in etc/pacman.d; its package is ``pacman-`` and its name."""
    lib64: bool = False
    """Whether its file system has lib64, where the ABI's name of the program loader begins so."""
    depends_apart: bool = False
    """Whether its databases hold a package's dependencies in a file of their own."""
    real_keys: str = ""
    """Debian's package of a real keyring, whose keys its own has, too."""
    packages: tuple[str, ...] = ()
    """The values of ``Architecture`` in its pacman.conf, if not only ``arch``."""

    def layout(self) -> dict[str, str]:
        """Each repository's place below the mirror's top."""
        places = {
            name: self.place.replace("$repo", name).replace("$arch", self.arch)
            for name in self.repositories
        }
        return places | dict(self.others)


def _arch32(arch: str, *packages: str, real_keys: str = "") -> Port:
    return Port(
        arch=arch,
        distro="archlinux32",
        debian="i386",
        place="archlinux32/$arch/$repo",
        keyrings=("archlinux32",),
        base_keyrings=("archlinux32",),
        # Trixie has no kernel for i386.
        suites=(_TRIXIE, "bookworm"),
        repositories=("core", "extra", "community"),
        packages=packages,
        real_keys=real_keys,
    )


def _alarm(arch: str, debian: str) -> Port:
    return Port(
        arch=arch,
        distro="archlinuxarm",
        debian=debian,
        place="archlinuxarm/$arch/$repo",
        keyrings=("archlinuxarm",),
        base_keyrings=(),
        repositories=("core", "extra", "alarm", "aur"),
        depends_apart=True,
    )


PORTS = {
    port.arch: port
    for port in (
        Port(
            arch="x86_64",
            distro="archlinux",
            debian="amd64",
            place="archlinux/$repo/os/$arch",
            keyrings=("archlinux",),
            base_keyrings=("archlinux",),
            others=(("archlinuxcn", "archlinuxcn/x86_64"),),
            lib64=True,
        ),
        _alarm("aarch64", "arm64"),
        _arch32("i686"),
        _arch32("pentium4", "pentium4", "i686"),
        # The port that is booted nowhere, for gpg takes its time with so many keys.
        _arch32("i486", real_keys="archlinux-keyring"),
        _alarm("armv7h", "armhf"),
        Port(
            arch="loong64",
            distro="loongarchlinux",
            debian="loong64",
            place="loongarch/archlinux/$repo/os/$arch",
            keyrings=("archlinux-lcpu", "archlinux"),
            base_keyrings=("archlinux-lcpu", "archlinux"),
            suites=("sid",),
            mirrorlist="mirrorlist-loong64",
            lib64=True,
        ),
        Port(
            arch="riscv64",
            distro="archriscv",
            debian="riscv64",
            place="archriscv/repo/$repo",
            keyrings=("archlinux",),
            base_keyrings=("archlinux",),
        ),
    )
}
"""By the architecture's name, which no two distributions share."""

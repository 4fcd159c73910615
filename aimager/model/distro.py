"""Distributions and their repositories, as data."""

from dataclasses import dataclass, field, replace

from aimager.model.architecture import Architecture


@dataclass(frozen=True)
class Keyring:
    """A pacman keyring and the keys that everything in it hangs on.

    The package ``package`` holds usr/share/pacman/keyrings/``name``.gpg, -trusted and -revoked;
    ``master_keys`` are the fingerprints that we pin, in capitals; each is trusted marginally, so
    that three have to vouch for another key, whatever the package says. ``user_keys`` are those
    that the user names: masters that the package lists take the pinned ones' place, and others in
    it are trusted for what they sign themselves. With ``believes_list``, all masters that the
    package lists are trusted as the pinned ones once these have vouched for the package. Where
    ``package`` is empty, the public keys themselves are in ``keys``, as base64, out of a file of
    ``key_sha256``, by which alone they are told.
    """

    name: str
    package: str
    master_keys: tuple[str, ...]
    keys: str = field(default="", repr=False, metadata={"identity": False})
    key_sha256: str = ""
    user_keys: tuple[str, ...] = ()
    believes_list: bool = False

    @property
    def named(self) -> tuple[str, ...]:
        """The masters where nothing lists any: the user's, else the pinned ones."""
        return self.user_keys or self.master_keys


@dataclass(frozen=True)
class Mirrors:
    """Where repositories are served: ``$repo`` and ``$arch`` stand for their names.

    ``path`` is the place below a mirror that carries several distributions (``repo-url-parent``),
    ``url`` a server for the whole world.
    """

    path: str
    url: str


@dataclass(frozen=True)
class Distro:
    """A distribution that pacman installs."""

    id: str
    name: str
    aliases: tuple[str, ...]
    architectures: tuple[Architecture, ...]
    mirrors: Mirrors
    keyrings: tuple[Keyring, ...]
    mirrorlist: str = "etc/pacman.d/mirrorlist"
    """The file of the image that its pacman.conf includes for mirrors."""
    core_repository: str = "core"
    """The one of them that every mirror has."""
    base_repositories: tuple[str, ...] = ("core", "extra")
    """Its repositories, in the order of the pacman.conf in its package ``pacman``."""
    base_packages: tuple[str, ...] = ("base",)
    archive: str = ""
    """Where all versions of a package are kept, ``$name`` being its name and ``$initial`` the
    first letter of it; empty where the distribution keeps none."""
    vendor: str = ""
    """Its namespace in package URLs (purl-spec's type alpm), where that is not ``id``."""
    lends: bool = False
    """Whether machines of its architectures borrow its programs before another's."""
    trouble: str = ""
    """Why it cannot be built as it stands, and what helps, if so: for `doit distros`, and for those
    whose build does not trust a package."""

    def is_called(self, name: str) -> bool:
        """Whether it has this name, in capitals or not."""
        return name.lower() in (n.lower() for n in (self.id, self.name, *self.aliases))

    @property
    def rootfs_packages(self) -> tuple[str, ...]:
        """What every root of this distribution is asked to hold."""
        return self.base_packages + tuple(keyring.package for keyring in self.keyrings)


@dataclass(frozen=True)
class ThirdPartyRepository:
    """A repository outside the distributions, with a keyring of its own.

    Without a ``path`` in its mirrors it is a user's own. ``packages`` are installed beside the
    keyring's where it has them: mirror lists. One that ``comes_first`` is before the distribution's
    own, so that its packages are taken in place of theirs; one that ``is_for_build`` is not in the
    image.
    """

    id: str
    architectures: tuple[Architecture, ...]
    mirrors: Mirrors
    keyring: Keyring
    packages: tuple[str, ...] = ()
    purpose: str = ""
    comes_first: bool = False
    is_for_build: bool = False

    @property
    def without_keys(self) -> "ThirdPartyRepository":
        """The same for people to read."""
        return replace(self, keyring=replace(self.keyring, keys=""))

    @property
    def word(self) -> str:
        """How ``add-repos=`` names it."""
        return self.id if self.mirrors.path else f"{self.id}={self.mirrors.url}"


@dataclass(frozen=True)
class Platform:
    """A distribution on one of its architectures, perhaps with added ``repositories``.

    ``unsigned`` tells that packages which nobody signed come before all of them. With a ``level``
    of the architecture, packages for it and for those below are taken, too.
    """

    distro: Distro
    architecture: Architecture
    repositories: tuple[ThirdPartyRepository, ...] = ()
    unsigned: bool = False
    level: str = ""

    @property
    def architectures(self) -> tuple[str, ...]:
        """The architectures whose packages pacman is to take, its own first."""
        return self.architecture.taken(self.level)

    @property
    def repository_names(self) -> tuple[str, ...]:
        """All repositories in pacman.conf's order, in which the first that has a package counts."""
        first = tuple(r.id for r in self.repositories if r.comes_first)
        last = tuple(r.id for r in self.repositories if not r.comes_first)
        return (*first, *self.distro.base_repositories, *last)

    @property
    def id(self) -> str:
        """``DISTRO-ARCH``, or ``DISTRO-ARCH+REPOSITORY``, as it stands in task names and paths."""
        end = "+@packages" if self.unsigned else ""
        others = "".join(f"+{repository.id}" for repository in self.repositories)
        return f"{self.distro.id}-{self.architecture}{others}{end}"

    @property
    def signed(self) -> "Platform":
        """The same without what nobody signed."""
        return replace(self, unsigned=False)

    @property
    def plain(self) -> "Platform":
        """The same without the added repositories."""
        return Platform(self.distro, self.architecture, level=self.level)

    def added(self, name: str) -> ThirdPartyRepository | None:
        """The added repository of this name."""
        return next((r for r in self.repositories if r.id == name), None)

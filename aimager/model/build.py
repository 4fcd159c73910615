"""One build: a board on a platform, with what the user asked for."""

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from aimager.codec import fingerprint
from aimager.files import Readers
from aimager.model.board import Board
from aimager.model.cluster import Cluster
from aimager.model.distro import Platform, ThirdPartyRepository
from aimager.model.partition import FileSystem
from aimager.model.product import (
    BLOCK_MAP,
    CHECKSUMS,
    MANIFEST,
    SPDX,
    Compression,
    Product,
    compressed_name,
)
from aimager.model.recipe import UNTOLD, Recipe
from aimager.model.remote import RecordTrust
from aimager.model.settings import Settings
from aimager.shown import without_credentials

BUILD_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
"""The name that a user gives a build: it stands in names of tasks and folders, before a dot."""


class Tools(StrEnum):
    """Whose programs do the work."""

    borrowed = "borrowed"
    """Those of the host platform's own repositories, unpacked into a root of their own."""
    host = "host"


@dataclass(frozen=True)
class MirrorChoice:
    """Which mirrors the user wants instead of the global ones, and whose keys to trust there.

    ``parents`` carry all distributions, each below its own path; ``repositories`` are complete
    URLs by repository name, for the platform that is built, and ``distros`` such URLs for all
    repositories of a distribution, by its id. Of several the first is asked first.
    ``trusted_keys`` are trusted in the distributions that are built, as `Keyring` has it of its
    ``user_keys``, and beside the pinned ones elsewhere; ``own_keys`` names the repositories whose
    keys the user named one by one. ``older_keyring`` lets a keyring package be older than one that
    was used before.
    """

    parents: tuple[str, ...] = ()
    repositories: tuple[tuple[str, tuple[str, ...]], ...] = ()
    trusted_keys: tuple[str, ...] = ()
    offline: bool = False
    own_keys: tuple[str, ...] = ()
    older_keyring: bool = False
    distros: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True)
class Build:
    """What one ``doit build`` makes."""

    board: Board
    platform: Platform
    products: tuple[Product, ...]
    out: Path
    setup: Settings
    mirrors: MirrorChoice = MirrorChoice()
    packages: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    """Packages that settings need."""
    root_size: int | None = None
    tools: Tools = Tools.borrowed
    helper: Path | None = None
    """An archive of programs to run in place of the borrowed ones."""
    reused_root: Path | None = None
    """A root archive to start from in place of the platform's base system."""
    pacman_static: bool | None = None
    """Whether pacman-static is used in place of the host's; None: where that cannot do the work."""
    memory: int | None = None
    """The bytes of a tmpfs to hold trees, 0 for none; None: one where they fit."""
    borrow: bool = True
    """Whether native programs may stand in for those of a foreign image while it is made."""
    lock: Path | None = None
    """The user's lock file, from which the packages are taken, or to which they are written."""
    compressions: tuple[Compression, ...] = ()
    image_name: str = ""
    """What container engines are to call ``oci.tar``; empty: it is not made."""
    seed: str = ""
    """Any text: with another one, all ids and salts of the image are others."""
    disk_from: Path | None = None
    """The user's image that the disk starts as a copy of."""
    epoch: int | None = None
    """The time stamp of all that is made, in seconds; None is the newest package's."""
    repositories: tuple[ThirdPartyRepository, ...] = ()
    """What is added to the repositories of the platform."""
    own_packages: tuple[Path, ...] = ()
    """Files and folders of the user's own packages, which nobody signed."""
    report: Path | None = None
    """The user's file for the page that tells what was done."""
    remote: str = ""
    """The address of a store of products and packages that machines share; empty: none."""
    remote_trust: RecordTrust = field(default_factory=RecordTrust)
    """Whose products are taken from it."""
    workers: Cluster | None = None
    """The cluster that heavy tasks are sent to."""
    sign: Path | None = None
    """The file of a key that signs the checksums of the results."""
    overlays: tuple[Path, ...] = ()
    """Archives to unpack over the root at the end."""
    terminal: Path | None = None
    """Where a shell is to be opened when making the root fails."""
    forgives: bool = False
    """Whether an image may be made although what it boots from failed to be."""
    pacman_verifies: bool = False
    """Whether pacman verifies packages, too, by gpg."""
    check_twice: bool = False
    """Whether what installs packages is done twice, and has to come out the same."""
    board_sha256: str = ""
    """Of the user's file that defines the board; empty: it is one of ours."""
    readers: Readers = Readers.nobody
    """Who else may read the cache and the results."""
    recipe: Recipe = UNTOLD
    """What its manifest tells of the words that described it."""
    name: str = ""
    """The user's name for it, one of several builds; empty: it has none."""

    @property
    def whole_recipe(self) -> Recipe:
        """What the manifest tells of how to make it again."""
        return replace(self.recipe, settings=self.settings_fingerprint, epoch=self.epoch)

    @property
    def results(self) -> tuple[str, ...]:
        """The names of all files that are made, the products first and the checksums last."""
        compressed = (compressed_name(p, c) for p in self.products for c in self.compressions)
        block_map = (BLOCK_MAP,) if Product.disk in self.products else ()
        return (*self.products, *compressed, *block_map, SPDX, MANIFEST, CHECKSUMS)

    @property
    def id(self) -> str:
        """Its name, or ``DISTRO-ARCH-BOARD``, as it stands in task names and paths."""
        return self.name or self.image_id

    @property
    def image_id(self) -> str:
        """``DISTRO-ARCH-BOARD``, whatever the user calls the build: no name is in an image."""
        return f"{self.platform.id}-{self.board.id}"

    @property
    def sources(self) -> Platform:
        """The platform with all repositories that packages may come from."""
        unsigned = bool(self.own_packages)
        return replace(self.platform, repositories=self.repositories, unsigned=unsigned)

    @property
    def own_repositories(self) -> tuple[tuple[str, str], ...]:
        """The distribution's repositories, in order, for the image's pacman.conf.

        Each has the address that the user named, without credentials; empty where there is none.
        """
        named = dict(self.mirrors.repositories)
        base = self.platform.distro.base_repositories
        urls = ((name, next(iter(named.get(name, ())), "")) for name in base)
        return tuple((name, without_credentials(url)) for name, url in urls)

    @property
    def image_repositories(self) -> tuple[ThirdPartyRepository, ...]:
        """What is added to the image's own pacman.conf."""
        return tuple(r for r in self.repositories if not r.is_for_build)

    @property
    def asked_with_credentials(self) -> tuple[str, ...]:
        """Those of the image's repositories whose mirrors the user names with a password or token.

        It is for this machine alone: the image's pacman has to do without.
        """
        named = dict(self.mirrors.repositories)
        base = self.platform.distro.base_repositories
        return tuple(
            name
            for name in (*base, *(r.id for r in self.image_repositories))
            if any(without_credentials(url) != url for url in named.get(name, ()))
        )

    @property
    def installs(self) -> tuple[str, ...]:
        """All packages that are asked for by name, beside those of the root file system."""
        added = self.image_repositories
        keyrings = tuple(r.keyring.package for r in added if r.keyring.package)
        asked = (*self.board.installs, *self.needs, *keyrings, *self.packages)
        return tuple(dict.fromkeys(asked))

    @property
    def is_layered(self) -> bool:
        """Whether more is installed than the board's own, which is then installed first."""
        own = {*self.board.installs, *self.welcome_tools}
        return bool(self.board.installs) and not own >= {*self.installs, *self.welcome}

    @property
    def initramfs(self) -> str | None:
        """The package of the initramfs maker, to install where nothing else provides one."""
        return self.board.initramfs.value if self.board.initramfs else None

    @property
    def file_systems(self) -> tuple[FileSystem, ...]:
        """The file systems of the image's partitions."""
        table = self.board.partition_table
        return tuple(dict.fromkeys(p.file_system for p in table.filled)) if table else ()

    @property
    def welcome(self) -> tuple[str, ...]:
        """Packages that are installed where the repositories have them.

        They are file systems' tools, the countries' rules for radio, and added repositories' lists
        of mirrors.
        """
        lists = (package for r in self.image_repositories for package in r.packages)
        rules = ("wireless-regdb",) if self.setup.wifi else ()
        return tuple(dict.fromkeys((*self.welcome_tools, *rules, *lists)))

    @property
    def welcome_tools(self) -> tuple[str, ...]:
        """Those of them that are file systems' tools."""
        return tuple(dict.fromkeys(f.package for f in self.file_systems if not f.read_only))

    @property
    def makers(self) -> tuple[str, ...]:
        """Packages whose programs make the image's file systems and its disk."""
        converters = ("qemu-img",) if Product.qcow2 in self.products else ()
        return (*(f.package for f in self.file_systems), *converters)

    @property
    def settings_fingerprint(self) -> str:
        """The fingerprint of what shapes the image beside packages; of nothing that is secret."""
        distro = self.platform.distro
        return fingerprint(
            {
                "board": self.board,
                "mirrors": [distro.mirrorlist, distro.mirrors.url],
                "platform": self.platform.id,
                "products": sorted(self.products),
                "level": self.platform.level,
                "own_repositories": self.own_repositories,
                "repositories": [
                    [r.word, r.comes_first, r.is_for_build] for r in self.repositories
                ],
                "root_size": self.root_size,
                "setup": self.setup.without_secrets(),
                "tools": self.tools,
                **({"image_name": self.image_name} if self.image_name else {}),
            }
        )

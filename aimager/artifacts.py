"""Where every product, log and folder lies: the only module that spells ``cache/``."""

import os
from pathlib import Path

from aimager.build import Build, Product
from aimager.distro import Platform
from aimager.workshop import Workshop

CACHE = Path(os.environ.get("AIMAGER_CACHE") or "cache").absolute()


def doit_state(name: str = "doit") -> Path:
    """Where doit remembers what it has done."""
    return CACHE / f"{name}.json"


def workshop(task: str, subject: str) -> Workshop:
    """The folders that the task's stage works in, and its log."""
    return Workshop(
        cache=CACHE,
        # Without a colon, which separates paths for the dynamic loader and others.
        work=CACHE / "work" / f"{task}.{subject}",
        store=store(),
        log=log(f"{task}:{subject}"),
    )


def log(name: str) -> Path:
    """What programs said."""
    return CACHE / "log" / f"{name}.log"


def store() -> Path:
    """The folder of all downloaded packages and signatures."""
    return CACHE / "pkg"


def downloads(platform: str) -> Path:
    """The folder in which a platform's sync databases are kept, as their mirrors gave them."""
    return CACHE / "sync" / platform


def pacman_static() -> Path:
    """An archive of pacman-static, empty where there is none for this host."""
    return CACHE / "tools" / "pacman-static.tar"


def sync_databases(platform: Platform) -> Path:
    """An archive of a platform's sync databases and of its pacman.conf."""
    return CACHE / "sync" / f"{platform.id}.tar"


def lock(subject: str) -> Path:
    """The packages of ``subject``: a platform's keyring or rootfs, or a build."""
    return CACHE / "lock" / f"{subject}.json"


def fetched(subject: str) -> Path:
    """The list of files in the store that a lock stands for, written when all are there."""
    return CACHE / "lock" / f"{subject}.fetched"


def keyring(platform: Platform) -> Path:
    """A platform's pacman keyring with its secret key; never leaves this machine."""
    return CACHE / "keyring" / f"{platform.id}.secret.tar"


def keyring_backup(platform: Platform) -> Path:
    """What of a platform's keyring is public, and enough to verify packages."""
    return CACHE / "keyring" / f"{platform.id}.tar.zst"


def rootfs_archive(platform: Platform) -> Path:
    """A platform's base system, installed."""
    return CACHE / "rootfs" / f"{platform.id}.tar.zst"


def borrowed_archive(platform: Platform) -> Path:
    """The programs that later stages run instead of the host's."""
    return CACHE / "rootfs" / f"{platform.id}.borrowed.tar"


def system_archive(build: Build) -> Path:
    """Everything that a build installs, installed."""
    return CACHE / "system" / f"{build.id}.tar.zst"


def product(build: Build, product: Product) -> Path:
    """A file that the user asked for."""
    return build.out / build.id / product.value


def mirror() -> Path:
    """The stand-in mirror."""
    return CACHE / "mirror"


def mirror_work() -> Path:
    """What the stand-in mirror is made from."""
    return CACHE / "mirror.work"

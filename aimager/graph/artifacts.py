"""Where every product, log and folder lies: the only module that spells ``cache/``."""

import os
import time
from pathlib import Path

from aimager.codec import fingerprint
from aimager.model.build import Build
from aimager.model.distro import Platform
from aimager.model.product import Product
from aimager.model.workshop import Workshop
from aimager.products.cache import Kept
from aimager.products.delivery import Delivery
from aimager.uuids import derive_volume_id

CACHE = Path(os.environ.get("AIMAGER_CACHE") or "cache").absolute()

RUN = CACHE / "work" / f"{os.getpid()}-{time.time_ns():x}"
"""The folder of this run of doit (`aimager.products.run_folder`)."""

_VIEW = RUN / "view"


def workshop(task: str, subject: str) -> Workshop:
    """The folders that the task's stage works in, and its log."""
    return Workshop(
        cache=CACHE,
        # Without a colon, which separates paths for the dynamic loader and others.
        work=RUN / f"{task}.{subject}",
        store=store(),
        log=log(f"{task}:{subject}"),
    )


def log(name: str) -> Path:
    """What programs said."""
    return CACHE / "log" / f"{name}.log"


def store() -> Path:
    """The folder of all downloaded packages and signatures."""
    return CACHE / "pkg"


def kept(task: str, subject: str) -> Kept:
    """Where a task's products are kept, and where this run sees the one it uses."""
    return Kept(products() / task / subject, _VIEW / task / subject)


def products() -> Path:
    """The folder of all kept products."""
    return CACHE / "product"


def diary() -> Path:
    """The diary of this run (`aimager.graph.console.history`)."""
    return _VIEW / "diary.json"


def runs() -> Path:
    """The folder of the folders of all runs."""
    return RUN.parent


def other_folders() -> dict[str, Path]:
    """What else the cache holds, by what to call it."""
    return {
        "sync databases": CACHE / "sync",
        "logs": CACHE / "log",
        "stand-in mirror": mirror(),
        "stand-in work": mirror_work(),
    }


def maker(path: Path) -> str | None:
    """The task that makes the product that ``path`` is a file of; None: it is of no product."""
    if not path.is_relative_to(_VIEW):
        return None
    task, subject, _ = path.relative_to(_VIEW).parts
    return f"{task}:{subject}"


def downloads(platform: str) -> Path:
    """The folder in which a platform's sync databases are kept, as their mirrors gave them."""
    return CACHE / "sync" / platform


def kept_databases(platform: Platform) -> Path:
    """A platform's sync databases as they were last seen, by which repositories they are of."""
    words = list(platform.repository_names)
    words += [r.word for r in platform.repositories if r.word != r.id]
    return CACHE / "sync" / f"{platform.id}.{fingerprint(words)[:16]}.tar"


def sync_databases(platform: Platform) -> Path:
    """An archive of a platform's sync databases."""
    return kept("sync-databases", platform.id).view / "databases.tar"


def pacman_static(architecture: str) -> Path:
    """An archive of pacman-static, empty for a host that it is not made for."""
    return kept("fetch-pacman-static", architecture).view / "pacman-static.tar"


def lock(subject: str) -> Path:
    """The packages of ``subject``: a platform's keyring or rootfs, a board or a build."""
    return kept("resolve-packages", subject).view / "lock.json"


def fetched(subject: str) -> Path:
    """The same, all packages of which lie in the store."""
    return kept("fetch-packages", subject).view / "lock.json"


def keyring(platform: Platform) -> Path:
    """A platform's pacman keyring with its secret key; never leaves this machine."""
    return kept("keyring-init", platform.id).view / "keyring.secret.tar"


def keys(platform: Platform) -> Path:
    """The keys that a platform's keyring was made from, which are all that decides what it does."""
    return kept("keyring-init", platform.id).view / "keys.tar"


def keyring_backup(platform: Platform) -> Path:
    """What of a platform's keyring is public, and enough to verify packages."""
    return kept("keyring-backup", platform.id).view / "keyring.tar"


def rootfs_archive(platform: Platform) -> Path:
    """A platform's base system, installed."""
    return kept("make-rootfs-archive", platform.id).view / "rootfs.tar.zst"


def checked_twice(subject: str) -> Path:
    """What tells that a platform's base system, or a build's system, is the same made again."""
    return kept("check-twice", subject).view / "same.txt"


def reused_root(platform: Platform) -> Path:
    """What the user's root archive holds that is in the place of that."""
    return kept("check-root-archive", platform.id).view / "root.json"


def borrowed_archive(subject: str) -> Path:
    """The programs that later stages run instead of the host's."""
    return kept("make-rootfs-archive", subject).view / "borrowed.tar"


def system_layer(subject: str) -> Path:
    """What a build, or its board alone, installs, as a layer on the system below it."""
    return kept("install-packages", subject).view / "layer.tar.zst"


def packed(build: Build) -> tuple[Path, ...]:
    """All files that the user is given, before they are brought to the user's folder."""
    view = kept("pack-image", build.id).view
    return tuple(view / name for name in build.results)


def results_folder(build: Build) -> Path:
    """The user's folder for them."""
    return build.out / build.id


def results(build: Build) -> tuple[Path, ...]:
    """All files that the user is given."""
    return tuple(results_folder(build) / name for name in build.results)


def product(build: Build, product: Product) -> Path:
    """One of those that were asked for."""
    return results_folder(build) / product.value


def delivery(build: Build) -> Delivery:
    """How they get to the user's folder."""
    folder = results_folder(build)
    name = derive_volume_id(str(folder.absolute()), "results")
    memory = CACHE / "delivered" / f"{build.id}.{name}.json"
    return Delivery(folder, memory, build.sign, build.readers)


def mirror() -> Path:
    """The stand-in mirror."""
    return CACHE / "mirror"


def mirror_work() -> Path:
    """What the stand-in mirror is made from."""
    return CACHE / "mirror.work"

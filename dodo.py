"""The graph: what is made from what. ``doit list`` prints its tasks."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from doit import get_initial_workdir
from doit.exceptions import TaskFailed

from aimager import artifacts, demo, stand_in
from aimager.architecture import host_architecture
from aimager.borrow import WANTED
from aimager.build import Build, MirrorChoice, Product, Tools
from aimager.distro import Distro, Keyring, Platform, ThirdPartyRepository
from aimager.distros import THIRD_PARTY_REPOSITORIES, platform_for_host
from aimager.doit_support import group, load_build, reporting, stage
from aimager.errors import ConfigError
from aimager.pacman import host_version
from aimager.qemu import boot
from aimager.stages.borrow_root import BorrowRoot
from aimager.stages.fetch_packages import FetchPackages
from aimager.stages.fetch_pacman_static import FetchPacmanStatic
from aimager.stages.install_packages import InstallPackages
from aimager.stages.keyring_backup import KeyringBackup
from aimager.stages.keyring_init import KeyringInit
from aimager.stages.make_rootfs_archive import MakeRootfsArchive
from aimager.stages.pack_image import PackImage
from aimager.stages.resolve_packages import ResolvePackages
from aimager.stages.sync_databases import SyncDatabases

Tasks = Iterator[dict[str, Any]]

# Tasks that start doit anew, or build nothing, remember elsewhere what they did: doit reads its
# state when it starts and writes all of it when it ends.
OUTER = {"demo", "mirror", "test", "boot"}
DOIT_CONFIG = {
    "backend": "json",
    "dep_file": str(artifacts.doit_state("doit-outer" if OUTER & set(sys.argv) else "doit")),
    "sort": "definition",
    "default_tasks": ["build"],
    "verbosity": 2,
}

BUILD = load_build(Path(get_initial_workdir()), artifacts.CACHE)
HOST = platform_for_host(host_architecture())
BORROWED = f"{HOST.id}.borrowed"


def builds() -> list[Build]:
    """The build that was asked for, if one was."""
    return [BUILD] if BUILD else []


def platforms(build: Build) -> list[Platform]:
    """The platforms whose repositories take part: the host's own lends its programs."""
    lender = [HOST] if build.tools is Tools.borrowed else []
    return list(dict.fromkeys([*lender, build.platform]))


def mirrors(build: Build, platform: Platform) -> MirrorChoice:
    """The user's mirrors; single repositories' are those of the platform that is built."""
    return build.mirrors if platform == build.platform else replace(build.mirrors, repositories=())


def pinned(build: Build, owner: Distro | ThirdPartyRepository) -> tuple[Keyring, ...]:
    """The keyrings of ``owner`` with the keys to trust.

    The user's keys replace those of the distribution that is built; elsewhere they come beside.
    """
    keyrings = owner.keyrings if isinstance(owner, Distro) else (owner.keyring,)
    trusted = build.mirrors.trusted_keys
    if not trusted:
        return keyrings
    replaces = owner == build.platform.distro
    return tuple(
        replace(k, master_keys=trusted if replaces else (*trusted, *k.master_keys))
        for k in keyrings
    )


def needs_pacman_static() -> bool:
    """Whether the host has no pacman that will do."""
    return host_version() < (6, 0)


def pacman_static() -> Path | None:
    """The archive of pacman-static, for a host that needs it."""
    return artifacts.pacman_static() if needs_pacman_static() else None


def borrowed(build: Build) -> Path | None:
    """The archive of the borrowed root, if the build uses it."""
    return artifacts.borrowed_archive(HOST) if build.tools is Tools.borrowed else None


def tool_tasks(build: Build, *, lend: bool = True) -> list[str]:
    """The tasks that make a stage's programs."""
    static = ["fetch-pacman-static"] if needs_pacman_static() else []
    lender = [f"make-rootfs-archive:{BORROWED}"] if lend and borrowed(build) else []
    return static + lender


def task_fetch_pacman_static() -> Tasks:
    """fetch a pacman for this host, if it has none that will do"""
    yield group("fetch-pacman-static", task_fetch_pacman_static)
    if not needs_pacman_static():
        return
    repository = next(r for r in THIRD_PARTY_REPOSITORIES if r.id == "archlinuxcn")
    for build in builds():
        request = FetchPacmanStatic(
            repository=replace(repository, keyring=pinned(build, repository)[0]),
            architecture=HOST.architecture,
            target=artifacts.pacman_static(),
            mirrors=build.mirrors,
            downloads=artifacts.downloads(f"{repository.id}-{HOST.architecture}"),
            workshop=artifacts.workshop("fetch-pacman-static", HOST.architecture),
        )
        yield {
            "basename": "fetch-pacman-static",
            "name": HOST.architecture.value,
            **stage(request),
        }


def task_sync_databases() -> Tasks:
    """ask the mirrors for each repository's database"""
    yield group("sync-databases", task_sync_databases)
    for build in builds():
        for platform in platforms(build):
            request = SyncDatabases(
                platform=platform,
                target=artifacts.sync_databases(platform),
                mirrors=mirrors(build, platform),
                downloads=artifacts.downloads(platform.id),
                workshop=artifacts.workshop("sync-databases", platform.id),
            )
            always = not (build.mirrors.offline and request.target.exists())
            yield {
                "basename": "sync-databases",
                "name": platform.id,
                **stage(request, always=always),
            }


def locks(build: Build) -> Iterator[tuple[str, Platform, tuple[str, ...], tuple[str, ...]]]:
    """All locks of a build: subject, platform, packages, and packages that are welcome."""
    for platform in platforms(build):
        keyrings = tuple(keyring.package for keyring in platform.distro.keyrings)
        yield f"{platform.id}.keyring", platform, keyrings, ()
    if borrowed(build):
        yield BORROWED, HOST, (), WANTED
    platform = build.platform
    rootfs = platform.distro.rootfs_packages
    yield f"{platform.id}.rootfs", platform, rootfs, ()
    yield build.id, platform, (*rootfs, *build.installs), build.welcome


def task_resolve_packages() -> Tasks:
    """write the lock: exactly which packages will be installed"""
    yield group("resolve-packages", task_resolve_packages)
    for build in builds():
        for subject, platform, packages, welcome in locks(build):
            lend = not subject.endswith((".keyring", ".borrowed"))
            request = ResolvePackages(
                platform=platform,
                databases=artifacts.sync_databases(platform),
                packages=packages,
                target=artifacts.lock(subject),
                welcome=welcome,
                dependencies=not subject.endswith(".keyring"),
                pacman_static=pacman_static(),
                borrowed=borrowed(build) if lend else None,
                mirrors=mirrors(build, platform),
                workshop=artifacts.workshop("resolve-packages", subject),
            )
            tools = tool_tasks(build, lend=lend)
            yield {"basename": "resolve-packages", "name": subject, **stage(request, tools)}


def task_fetch_packages() -> Tasks:
    """fetch packages and signatures, checked against the lock"""
    yield group("fetch-packages", task_fetch_packages)
    for build in builds():
        for subject, platform, *_ in locks(build):
            request = FetchPackages(
                platform=platform,
                lock=artifacts.lock(subject),
                target=artifacts.fetched(subject),
                mirrors=mirrors(build, platform),
                workshop=artifacts.workshop("fetch-packages", subject),
            )
            yield {"basename": "fetch-packages", "name": subject, **stage(request)}


def task_keyring_init() -> Tasks:
    """make a pacman keyring from pinned keys, with native gpg"""
    yield group("keyring-init", task_keyring_init)
    for build in builds():
        for platform in platforms(build):
            subject = f"{platform.id}.keyring"
            request = KeyringInit(
                keyrings=pinned(build, platform.distro),
                lock=artifacts.lock(subject),
                fetched=artifacts.fetched(subject),
                target=artifacts.keyring(platform),
                workshop=artifacts.workshop("keyring-init", platform.id),
            )
            yield {"basename": "keyring-init", "name": platform.id, **stage(request)}


def task_keyring_backup() -> Tasks:
    """archive what of a keyring verifies packages"""
    yield group("keyring-backup", task_keyring_backup)
    for build in builds():
        for platform in platforms(build):
            request = KeyringBackup(
                keyring=artifacts.keyring(platform),
                target=artifacts.keyring_backup(platform),
                workshop=artifacts.workshop("keyring-backup", platform.id),
            )
            yield {"basename": "keyring-backup", "name": platform.id, **stage(request)}


def task_make_rootfs_archive() -> Tasks:
    """install a platform's base system, and unpack the programs that the host's lends"""
    yield group("make-rootfs-archive", task_make_rootfs_archive)
    for build in builds():
        if archive := borrowed(build):
            lender = BorrowRoot(
                lock=artifacts.lock(BORROWED),
                fetched=artifacts.fetched(BORROWED),
                keyring=artifacts.keyring_backup(HOST),
                target=archive,
                workshop=artifacts.workshop("make-rootfs-archive", BORROWED),
            )
            yield {"basename": "make-rootfs-archive", "name": BORROWED, **stage(lender)}
        platform = build.platform
        request = MakeRootfsArchive(
            architecture=platform.architecture,
            lock=artifacts.lock(f"{platform.id}.rootfs"),
            fetched=artifacts.fetched(f"{platform.id}.rootfs"),
            keyring=artifacts.keyring_backup(platform),
            target=artifacts.rootfs_archive(platform),
            pacman_static=pacman_static(),
            borrowed=borrowed(build),
            workshop=artifacts.workshop("make-rootfs-archive", platform.id),
        )
        tools = tool_tasks(build)
        yield {"basename": "make-rootfs-archive", "name": platform.id, **stage(request, tools)}


def task_install_packages() -> Tasks:
    """install the board's packages, every one verified"""
    yield group("install-packages", task_install_packages)
    for build in builds():
        platform = build.platform
        request = InstallPackages(
            architecture=platform.architecture,
            rootfs=artifacts.rootfs_archive(platform),
            rootfs_lock=artifacts.lock(f"{platform.id}.rootfs"),
            lock=artifacts.lock(build.id),
            fetched=artifacts.fetched(build.id),
            keyring=artifacts.keyring_backup(platform),
            target=artifacts.system_archive(build),
            pacman_static=pacman_static(),
            borrowed=borrowed(build),
            workshop=artifacts.workshop("install-packages", build.id),
        )
        tools = tool_tasks(build)
        yield {"basename": "install-packages", "name": build.id, **stage(request, tools)}


def task_pack_image() -> Tasks:
    """set the system up and make root archive, partition images and disk image of it"""
    yield group("pack-image", task_pack_image)
    for build in builds():
        distro, architecture = build.platform.distro, build.platform.architecture
        request = PackImage(
            id=build.id,
            title=distro.name,
            architecture=architecture,
            system=artifacts.system_archive(build),
            lock=artifacts.lock(build.id),
            setup=build.setup,
            table=build.board.partition_table,
            bootloader=build.board.bootloader,
            mirrorlist=distro.mirrorlist,
            mirror=distro.mirrors.url,
            root_size=build.root_size,
            products=build.products,
            targets=tuple(artifacts.product(build, product) for product in build.products),
            borrowed=borrowed(build),
            workshop=artifacts.workshop("pack-image", build.id),
        )
        tools = tool_tasks(build)
        yield {"basename": "pack-image", "name": build.id, **stage(request, tools)}


def task_build() -> dict[str, Any]:
    """build what distro=, board= and the other variables describe"""

    def tell() -> None:
        for build in builds():
            for product in build.products:
                print(f"   {artifacts.product(build, product)}")
        if not BUILD:
            raise ConfigError("there is nothing to build", hint="name it: distro= and board=")

    return {
        "actions": [(reporting, [tell])],
        "task_dep": [f"pack-image:{build.id}" for build in builds()],
        "uptodate": [False],
    }


def task_boot() -> dict[str, Any]:
    """boot the image of distro= and board= in QEMU; ctrl-a x leaves"""

    def start() -> None:
        image = artifacts.product(BUILD, Product.disk) if BUILD else None
        if BUILD is None or BUILD.board.partition_table is None:
            raise ConfigError("there is nothing to boot", hint="name it: distro= and board=")
        if image is None or not image.exists():
            raise ConfigError(f"{image} does not exist", hint="make it with doit build")
        boot(BUILD.platform.architecture, image)

    return {"actions": [(reporting, [start])], "uptodate": [False]}


def task_mirror() -> dict[str, Any]:
    """make the stand-in mirror, of Debian's packages, in the cache"""

    def make() -> None:
        if shutil.which("apt-get"):
            stand_in.make_mirror(artifacts.mirror(), work=artifacts.mirror_work())
        else:
            print("   this host has no apt-get to make it with: the real mirrors are used")

    return {"actions": [(reporting, [make])], "uptodate": [False]}


def task_demo() -> dict[str, Any]:
    """build an image for this machine's architecture from the stand-in mirror, and boot it"""

    def show() -> None:
        board = {"x86_64": "x64-uefi", "aarch64": "aarch64-uefi"}[HOST.architecture]
        mirror = artifacts.mirror() if shutil.which("apt-get") else None
        out = Path(get_initial_workdir()) / "out"
        words = (f"distro={HOST.distro.id}", f"board={board}", f"out={out}", *demo.SETTINGS)
        demo.build(Path(__file__), words, mirror)
        image = out / f"{HOST.id}-{board}" / Product.disk
        print(f"   the image is {image}")
        demo.boot(HOST.architecture, image, artifacts.log("demo"))
        print(f"   look around: doit boot distro={HOST.distro.id} board={board}")

    return {"actions": [(reporting, [show])], "task_dep": ["mirror"], "uptodate": [False]}


def task_test() -> dict[str, Any]:
    """run all tests: style, units, real builds and boots"""

    def test() -> TaskFailed | None:
        status = subprocess.run([sys.executable, "-m", "pytest"], check=False).returncode
        return TaskFailed("the tests failed") if status else None

    return {"actions": [test], "uptodate": [False]}

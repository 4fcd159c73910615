"""What tasks do that make no product: they tell, show, remove, boot."""

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from aimager.commands import demo
from aimager.commands.boot.qemu import boot
from aimager.commands.command_line import variables_of
from aimager.commands.listing import LISTS, show, show_table
from aimager.config.build import boards_folder
from aimager.config.parse import read_age, read_size, split_list
from aimager.config.platform import known_boards
from aimager.errors import ConfigError
from aimager.files import publish_text
from aimager.graph import artifacts
from aimager.graph.doit_tasks import Graph
from aimager.graph.plan import Plan
from aimager.model.architecture import Architecture
from aimager.model.build import Build, Product
from aimager.model.lock import read_lock
from aimager.packages.lock_file import (
    LockedBuild,
    LockFile,
    changes,
    download_size,
    join_locks,
    read_lock_file,
)
from aimager.packages.lock_file import write_lock_file as lock_file_text
from aimager.products.cache import guard
from aimager.products.dry_run import predict_runs
from aimager.products.inventory import list_packages, list_products, table
from aimager.products.prune import Limit, prune
from aimager.products.run_folder import hold_run_folder

_NAME_IT = "name it: distro= and board="


def show_list(name: str, folder: Path) -> None:
    """Print one of `LISTS`; ``folder`` is where a relative boards= starts."""
    boards = known_boards(boards_folder(variables_of(sys.argv[1:]), folder))
    for line in LISTS[name].lines(boards):
        print(line)


def show_builds(builds: Sequence[Build]) -> None:
    """Print what the variables of ``builds`` come to, or, without one, the table of ``table==``.

    :raises ConfigError: when neither was asked for
    """
    name = variables_of(sys.argv[1:]).get("table")
    if not builds and name is None:
        raise ConfigError("there is nothing to show", hint=f"{_NAME_IT}, or table==NAME")
    shown = map(show, builds) if builds else [show_table(name or "")]
    for lines in shown:
        print(*lines, sep="\n")


def tell_why(graph: Graph) -> None:
    """Say of each task that a build of ``graph`` needs whether it would run, and because of what.

    :raises ConfigError: when no build was asked for
    """
    if not graph.tasks:
        raise ConfigError("there is no build to tell of", hint=_NAME_IT)
    hold_run_folder(artifacts.RUN)
    for line in predict_runs(graph.needed_for("pack-image")):
        print(line)


def boot_image(build: Build | None) -> None:
    """Boot the disk image of ``build`` with the terminal as its serial port.

    :raises ConfigError: when there is none
    """
    if build is None or build.board.partition_table is None:
        raise ConfigError("there is nothing to boot", hint="name one image: distro= and board=")
    image = artifacts.product(build, Product.disk)
    if not image.exists():
        raise ConfigError(f"{image} does not exist", hint="make it with doit build")
    board = build.board
    boot(build.platform.architecture, image, board.firmware[0], board.boot_files)


def write_lock_file(plans: Sequence[Plan]) -> None:
    """Write the lock file that the build names.

    :raises ConfigError: when it names none
    """
    path, lock_file = _lock_anew(plans)
    publish_text(path, lock_file_text(lock_file))
    print(f"   {path}: {_count(lock_file)} packages")


def update_lock_file(plans: Sequence[Plan]) -> None:
    """Write it, and say what is now different in it.

    :raises ConfigError: when the build names none, or one that is not there
    """
    path, lock_file = _lock_anew(plans)
    before = read_lock_file(path)
    for change in changes(before, lock_file):
        print(f"   {change}")
    publish_text(path, lock_file_text(lock_file))
    size = download_size(lock_file, artifacts.store()) / 1e6
    print(f"   {path}: {_count(lock_file)} packages, {size:.1f} MB to download")


def _lock_anew(plans: Sequence[Plan]) -> tuple[Path, LockFile]:
    """Where the lock file is to lie, and what it is to hold now."""
    path = plans[0].build.lock if plans else None
    if path is None:
        raise ConfigError("there is nothing to lock", hint="name distro= or board=, and lock=FILE")
    (plan,) = plans
    build = plan.build
    parts = {r.subject: read_lock(artifacts.lock(r.subject)) for r in plan.requests}
    locked = LockedBuild(
        distro=build.platform.distro.id,
        architecture=build.platform.architecture,
        board=build.board.id,
        install_packages=build.packages,
        host=plan.host.id,
        settings=build.settings_fingerprint,
        initramfs=build.initramfs or "",
        add_repos=tuple(repository.word for repository in build.repositories),
        file_systems=build.file_systems,
    )
    return path, join_locks(parts, locked)


def _count(lock_file: LockFile) -> int:
    return sum(len(packages) for packages in lock_file.packages.values())


def make_mirror() -> None:
    """Make the stand-in mirror for the command line's arch=, or for every architecture.

    :raises AimagerError: when there is no such architecture, or Debian's packages cannot be had
    """
    names = split_list(variables_of(sys.argv[1:]).get("arch", "")) or tuple(Architecture)
    demo.make_mirror(artifacts.mirror(), artifacts.mirror_work(), names)


def show_cache() -> None:
    """Show what the cache holds, by kind."""
    with guard(artifacts.products(), shared=True):
        products = list_products(artifacts.products())
        items = [*products, *list_packages(artifacts.store(), products)]
    for line in table(items, artifacts.other_folders()):
        print(line)


def prune_cache() -> None:
    """Remove from the cache what the command line's size= and older= leave no room for.

    :raises ConfigError: when it has neither
    """
    limit = read_limit(variables_of(sys.argv[1:]), time.time())
    pruned = prune(artifacts.products(), artifacts.store(), artifacts.runs(), limit)
    size = sum(item.size for item in pruned.items)
    print(f"   removed {len(pruned.items)} products and packages, {size / 1e6:.1f} MB")
    print(f"   left are {pruned.left / 1e6:.1f} MB")


def run_tests() -> bool:
    """Run all tests, a file on each core at a time, and tell whether they passed."""
    spread = ("--numprocesses=auto", "--dist=loadfile", "--no-loadscope-reorder")
    return subprocess.run([sys.executable, "-m", "pytest", *spread], check=False).returncode == 0


def read_limit(variables: Mapping[str, str], now: float) -> Limit:
    """What ``cache-prune`` is to leave, ``now`` being in seconds since 1970.

    :raises ConfigError: when nothing, or nonsense, is asked for
    """
    size, older = variables.get("size"), variables.get("older")
    if size is None and older is None:
        raise ConfigError(
            "cache-prune needs to know what to remove", hint="say size=10GiB, or older=30d"
        )
    return Limit(
        size=None if size is None else read_size(size, variable="size"),
        since=None if older is None else now - read_age(older, variable="older"),
    )

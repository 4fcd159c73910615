"""What takes part in the rows of the table of goals."""

import itertools
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from aimager.model.architecture import Architecture
from bench import floor, mirrors, pacstrap, real_database, real_keyring
from bench.contender import Contender
from bench.lab import CELL, HOST, LARGE, PLAIN, ROOT, UPGRADED, Lab
from bench.others import NOWHERE, Checkouts, others

BOARDS = 10

_ARCHIVE = ("distro=archlinux", "arch=x86_64", "initrd-maker=booster")
_PLATFORMS = {
    "x86_64": (HOST, "distro=archlinux"),
    "aarch64": ("archlinuxarm-aarch64", "distro=archlinuxarm"),
    "armv7h": ("archlinuxarm-armv7h", "distro=archlinuxarm"),
    "riscv64": ("archriscv-riscv64", "distro=archriscv"),
}
_UPGRADED = "iproute2"
_LOCALES = ("en_US.UTF-8,de_DE.UTF-8", "de_DE.UTF-8,en_US.UTF-8")


def contenders(lab: Lab, checkouts: Checkouts = NOWHERE) -> dict[str, Contender]:
    """All that rows need, by name."""
    warm, gone = _warm(lab, *lab.board()), _removing(lab, "cold", "out")
    return {
        "cold": Contender(lambda: lab.build(lab.cold, *lab.both()), lab.chill, warm, gone),
        "cold-disk": Contender(lambda: lab.build(lab.cold, *lab.board()), lab.chill, warm, gone),
        "cold-floor": Contender(lambda: _floor(lab), warm, warm, _removing(lab, "floor")),
        "cold-pacstrap": Contender(lambda: _pacstrap(lab), warm, warm, _removing(lab, "pacstrap")),
        "cold-archive": _archive(lab),
        **others(lab, checkouts),
        **{name: _platform(lab, name) for name in _PLATFORMS},
        "keyring": _keyring(lab, "x86_64"),
        "keyring-crossing": _keyring(lab, "aarch64"),
        "real-keyring": _real_keyring(lab),
        "real-keyring-floor": Contender(lambda: _import(lab)),
        "hostname": _hostname(lab),
        "settings": _settings(lab),
        "personalise": _personalised(lab),
        "copy": Contender(lambda: copy(lab), warm, warm, _removing(lab, "copy")),
        "package": _package(lab),
        "upgrade": _upgrade(lab),
        "large-databases": _large(lab),
        "boards": Contender(lambda: _several(lab), lab.chill, warm, gone),
        "one-board": Contender(lambda: lab.build(lab.cold, *lab.board()), lab.chill, warm, gone),
        "nothing": Contender(lambda: lab.build(lab.warm, *lab.board(), "offline=yes"), warm, warm),
        "list": Contender(lambda: lab.doit(lab.warm, "list"), warm_up=warm),
    }


def _warm(lab: Lab, *words: str) -> Callable[[], None]:
    return lambda: lab.build(lab.warm, *words)


def _removing(lab: Lab, *names: str) -> Callable[[], None]:
    """Removes folders of the lab's."""

    def remove() -> None:
        for name in names:
            shutil.rmtree(lab.folder / name, ignore_errors=True)

    return remove


def _changed(lab: Lab, run: Callable[[], None], **more: Callable[[], None]) -> Contender:
    """A build in the warm cache with a change of a board that is built; it is forgotten again."""
    again, kept = _warm(lab, *lab.board()), set[Path]()

    def prepare() -> None:
        more.get("prepare", lambda: None)()
        again()
        kept.update(lab.products())

    def tidy() -> None:
        for folder in lab.products() - kept:
            shutil.rmtree(folder)

    return Contender(run, prepare, more.get("warm_up", again), tidy)


def _archive(lab: Lab) -> Contender:
    words = (*_ARCHIVE, "install-pkgs=linux,linux-firmware")
    build, gone = (lambda: lab.build(lab.cold, *words)), _removing(lab, "cold", "out")
    return Contender(build, lab.chill, _warm(lab, *words), gone)


def _platform(lab: Lab, name: str) -> Contender:
    platform, distro = _PLATFORMS[name]
    words = (distro, f"arch={name}")
    return Contender(
        lambda: lab.build(lab.warm, *words),
        lambda: lab.forget_platform(platform),
        _warm(lab, *words),
    )


def _keyring(lab: Lab, name: str) -> Contender:
    platform, distro = _PLATFORMS[name]
    return _init(lab, platform, distro, f"arch={name}")


def _real_keyring(lab: Lab) -> Contender:
    platform = f"{HOST}+{real_keyring.NAME}"
    return _init(lab, platform, "distro=archlinux", "arch=x86_64", *lab.real)


def _init(lab: Lab, platform: str, *words: str) -> Contender:
    def make() -> None:
        lab.doit(lab.warm, f"keyring-init:{platform}", *words, *lab.words())

    def forget() -> None:
        for task in ("keyring-init", "keyring-backup"):  # the copy of another one is refused
            lab.forget(task, platform)

    return Contender(make, forget, make)


def _hostname(lab: Lab) -> Contender:
    """A board that is built, with a name that it never had."""
    names = (f"bench-{time.time_ns()}-{number}" for number in itertools.count())
    return _changed(lab, lambda: lab.build(lab.warm, *lab.board(), f"hostname={next(names)}"))


def _settings(lab: Lab) -> Contender:
    """The same with another user, password, key and file, and the other one of two languages."""
    numbers = itertools.count(time.time_ns())

    def change() -> None:
        number = next(numbers)
        key, motd = lab.folder / "id.pub", lab.folder / "motd"
        key.write_text(f"ssh-ed25519 {number:068x} bench\n")
        motd.write_text(f"This is {number}.\n")
        lab.build(
            lab.warm,
            *lab.board(),
            f"useradd=-m u{number}",
            f"chpasswd=u{number}:{number}",
            f"files={motd}:/etc/motd,{key}:/home/u{number}/.ssh/authorized_keys:600",
            f"locales={_LOCALES[number % 2]}",
        )

    def warm_up() -> None:
        for locales in _LOCALES:
            lab.build(lab.warm, *lab.board(), f"locales={locales}")

    return _changed(lab, change, warm_up=warm_up)


def _personalised(lab: Lab) -> Contender:
    """The board's image with another name, without a build."""

    def make() -> None:
        image = lab.product("pack-image", CELL, "disk.img")
        target = lab.folder / "personalised/disk.img"
        target.parent.mkdir()
        lab.doit(lab.warm, "personalise", f"image={image}", "hostname=bench", f"to={target}")

    return Contender(
        make,
        _warm(lab, *lab.board()),
        warm_up=_warm(lab, *lab.board()),
        tidy=_removing(lab, "personalised"),
    )


def copy(lab: Lab) -> None:
    """Copy the board's image, its holes kept, and take its SHA-256."""
    target = lab.folder / "copy/disk.img"
    target.parent.mkdir()
    image = lab.product("pack-image", CELL, "disk.img")
    subprocess.run(["cp", "--reflink=never", "--sparse=auto", image, target], check=True)
    subprocess.run(["sha256sum", target], check=True, stdout=subprocess.DEVNULL)


def _package(lab: Lab) -> Contender:
    """A board that is built, with one more package, which was never there before."""
    names = (f"bench-note-{time.time_ns()}" for _ in itertools.count())
    chosen: list[str] = []

    def add() -> None:
        assert lab.key
        chosen.append(next(names))
        mirrors.add_notes(lab.mirror(PLAIN), lab.key, chosen[-1:])

    return _changed(lab, lambda: lab.build(lab.warm, *lab.board(chosen[-1])), prepare=add)


def _upgrade(lab: Lab) -> Contender:
    """A build by a mirror that has, since the last one, a package of the base anew."""
    cache = lab.folder / "upgraded"

    def warm_up() -> None:
        lab.build(lab.warm, *lab.board())
        lab.fill(cache)
        mirrors.link_mirror(lab.mirror(PLAIN), lab.mirror(UPGRADED))
        lab.build(cache, *lab.both(), mirror=UPGRADED)

    def prepare() -> None:
        assert lab.key
        mirrors.upgrade(lab.mirror(UPGRADED), lab.key, _UPGRADED)

    return Contender(
        lambda: lab.build(cache, *lab.both(), mirror=UPGRADED),
        prepare,
        warm_up,
    )


def _large(lab: Lab) -> Contender:
    """All that reads databases, which are as large as Arch Linux's."""
    cache = lab.folder / "large"

    def warm_up() -> None:
        lab.build(lab.warm, *lab.board())
        mirrors.link_mirror(lab.mirror(PLAIN), lab.mirror(LARGE))
        database = mirrors.repository(lab.mirror(LARGE), "extra") / "extra.db"
        mirrors.put(database, real_database.entries())

    return Contender(
        lambda: lab.doit(cache, f"resolve-packages:{CELL}", *lab.board(), *lab.words(LARGE)),
        lambda: lab.fill(cache),
        warm_up,
    )


def _import(lab: Lab) -> None:
    (package,) = (lab.folder / "real").glob(f"{real_keyring.PACKAGE}-*.pkg.tar.zst")
    floor.import_keys(package, f"{real_keyring.NAME}.gpg")


def _floor(lab: Lab) -> None:
    lock = lab.product("resolve-packages", CELL, "lock.json")
    floor.make(floor.Floor(lock, lab.warm / "pkg", lab.folder / "floor.work", lab.folder / "floor"))


def _pacstrap(lab: Lab) -> None:
    pacstrap.make(
        pacstrap.Pacstrap(
            Architecture.x86_64,
            lab.product("resolve-packages", CELL, "lock.json"),
            lab.warm / "pkg",
            lab.product("make-rootfs-archive", f"{HOST}.borrowed", "borrowed.tar"),
            lab.product("keyring-backup", HOST, "keyring.tar"),
            lab.folder / "pacstrap.work",
            lab.folder / "pacstrap",
        )
    )


def _several(lab: Lab) -> None:
    """Build boards that differ in name only, the last two of which have one kernel less."""
    text = (ROOT / "boards/x64_uefi.py").read_text()
    names = []
    for number in range(BOARDS):
        board = text.replace('id="x64-uefi"', f'id="bench{number}"')
        if number >= BOARDS - 2:
            board = board.replace('kernels=("linux", "linux-lts")', 'kernels=("linux",)')
        path = lab.folder / f"bench{number}.py"
        path.write_text(board)
        names.append(str(path))
    lab.build(
        lab.cold,
        "distro=archlinux",
        f"board={','.join(names)}",
    )

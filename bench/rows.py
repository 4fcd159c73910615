"""The rows of the table of goals, and what takes part in them."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from aimager.model.architecture import Architecture
from bench import floor, pacstrap, real_keyring
from bench.lab import ROOT, Lab
from bench.table import Row, Samples, ratio

_HOST = "archlinux-x86_64"
_CELL = f"{_HOST}-x64-uefi"
_BOARD = ("distro=archlinux", "board=x64-uefi")
_BOTH = (*_BOARD, "create=root.tar,disk.img")
_PLATFORMS = {
    "x86_64": (_HOST, "distro=archlinux"),
    "aarch64": ("archlinuxarm-aarch64", "distro=archlinuxarm"),
    "armv7h": ("archlinuxarm-armv7h", "distro=archlinuxarm"),
    "riscv64": ("archriscv-riscv64", "distro=archriscv"),
}
_BOARDS = 10


@dataclass(frozen=True)
class Contender:
    """``run`` is measured; ``warm_up`` comes once before all rounds, ``prepare`` before each."""

    run: Callable[[], None]
    prepare: Callable[[], None] = lambda: None
    warm_up: Callable[[], None] = lambda: None


def _peak(samples: Samples) -> float:
    return max(sample.peak for sample in samples["cold"]) / (1 << 20)


def rows(lab: Lab) -> tuple[Row, ...]:
    """All rows; what they need are names of `contenders`."""

    def written(samples: Samples) -> float:
        content = lab.product("pack-image", _CELL, "disk.img").stat().st_blocks * 512
        return median(sample.written for sample in samples["cold-disk"]) / content

    crossing = [
        Row(name, f"{name} root.tar over x86_64", (name, "x86_64"), goal, ratio(name, "x86_64"))
        for name, goal in (("aarch64", 1.15), ("armv7h", 1.3), ("riscv64", 1.3))
    ]
    return (
        Row(
            "cold",
            "cold root.tar and disk.img over the floor",
            ("cold", "cold-floor", "cold-pacstrap"),
            1.5,
            ratio("cold", "cold-floor"),
        ),
        *crossing,
        Row(
            "keyring",
            "keyring-init, crossing over native",
            ("keyring-crossing", "keyring"),
            1.1,
            ratio("keyring-crossing", "keyring"),
        ),
        Row(
            "real-keyring",
            "keyring-init with Arch's real keys (September 2026) over gpg's own import",
            ("real-keyring", "real-keyring-floor"),
            2.0,
            ratio("real-keyring", "real-keyring-floor"),
        ),
        Row(
            "hostname",
            "changed hostname over unpack, mke2fs and assembly",
            ("hostname", "hostname-floor"),
            1.3,
            ratio("hostname", "hostname-floor"),
        ),
        Row(
            "boards",
            f"{_BOARDS} boards of one platform, two kernels, over one",
            ("boards", "one-board"),
            2.5,
            ratio("boards", "one-board"),
        ),
        Row("memory", "peak memory of one of our processes", ("cold",), 150, _peak, "MiB"),
        Row("written", "written to disk over content of disk.img", ("cold-disk",), 2.5, written),
        Row(
            "nothing",
            "a build with nothing to do over doit list",
            ("nothing", "list"),
            2.0,
            ratio("nothing", "list"),
        ),
    )


def contenders(lab: Lab) -> dict[str, Contender]:
    """All that rows need, by name."""
    number = itertools.count()
    warm = _warm(lab, *_BOTH)

    def hostname() -> None:
        lab.build(lab.warm, *_BOARD, f"hostname=bench{next(number)}")

    return {
        "cold": Contender(lambda: lab.build(lab.cold, *_BOTH), lab.chill, warm),
        "cold-disk": Contender(lambda: lab.build(lab.cold, *_BOARD), lab.chill, warm),
        "cold-floor": Contender(lambda: _floor(lab), warm_up=warm),
        "cold-pacstrap": Contender(lambda: _pacstrap(lab), warm_up=warm),
        **{name: _platform(lab, name) for name in ("x86_64", "aarch64", "armv7h", "riscv64")},
        "keyring": _keyring(lab, "x86_64"),
        "keyring-crossing": _keyring(lab, "aarch64"),
        "real-keyring": _real_keyring(lab),
        "real-keyring-floor": Contender(lambda: _import(lab)),
        "hostname": Contender(hostname, warm_up=_warm(lab, *_BOARD)),
        "hostname-floor": Contender(lambda: _repack(lab), warm_up=warm),
        "boards": Contender(lambda: _several(lab), lab.chill, warm),
        "one-board": Contender(lambda: lab.build(lab.cold, *_BOARD), lab.chill, warm),
        "nothing": Contender(
            lambda: lab.build(lab.warm, *_BOARD, "offline=yes"), _warm(lab, *_BOARD)
        ),
        "list": Contender(lambda: lab.doit(lab.warm, "list"), warm_up=warm),
    }


def _warm(lab: Lab, *words: str) -> Callable[[], None]:
    return lambda: lab.build(lab.warm, *words)


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
    platform = f"{_HOST}+{real_keyring.NAME}"
    return _init(lab, platform, "distro=archlinux", "arch=x86_64", *lab.real)


def _init(lab: Lab, platform: str, *words: str) -> Contender:
    def make() -> None:
        lab.doit(lab.warm, f"keyring-init:{platform}", *words, *lab.words)

    return Contender(make, lambda: lab.forget("keyring-init", platform), make)


def _import(lab: Lab) -> None:
    (package,) = (lab.folder / "real").glob(f"{real_keyring.PACKAGE}-*.pkg.tar.zst")
    floor.import_keys(package, f"{real_keyring.NAME}.gpg")


def _floor(lab: Lab) -> None:
    lock = lab.product("resolve-packages", _CELL, "lock.json")
    floor.make(floor.Floor(lock, lab.warm / "pkg", lab.folder / "floor.work", lab.folder / "floor"))


def _repack(lab: Lab) -> None:
    system = lab.product("install-packages", _CELL, "system.tar.zst")
    floor.make(
        floor.Floor(system, lab.warm / "pkg", lab.folder / "floor.work", lab.folder / "floor")
    )


def _pacstrap(lab: Lab) -> None:
    pacstrap.make(
        pacstrap.Pacstrap(
            Architecture.x86_64,
            lab.product("resolve-packages", _CELL, "lock.json"),
            lab.warm / "pkg",
            lab.product("make-rootfs-archive", f"{_HOST}.borrowed", "borrowed.tar"),
            lab.product("keyring-backup", _HOST, "keyring.tar"),
            lab.folder / "pacstrap.work",
            lab.folder / "pacstrap",
        )
    )


def _several(lab: Lab) -> None:
    """Build boards that differ in name only, the last two of which have one kernel less."""
    text = (ROOT / "boards/x64_uefi.py").read_text()
    names = []
    for number in range(_BOARDS):
        board = text.replace('id="x64-uefi"', f'id="bench{number}"')
        if number >= _BOARDS - 2:
            board = board.replace('kernels=("linux", "linux-lts")', 'kernels=("linux",)')
        path = lab.folder / f"bench{number}.py"
        path.write_text(board)
        names.append(str(path))
    lab.build(lab.cold, "distro=archlinux", f"board={','.join(names)}", jobs=2)

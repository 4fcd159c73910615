"""A mirror with what a usual desktop has: 700 packages, 43,000 files, 2.5 GB when installed.

It is a stand-in mirror whose kernels and firmware are as large as Arch Linux's, with further
packages beside them (`bench.desktop_set`). It is made once, in some minutes, and kept.
"""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from lzma import decompress
from multiprocessing import get_context
from pathlib import Path

import zstandard

from aimager.errors import HostError
from aimager.files import publish_text, sha256
from aimager.stand_in.entry import Entry, arrange_entries, make_file
from aimager.stand_in.metadata import Built, Metadata
from aimager.stand_in.package_file import write_package
from aimager.stand_in.signing import SigningKey
from aimager.units import size as size_text
from bench import desktop_set, mirrors
from bench.desktop_set import DATE, Planned
from bench.lab import ROOT

PACKAGES = 585
_SIZE, _FILES = 1_450_000_000, 26_000
_KERNELS = ("linux", "linux-lts")
_MODULES = 100_000_000  # bytes of each kernel
_FIRMWARE = 500_000_000
_MAKERS = 8
"""The packages that linux-firmware is split into."""

_NEEDED = 16_000_000_000
"""Bytes of disk: the mirror has 1.5 GB, two caches and their results the rest."""

_MADE = "made"


def make(mirror: Path, plain: Path, key: SigningKey) -> None:
    """Have the mirror in the folder ``mirror``, of the mirror ``plain``, unless it is there.

    :raises HostError: when the disk has no room for it and for what the rows make of it
    """
    identity = _identity(plain, key)
    made = mirror.with_name(f"{mirror.name}.{_MADE}")
    if made.is_file() and made.read_text() == identity:
        return
    mirror.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(mirror.parent).free
    if free < _NEEDED:
        raise HostError(
            f"{mirror.parent} has {size_text(free)} free, and the rows of the real size need"
            f" {size_text(_NEEDED)}",
            hint="--work= names another folder",
        )
    made.unlink(missing_ok=True)
    mirrors.link_mirror(plain, mirror)
    jobs: list[Callable[[], list[Built]]] = [
        *(partial(_firmware, mirror, key, number) for number in range(_MAKERS)),
        *(
            partial(_package, mirror, key, planned)
            for planned in desktop_set.plan(PACKAGES, _SIZE, _FILES)
        ),
    ]
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        built = [package for found in pool.map(_call, jobs) for package in found]
    _add(mirror, key, built)
    publish_text(made, identity)


def _call(job: Callable[[], list[Built]]) -> list[Built]:
    return job()


def _identity(plain: Path, key: SigningKey) -> str:
    """What the mirror is made of: this code, the key and the mirror's packages."""
    codes = (ROOT / "bench" / f"{name}.py" for name in ("desktop_set", "mirrors", "real_size"))
    return "\n".join([key.fingerprint, sha256(mirrors.core(plain)), *map(sha256, codes)])


def _add(mirror: Path, key: SigningKey, built: list[Built]) -> None:
    """Bring packages into the databases, with those that depend on them."""
    firmware = [b for b in built if b.metadata.name.startswith("linux-firmware-")]
    others = [b for b in built if b.metadata.name.startswith("bench-")]
    extra = mirrors.repository(mirror, "extra")
    meta = desktop_set.meta([b.metadata.name for b in others])
    others.append(write_package(extra, meta, ()))
    key.sign(extra / others[-1].filename)
    mirrors.put(extra / "extra.db", mirrors.described(others))
    mirrors.put(mirrors.core(mirror), mirrors.described(firmware))
    names = tuple(b.metadata.name for b in firmware)

    def split(metadata: Metadata) -> Metadata:
        return replace(mirrors.further(metadata), depends=(*metadata.depends, *names))

    mirrors.rebuild(mirrors.core(mirror), key, "linux-firmware", split)
    for name in _KERNELS:
        mirrors.rebuild(mirrors.core(mirror), key, name, mirrors.further, modules)


def _package(mirror: Path, key: SigningKey, planned: Planned) -> list[Built]:
    folder = mirrors.repository(mirror, "extra")
    return [_written(folder, key, planned.metadata, desktop_set.entries(planned))]


def _firmware(mirror: Path, key: SigningKey, number: int) -> list[Built]:
    """One maker's firmware, each file compressed by itself."""
    compressor = zstandard.ZstdCompressor(level=1)
    files = [
        make_file(f"{path}.zst", compressor.compress(data))
        for path, data in desktop_set.firmware(number, _FIRMWARE // _MAKERS)
    ]
    metadata = Metadata(f"linux-firmware-m{number}", "1-1", "any", "Firmware", "", DATE)
    folder = mirrors.repository(mirror, "core")
    return [_written(folder, key, metadata, arrange_entries(files, DATE))]


def _written(folder: Path, key: SigningKey, metadata: Metadata, entries: Iterable[Entry]) -> Built:
    built = write_package(folder, metadata, entries)
    key.sign(folder / built.filename)
    return built


def modules(entries: Iterator[Entry]) -> Iterator[Entry]:
    """A kernel whose modules are compressed as Arch's are, with copies up to the usual size."""
    compressor = zstandard.ZstdCompressor(level=3)
    found = []
    for entry in entries:
        if not entry.path.endswith(".ko.xz"):
            yield entry
            continue
        packed = compressor.compress(decompress(entry.data))
        found.append(replace(entry, path=f"{entry.path.removesuffix('.xz')}.zst", data=packed))
    yield from found
    yield from _copies(found, _MODULES - sum(len(entry.data) for entry in found))


def _copies(found: list[Entry], left: int) -> Iterator[Entry]:
    """Copies of modules under other names, in folders that no initramfs takes whole."""
    number = 0
    while found and left > 0:
        number += 1
        for entry in found:
            left -= len(entry.data)
            if left < 0:
                return
            head, _, inside = entry.path.partition("/kernel/")
            stem = inside.removesuffix(".ko.zst")
            path = f"{head}/kernel/more{number}/{stem}_{number}.ko.zst"
            yield replace(entry, path=path, inode="")

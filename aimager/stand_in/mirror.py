"""Making the mirror: download, convert, sign, lay out, one step after the other."""

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from aimager.errors import ConfigError
from aimager.stand_in.apt import Archive, open_archive
from aimager.stand_in.convert import Result, convert_package, find_conflicts
from aimager.stand_in.package_file import write_database
from aimager.stand_in.plan import Deb, plan_packages, read_deb
from aimager.stand_in.recipes import ALONE_DEBS, list_recipes, list_wanted_debs
from aimager.stand_in.signing import SigningKey, open_key

DEBIAN_NAMES = {"x86_64": "amd64", "aarch64": "arm64"}

# Where each platform's repositories lie below the mirror's top.
_LAYOUT: dict[str, dict[str, str]] = {
    "x86_64": {
        "core": "archlinux/core/os/x86_64",
        "extra": "archlinux/extra/os/x86_64",
        "archlinuxcn": "archlinuxcn/x86_64",
    },
    "aarch64": {name: f"archlinuxarm/aarch64/{name}" for name in ("core", "extra", "alarm", "aur")},
}


def make_mirror(
    target: Path, architectures: tuple[str, ...] = ("x86_64", "aarch64"), work: Path | None = None
) -> None:
    """Make the whole mirror in ``target``, which is replaced as one; ``work`` keeps what is
    downloaded and converted, and the signing key."""
    unknown = set(architectures) - set(_LAYOUT)
    if unknown:
        raise ConfigError(f"no stand-in mirror for {', '.join(sorted(unknown))}")
    work = (work or target.with_name(target.name + ".work")).absolute()
    target = target.absolute()
    work.mkdir(parents=True, exist_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    new = target.with_name(f".{target.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    say = _start_clock()
    with open_key(work / "key") as key:
        for arch in architectures:
            _make_platform(arch, work, new, key, say)
        (new / "trust-key").write_text(key.fingerprint + "\n")
    _publish(new, target)
    say(f"mirror is in {target}, signed by {key.fingerprint}")


def fingerprint(mirror: Path) -> str:
    """The fingerprint of the key that signed the mirror's packages."""
    return (mirror / "trust-key").read_text().strip()


def _make_platform(
    arch: str, work: Path, new: Path, key: SigningKey, say: Callable[[str], None]
) -> None:
    recipes = list_recipes(arch)
    archive = open_archive(DEBIAN_NAMES[arch], work / f"apt-{arch}")
    say(f"{arch}: lists of packages are there")
    debs = _fetch_debs(archive, list_wanted_debs(recipes))
    say(f"{arch}: {len(debs)} Debian packages are there")
    salt = _hash_code() + key.fingerprint
    jobs = plan_packages(arch, recipes, debs, work / "packages", salt)
    # Large ones first, or the last worker would end long after the others.
    jobs.sort(key=lambda job: -sum(deb.stat().st_size for deb in job.debs))
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        results = list(pool.map(partial(convert_package, key=key), jobs))
    say(f"{arch}: {len(results)} packages are converted and signed")
    for conflict in find_conflicts(results):
        print(f"WARNING: two packages own {conflict}")
    for repository, place in _LAYOUT[arch].items():
        members = [item for item in results if item.job.recipe.repository == repository]
        _lay_out(new / place, repository, members)
    _forget_old(work / "packages", arch, results)
    say(f"{arch}: repositories are laid out")


def _fetch_debs(archive: Archive, wanted: Iterable[str]) -> dict[str, Deb]:
    known = archive.list_names()
    paths = archive.download([name for name in wanted if name in known], sorted(ALONE_DEBS))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(paths, pool.map(read_deb, paths.values()), strict=True))


def _lay_out(folder: Path, repository: str, results: Iterable[Result]) -> None:
    folder.mkdir(parents=True)
    results = list(results)
    for result in results:
        for file in (result.file, result.file.with_name(result.file.name + ".sig")):
            _link_or_copy(file, folder / file.name)
    write_database(folder / f"{repository}.db", [result.built for result in results])


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copy2(source, target)


def _publish(new: Path, target: Path) -> None:
    old = target.with_name(f".{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    new.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def _forget_old(cache: Path, arch: str, results: Iterable[Result]) -> None:
    """Remove converted packages of this architecture that the mirror no longer holds."""
    names = {result.job.folder.name for result in results}
    index = cache / f"{arch}.current"
    before = set(index.read_text().split()) if index.is_file() else set()
    for name in before - names:
        shutil.rmtree(cache / name, ignore_errors=True)
    index.write_text("\n".join(sorted(names)))


def _hash_code() -> str:
    """All that decides what a package looks like, apart from its recipe and its sources."""
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted((*here.glob("*.py"), *(here / "content").rglob("*"))):
        if path.is_file():
            digest.update(f"{path.relative_to(here)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _start_clock() -> Callable[[str], None]:
    start = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - start:5.1f} s] {text}", flush=True)

    return say

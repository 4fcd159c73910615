"""Making the mirror: download, convert, sign, lay out, one step after the other."""

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from aimager.errors import ConfigError
from aimager.sandbox import syscalls
from aimager.stand_in.apt import Archive, open_archive
from aimager.stand_in.convert import Result, convert_package, find_conflicts
from aimager.stand_in.deb import Deb, read_deb
from aimager.stand_in.package_file import write_database
from aimager.stand_in.plan import plan_packages
from aimager.stand_in.ports import PORTS, Port
from aimager.stand_in.recipe import Recipe
from aimager.stand_in.recipes import ALONE_DEBS, list_recipes, list_wanted_debs
from aimager.stand_in.signing import SigningKey, open_key
from aimager.stand_in.tables import CONTENT

_TRUSTED = "trust-key"
"""The file with the signing key's fingerprint, in the mirror."""


def make_mirror(target: Path, architectures: Sequence[str], work: Path | None = None) -> None:
    """Make the mirror in ``target`` hold ``architectures``; others that it holds are kept.

    It is replaced as one. ``work`` keeps what is downloaded and converted, and the signing key.
    """
    unknown = [arch for arch in architectures if arch not in PORTS]
    if unknown:
        raise ConfigError(
            f"the stand-in mirror cannot have {', '.join(unknown)}",
            hint=f"it can have {', '.join(PORTS)}",
        )
    work = (work or target.with_name(target.name + ".work")).absolute()
    target = target.absolute()
    work.mkdir(parents=True, exist_ok=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    new = target.with_name(f".{target.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    say = _start_clock()
    with open_key(work / "key") as key:
        archives: dict[str, Archive] = {}
        for arch in dict.fromkeys(architectures):
            port = PORTS[arch]
            if port.debian not in archives:
                folder = work / f"apt-{port.debian}"
                archives[port.debian] = open_archive(port.debian, port.suites, folder)
                say(f"{port.debian}: lists of packages are there")
            _make_platform(port, archives[port.debian], work, new, key, say)
        if (target / _TRUSTED).is_file() and fingerprint(target) == key.fingerprint:
            _keep_others(target, new, architectures)
        (new / _TRUSTED).write_text(key.fingerprint + "\n")
    _publish(new, target)
    say(f"mirror is in {target}, signed by {key.fingerprint}")


def fingerprint(mirror: Path) -> str:
    """The fingerprint of the key that signed the mirror's packages."""
    return (mirror / _TRUSTED).read_text().strip()


def _make_platform(
    port: Port,
    archive: Archive,
    work: Path,
    new: Path,
    key: SigningKey,
    say: Callable[[str], None],
) -> None:
    arch = port.arch
    recipes = list_recipes(arch)
    debs = _fetch_debs(archive, recipes)
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
    for repository, place in port.layout().items():
        members = [item for item in results if item.job.recipe.repository == repository]
        _lay_out(new / place, repository, members, port)
    _forget_old(work / "packages", arch, results)
    say(f"{arch}: repositories are laid out")


def _fetch_debs(archive: Archive, recipes: Mapping[str, Recipe]) -> dict[str, Deb]:
    known = archive.list_names()
    paths = archive.download(list_wanted_debs(recipes, known), sorted(ALONE_DEBS & known))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(paths, pool.map(read_deb, paths.values()), strict=True))


def _keep_others(old: Path, new: Path, made: Collection[str]) -> None:
    """Take over the repositories of the architectures that were not made now."""
    for arch, port in PORTS.items():
        for place in () if arch in made else port.layout().values():
            if (old / place).is_dir():
                shutil.copytree(old / place, new / place, copy_function=_link_or_copy)


def _lay_out(folder: Path, repository: str, results: Iterable[Result], port: Port) -> None:
    folder.mkdir(parents=True)
    results = list(results)
    for result in results:
        for file in (result.file, result.file.with_name(result.file.name + ".sig")):
            _link_or_copy(file, folder / file.name)
    packages = [result.built for result in results]
    write_database(folder / f"{repository}.db", packages, apart=port.depends_apart)


def _link_or_copy(source: str | Path, target: str | Path) -> None:
    try:
        Path(target).hardlink_to(source)
    except OSError:
        shutil.copy2(source, target)


def _publish(new: Path, target: Path) -> None:
    """Put ``new`` in the place of ``target``, which may be served meanwhile."""
    if target.exists():
        syscalls.exchange(new, target)
        shutil.rmtree(new)
    else:
        new.rename(target)


def _forget_old(cache: Path, arch: str, results: Iterable[Result]) -> None:
    """Remove converted packages of this architecture that the mirror no longer holds."""
    names = {result.job.folder.name for result in results}
    index = cache / f"{arch}.current"
    before = set(index.read_text().split()) if index.is_file() else set()
    index.write_text("\n".join(sorted(names)))
    used = {name for path in cache.glob("*.current") for name in path.read_text().split()}
    for name in before - used:
        shutil.rmtree(cache / name, ignore_errors=True)


def _hash_code() -> str:
    """A hash of what shapes a package, apart from its recipe and its sources."""
    here = CONTENT.parent
    digest = hashlib.sha256()
    for path in sorted((*here.glob("*.py"), *CONTENT.rglob("*"))):
        if path.is_file():
            digest.update(f"{path.relative_to(here)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _start_clock() -> Callable[[str], None]:
    start = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - start:5.1f} s] {text}", flush=True)

    return say

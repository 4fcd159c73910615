"""The manifest, which tells programs what an image was made from, and its checksums."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from aimager.digests import Sums
from aimager.errors import TrustError
from aimager.model.lock import LockedPackage
from aimager.model.recipe import UNTOLD, Recipe
from aimager.packages.local_database import InstalledPackage
from aimager.packages.openpgp.signature import issuer


@dataclass(frozen=True)
class Result:
    """A finished file, its size in bytes."""

    name: str
    size: int
    sha256: str


def measure(path: Path, digests: Sums) -> Result:
    """The result in a file."""
    return Result(path.name, path.stat().st_size, digests.of(path))


def signing_keys(packages: Sequence[LockedPackage], store: Path) -> dict[str, str]:
    """The fingerprint of the key that signed each package, by its name.

    Where an old signature has none it is the key's id. Those that nobody signed are left out. That
    the signatures are good was checked when the packages were installed.

    :raises TrustError: when one is missing or cannot be read
    """
    keys = {}
    for package in (package for package in packages if package.is_signed):
        try:
            keys[package.name] = issuer(package.signature(store).read_bytes())
        except (FileNotFoundError, ValueError) as error:
            raise TrustError(
                f"the signature of {package} cannot be read: {error}",
                hint=f"remove {package.signature(store)} and build again",
            ) from error
    return keys


@dataclass(frozen=True)
class Built:
    """What was built: its id, the distribution's title, and its time stamp in seconds."""

    id: str
    distro: str
    epoch: int


@dataclass(frozen=True)
class ReusedArchive:
    """A root archive of the user's, and the packages that came with it, unverified."""

    sha256: str
    packages: Sequence[InstalledPackage]


def manifest_text(
    build: Built,
    packages: Sequence[LockedPackage],
    keys: Mapping[str, str],
    products: Mapping[str, str],
    results: Sequence[Result],
    reused: ReusedArchive | None = None,
    logins: Sequence[str] = (),
    *,
    recipe: Recipe = UNTOLD,
    serves_ssh: bool = False,
) -> str:
    """The manifest in JSON: ``keys`` by package, and the ids of ``products`` by task.

    ``recipe`` tells how to make it again; ``logins`` are the users that can log in, by ssh too if
    the image ``serves_ssh``.
    """
    told = {package.name: _package(package, keys.get(package.name)) for package in packages}
    given = {package.name: _given(package) for package in reused.packages} if reused else {}
    manifest = {
        "build": build.id,
        "distro": build.distro,
        "epoch": build.epoch,
        "given_again": list(recipe.given_again),
        "logins": list(logins),
        "packages": [package for _, package in sorted((told | given).items())],
        "products": dict(products),
        "reused_root": {"sha256": reused.sha256, "packages": sorted(given)} if reused else None,
        "serves_ssh": serves_ssh,
        "settings": recipe.settings,
        "source_date_epoch": recipe.epoch,
        "unsigned": [package.name for package in packages if not package.is_signed],
        "words": dict(recipe.words),
        "results": [asdict(result) for result in results],
    }
    return json.dumps(manifest, indent=1, sort_keys=True) + "\n"


def _package(package: LockedPackage, key: str | None) -> dict[str, str | int | None]:
    return {
        "name": package.name,
        "version": package.version,
        "architecture": package.architecture,
        "repository": package.repository,
        "file": package.file,
        "sha256": package.sha256,
        "size": package.size,
        "signing_key": key,
    }


def _given(package: InstalledPackage) -> dict[str, str | int | None]:
    """The same for a package that came with an archive, whose file and signature nobody saw."""
    known = {"name": package.name, "version": package.version, "architecture": package.architecture}
    unknown = ("repository", "file", "sha256", "size", "signing_key")
    return {**known, **dict.fromkeys(unknown)}


def checksums_text(results: Sequence[Result]) -> str:
    """What sha256sum(1) checks with ``-c``."""
    return "".join(f"{result.sha256}  {result.name}\n" for result in results)

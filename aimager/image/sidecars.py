"""What lies beside a build's products: compressed ones, block map, SPDX, manifest, checksums."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from aimager import files, progress
from aimager.digests import Sums
from aimager.image.bmap import bmap_text
from aimager.image.compress import compress
from aimager.image.manifest import (
    Built,
    Result,
    ReusedArchive,
    checksums_text,
    manifest_text,
    measure,
    signing_keys,
)
from aimager.image.spdx import Subject, spdx_text
from aimager.model.layout import Extent
from aimager.model.lock import LockedPackage
from aimager.model.product import (
    BLOCK_MAP,
    CHECKSUMS,
    MANIFEST,
    SPDX,
    Compression,
    Product,
    compressed_name,
)
from aimager.model.recipe import UNTOLD, Recipe
from aimager.packages.local_database import InstalledPackage
from aimager.toolbox import Toolbox


@dataclass(frozen=True)
class Facts:
    """What the files say of a build; ``vendor`` is as `Subject`'s.

    ``installed`` is the image's record of ``packages``; ``store`` holds their signatures. What
    else is installed came with the user's root archive of the SHA-256 ``reused``.
    ``products`` are the ids, by task, of what it was made from. ``mapped`` are the parts of
    the disk, if there is one, that have to be written. ``recipe`` tells how to make it again.
    ``logins`` are the users that can log in, by ssh too if it ``serves_ssh``.
    """

    build: Built
    vendor: str
    packages: Sequence[LockedPackage]
    installed: Mapping[str, InstalledPackage]
    store: Path
    products: Mapping[str, str]
    mapped: Sequence[Extent]
    recipe: Recipe = UNTOLD
    reused: str = ""
    logins: Sequence[str] = ()
    serves_ssh: bool = False

    @property
    def given(self) -> tuple[InstalledPackage, ...]:
        """The packages that came with the user's root archive."""
        if not self.reused:
            return ()
        names = {package.name for package in self.packages}
        return tuple(package for name, package in self.installed.items() if name not in names)


def write_sidecars(
    tools: Toolbox,
    folder: Path,
    products: Sequence[Product],
    compressions: Sequence[Compression],
    facts: Facts,
    digests: Sums,
) -> None:
    """Publish all that `aimager.model.build.Build.results` names beside ``products`` in ``folder``.

    ``digests`` may know the SHA-256 of some.

    :raises TrustError: when a package's signature cannot be read
    :raises ImageError: when the image has no record of a package
    """
    names: list[str] = list(products)
    for product in products:
        digests.take(folder / product)
        for how in compressions:
            names.append(compressed_name(product, how))
            compress(tools, folder / product, folder / names[-1], how)
            digests.take(folder / names[-1])
    progress.step("manifest and checksums")
    with ThreadPoolExecutor(1) as pool:
        if Product.disk in products:
            block_map = pool.submit(bmap_text, folder / Product.disk, facts.mapped)
        subject = Subject(facts.build.id, facts.vendor, facts.build.epoch)
        spdx = _publish(
            folder / SPDX, spdx_text(subject, facts.packages, facts.installed, given=facts.given)
        )
        results = [measure(folder / name, digests) for name in names]
    if Product.disk in products:
        results.append(measure(_publish(folder / BLOCK_MAP, block_map.result()), digests))
    results.append(measure(spdx, digests))
    manifest = _publish(folder / MANIFEST, _manifest(facts, results))
    results.append(measure(manifest, digests))
    _publish(folder / CHECKSUMS, checksums_text(results))


def _manifest(facts: Facts, results: Sequence[Result]) -> str:
    keys = signing_keys(facts.packages, facts.store)
    archive = ReusedArchive(facts.reused, facts.given) if facts.reused else None
    return manifest_text(
        facts.build,
        facts.packages,
        keys,
        facts.products,
        results,
        archive,
        facts.logins,
        recipe=facts.recipe,
        serves_ssh=facts.serves_ssh,
    )


def _publish(path: Path, text: str) -> Path:
    files.publish_text(path, text)
    return path

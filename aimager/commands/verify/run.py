"""``doit verify``: whether a published image is what its manifest and lock file come to."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from aimager.commands.diff import tell
from aimager.commands.verify.locked import HINT, find_lock, matching_lock
from aimager.commands.verify.published import Published, read_published
from aimager.commands.verify.rebuild import find_words, rebuilt
from aimager.config.variables import make_words
from aimager.errors import ConfigError, ImageError
from aimager.files import publish_text, sha256
from aimager.graph import artifacts
from aimager.image.compare.difference import FileChange, compare
from aimager.image.compare.manifest import Manifest, read_manifest
from aimager.image.compare.side import IMAGES, Side, read_sides
from aimager.model.product import MANIFEST
from aimager.packages.lock_file import format_lock_file, read_lock_file
from aimager.products.run_folder import hold_run_folder
from aimager.shown import shown

_SHORT = 20
"""So many lines of each kind of difference are printed."""


def verify_image(assignments: Mapping[str, str], folder: Path) -> int:
    """Build again what ``manifest=`` tells of, with the packages of ``lock=``, and compare.

    Without ``lock=`` it is the only file ``*.lock`` beside the manifest. Relative paths start at
    ``folder``. Returns 0 where all is equal, else 1.

    :raises ConfigError: when the words are not those that it takes
    :raises ImageError: when what was published is damaged, or cannot be built
    """
    words = make_words(assignments, folder)
    if not assignments.get("manifest"):
        raise ConfigError("verify needs manifest=", hint=HINT)
    path: Path = words.read("manifest")
    given = words.start("lock") / (assignments.get("lock") or find_lock(path))
    published = read_published(path)
    lock_file = matching_lock(published, given, read_lock_file(given))
    hold_run_folder(artifacts.RUN)
    lock = artifacts.RUN / "verify.lock"
    publish_text(lock, format_lock_file(lock_file))
    described = find_words(published, {**assignments, "lock": str(lock)}, folder)
    with rebuilt(published, described, lock_file, folder) as results:
        lines = list(explain(published, results))
    names = ", ".join((*published.manifest.results, MANIFEST))
    print(*(lines or [f"bit for bit equal: {shown(names)}"]), sep="\n")
    return 1 if lines else 0


def explain(published: Published, results: Path) -> Iterator[str]:
    """What differs between what was published and the ``results`` of a rebuild; nothing if equal.

    Where the published files are there, the first path that differs is named, and how.
    """
    again = read_manifest(results / MANIFEST)
    before, after = published.manifest.results, again.results
    differing = [
        name
        for name in dict.fromkeys((*before, *after))
        if name not in before or name not in after or before[name].sha256 != after[name].sha256
    ]
    if not differing and sha256(published.manifest.path) == sha256(again.path):
        return
    yield f"NOT equal: {shown(', '.join((*differing, MANIFEST)))}"
    yield from _tell_products(published.manifest, again)
    images = [name for name in IMAGES if name in differing and published.beside(name).is_file()]
    images = [name for name in images if name in after]
    if differing and not images:
        yield "of these no image lies beside the manifest, so how they differ is not known"
    for name in images[:1]:
        try:
            yield from _tell_image(name, published.beside(name), results / name)
        except (ConfigError, ImageError) as error:
            yield shown(f"how {name} differs is not known: {error.message}")
    if not differing:
        yield from _tell_manifests(published.manifest, again)


def _tell_products(one: Manifest, again: Manifest) -> Iterator[str]:
    """What was made of other things, or by other code, which a product's id tells."""
    ids, others = one.data.get("products"), again.data.get("products")
    if not isinstance(ids, dict) or not isinstance(others, dict) or ids == others:
        return
    tasks = [name for name in sorted({*ids, *others}) if ids.get(name) != others.get(name)]
    yield (
        f"other code of aimager, or another host: {shown(', '.join(tasks))}; take the version of"
        " aimager that the image was built with"
    )


def _tell_image(name: str, before: Path, after: Path) -> Iterator[str]:
    one, other = read_sides(before, after)
    found = compare(one, other)
    if found.files:
        yield f"the first path of {name} that differs: {_told(found.files[0])}"
    yield from (f"   {line}" for line in tell(found, one, other, _SHORT))


def _told(change: FileChange) -> str:
    how = ", ".join(change.facts) or f"{change.change} by the rebuild"
    return shown(f"{change.path}: {how}")


def _tell_manifests(one: Manifest, again: Manifest) -> Iterator[str]:
    before, after = (Side(it.path.name, manifest=it) for it in (one, again))
    found = compare(before, after)
    if found.is_empty:
        yield "   in how it is written, or in what it says of a package beside its version"
    else:
        yield from (f"   {line}" for line in tell(found, before, after, _SHORT))

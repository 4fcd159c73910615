"""What somebody published: a manifest that tells how to build again, and the files beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from aimager.codec import decode
from aimager.config.parse import read_epoch
from aimager.config.paths import is_below
from aimager.config.variables import is_told, make_recipe
from aimager.errors import ConfigError, ImageError
from aimager.files import sha256
from aimager.image.compare.manifest import Manifest, read_manifest
from aimager.model.product import CHECKSUMS
from aimager.model.recipe import Recipe

_OLDER = ("words", "given_again", "settings", "source_date_epoch")
_LARGEST_SUMS = 1 << 20
"""Bytes of SHA256SUMS that are read; a line of it has some 80."""

_MOST_WORDS = 120_000
"""Bytes of all words: the kernel takes 128 KiB for one argument of a program (MAX_ARG_STRLEN)."""


@dataclass(frozen=True)
class Published:
    """A manifest, and how the build that it tells of is made again."""

    manifest: Manifest
    recipe: Recipe

    @property
    def build(self) -> str:
        """The id of the build."""
        return str(self.manifest.data["build"])

    @property
    def words(self) -> Mapping[str, str]:
        """The words that it tells."""
        return dict(self.recipe.words)

    def beside(self, name: str) -> Path:
        """Where a result lies, if it does, beside the manifest."""
        return self.manifest.path.with_name(name)


def read_published(path: Path) -> Published:
    """The manifest at ``path``, of which all that lies beside it is what it says.

    :raises ConfigError: when it is not one, is an older one, or sets what no manifest does
    :raises ImageError: when a file beside it is damaged
    """
    manifest = read_manifest(path)
    if any(name not in manifest.data for name in _OLDER):
        raise ConfigError(
            f"{path} was made by an older aimager, which did not tell how to build again",
            hint="build it again by hand, and compare the results: doit diff A B",
        )
    for name in manifest.results:
        if "/" in name or not is_below(name):
            raise _damaged_manifest(path, f"no file can be called {name[:200]}")
    published = Published(manifest, _read_recipe(manifest))
    _check_files(published)
    return published


def _read_recipe(manifest: Manifest) -> Recipe:
    """What the manifest tells of the words, which are none that others may not set."""
    data, path = manifest.data, manifest.path
    try:
        words = decode(dict[str, str], data["words"])
        again = decode(tuple[str, ...], data["given_again"])
        epoch = decode(int | None, data["source_date_epoch"])
        settings = decode(str, data["settings"])
    except ValueError as error:
        raise _damaged_manifest(path, str(error)[:200]) from error
    _check_size(path, words)
    try:
        told = dict(make_recipe(words).words)
        read_epoch(None if epoch is None else str(epoch))
    except ConfigError as error:
        raise _damaged_manifest(path, error.message) from error
    unknown = [name for name in words if name not in told]
    if unknown or (unknown := [name for name in again if not is_told(name)]):
        raise ConfigError(
            f"{path} sets {unknown[0][:200]}=, which no manifest does",
            hint="a newer aimager has made it, or somebody has changed it: get it again from who"
            " has published the image",
        )
    return Recipe(tuple(sorted(words.items())), again, settings, epoch)


def _check_size(path: Path, words: Mapping[str, str]) -> None:
    """:raises ConfigError: when the words are more than are given to a program"""
    size = sum(len(text.encode(errors="surrogatepass")) for text in chain(words, words.values()))
    if size > _MOST_WORDS:
        raise ConfigError(
            f"the words that {path} tells have {size} bytes, and verify takes {_MOST_WORDS}",
            hint="build it again by hand, and compare the results: doit diff A B",
        )


def _damaged_manifest(path: Path, why: str) -> ConfigError:
    return ConfigError(
        f"{path} is damaged, or of another aimager: {why}", hint="get it again, or build anew"
    )


def _check_files(published: Published) -> None:
    """:raises ImageError: when a file is not as the manifest and SHA256SUMS say"""
    told = {name: result.sha256 for name, result in published.manifest.results.items()}
    told[published.manifest.path.name] = sha256(published.manifest.path)
    listed = _read_sums(published.beside(CHECKSUMS))
    for name, expected in told.items():
        path = published.beside(name)
        if listed.get(name, expected) != expected:
            raise _damaged(path, f"{CHECKSUMS} has another SHA-256 of it than the manifest")
        if path.is_file() and sha256(path) != expected:
            raise _damaged(path, "its SHA-256 is not the one that was published")


def _read_sums(path: Path) -> dict[str, str]:
    """By file what a list of sha256sum(1) says; nothing where there is none."""
    if not path.is_file():
        return {}
    with path.open(errors="replace") as stream:
        lines = stream.read(_LARGEST_SUMS).splitlines()
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def _damaged(path: Path, why: str) -> ImageError:
    return ImageError(
        f"the published {path.name} is damaged, or another build's: {why}",
        hint="get it again, or move it away, and it is not looked at",
    )

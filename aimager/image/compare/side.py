"""One side of a comparison: an image, a manifest, a lock file, or a folder of results."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from aimager.errors import ConfigError
from aimager.image.compare.contents import Contents, read_contents
from aimager.image.compare.manifest import Manifest, is_manifest, read_json, read_manifest
from aimager.image.compare.packages import Package, locked_packages
from aimager.model.product import MANIFEST, Compression, Product, compressed_name
from aimager.packages.lock_file import LockFile, read_lock_file

_ROOT = Product.root_tar
_ARCHIVES = (_ROOT.value, *(compressed_name(_ROOT, how) for how in Compression))
IMAGES = (Product.disk.value, *_ARCHIVES, *(it.value for it in Product if it.role))
"""What of a folder of results is compared, the first that both sides have."""


@dataclass(frozen=True)
class Side:
    """What is known of one side; ``image`` is where its ``contents`` were read."""

    name: str
    image: Path | None = None
    contents: Contents | None = None
    manifest: Manifest | None = None
    lock: LockFile | None = None

    @property
    def packages(self) -> dict[str, Package] | None:
        """Its packages by name; None: it does not tell of any."""
        told = dict(self.manifest.packages) if self.manifest else None
        if self.contents and self.contents.packages is not None:
            return {
                name: replace(package, sha256=_sum_of(told, name, package))
                for name, package in self.contents.packages.items()
            }
        if told is None and self.lock:
            return locked_packages(self.lock)
        return told


def _sum_of(told: dict[str, Package] | None, name: str, package: Package) -> str | None:
    """The SHA-256 of a package's file, if a manifest tells of that version."""
    found = (told or {}).get(name)
    return found.sha256 if found and found.version == package.version else None


def read_sides(one: Path, other: Path) -> tuple[Side, Side]:
    """Read both sides; of folders, what can be compared with the other side.

    :raises ConfigError: when one is nothing that can be compared, or the other way round
    :raises ImageError: when an image is damaged
    """
    for path in (one, other):
        if not path.exists():
            raise ConfigError(f"there is no {path}", hint="name two files or folders of results")
    names = [_choices(path, beside) for path, beside in ((one, other), (other, one))]
    images = [_choose(names[0], names[1]), _choose(names[1], names[0])]
    first, second = (_read(p, image) for p, image in zip((one, other), images, strict=True))
    return first, second


def _choices(path: Path, other: Path) -> list[Path]:
    """The images that a side has, those first that go with a file on the other side."""
    if not path.is_dir():
        return [path]
    found = [path / name for name in IMAGES if (path / name).is_file()]
    if not found and not (path / MANIFEST).is_file():
        raise ConfigError(
            f"the folder {path} holds no results of a build", hint="name out/DISTRO-ARCH-BOARD"
        )
    if other.is_file():
        found.sort(key=lambda it: (it.name != other.name, _is_archive(it) != _is_archive(other)))
    return found


def _is_archive(path: Path) -> bool:
    return ".tar" in path.name


def _choose(own: Iterable[Path], others: Iterable[Path]) -> Path | None:
    """The image to compare: of the same name as the other side's, or else of the same kind."""
    own, others = list(own), list(others)
    names = {path.name for path in others}
    of_kind = {_is_archive(path) for path in others}
    same = [path for path in own if path.name in names]
    alike = [path for path in own if _is_archive(path) in of_kind]
    return next(iter((*same, *alike, *own)), None)


def _read(path: Path, image: Path | None) -> Side:
    """One side: ``image`` is what was chosen of a folder, or the file itself."""
    if path.is_dir():
        manifest = path / MANIFEST
        return Side(
            name=str(path),
            image=image,
            contents=read_contents(image) if image else None,
            manifest=read_manifest(manifest) if manifest.is_file() else None,
        )
    if not path.is_file():
        raise ConfigError(
            f"{path} is neither a file nor a folder", hint="name two files or folders of results"
        )
    with path.open("rb") as stream:
        start = stream.read(64).lstrip()
    if start.startswith(b"{") and b"\0" not in start:  # as an archive's first name may
        if is_manifest(read_json(path)):
            return Side(str(path), manifest=read_manifest(path))
        return Side(str(path), lock=read_lock_file(path))
    return Side(str(path), path, read_contents(path), _manifest_beside(path))


def _manifest_beside(image: Path) -> Manifest | None:
    """The manifest in the same folder, if it tells of a result of that name and size."""
    beside = image.with_name(MANIFEST)
    if not beside.is_file():
        return None
    try:
        manifest = read_manifest(beside)
    except ConfigError:  # nobody has named it, and other programs have files of that name
        return None
    result = manifest.results.get(image.name)
    return manifest if result and result.size == image.stat().st_size else None

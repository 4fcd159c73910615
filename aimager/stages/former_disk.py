"""The disk image that another one of the same plain images is written from, if the cache has one.

What undoes it lies beside the products, for no product is made of it: where it is missing, or the
image is no longer as it was made, the plain images are made anew, and nothing comes out different.

::

    cache/undo/PLAIN.NUMBER
"""

import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from aimager import progress
from aimager.codec import fingerprint
from aimager.errors import ConfigError
from aimager.image.plain_images import FormerDisk
from aimager.image.undo import Undo, read_contents, read_undo
from aimager.model.product import Product
from aimager.model.workshop import Workshop
from aimager.products.record import identity_of, read_record
from aimager.products.stage_code import code_of

T = TypeVar("T")

UNDO = ".undo"
"""Where it is made, beside the results: what is begun there is removed with the run."""

_KEPT_OF_ONE, _KEPT = 4, 64
"""How many are kept of the same plain images, and of all; each has some 20 kB."""


@dataclass(frozen=True)
class Former:
    """A disk image of the cache, and the file of what is to be undone in it."""

    image: Path
    undo: Path

    def is_intact(self) -> bool:
        """Whether the image is the one that was made, by its size and time."""
        undo = read_undo(self.undo)
        return undo is not None and _is_as_made(self.image, undo)

    def read(self) -> FormerDisk | None:
        """What is to be undone in it; None where that is damaged, or the image is gone by now."""
        undo = read_undo(self.undo) if self.image.is_file() else None
        contents = read_contents(self.undo, undo) if undo else None
        return FormerDisk(self.image, undo.parts, contents) if undo and contents else None


def plain_id(module: str, inputs: Sequence[Path], settings: object) -> str:
    """What the plain images are known by that ``module`` makes of ``inputs`` and ``settings``."""
    identities = [identity_of(path) for path in inputs]
    return fingerprint((dict(code_of(module)), identities, settings))[:32]


def find_former(workshop: Workshop, plain: str) -> Former | None:
    """A disk image of the plain images ``plain`` that is as it was made; None: there is none."""
    for path in _newest(workshop, f"{plain}.*"):
        undo = read_undo(path)
        if undo is None or undo.plain != plain:
            continue
        for image in (workshop.cache / "product/pack-image").glob(f"*/[!.]*/{Product.disk}"):
            if _is_as_made(image, undo):
                record = read_record(image.parent)
                kept = record.file(Product.disk) if record else None
                if kept and (kept.sha256, kept.mtime_ns) == (undo.sha256, undo.mtime_ns):
                    return Former(image, path)
    return None


def _is_as_made(image: Path, undo: Undo) -> bool:
    with suppress(FileNotFoundError):
        status = image.stat()
        return (status.st_size, status.st_mtime_ns) == (undo.size, undo.mtime_ns)
    return False


def made_of(former: Former | None, make: Callable[[Former | None], T]) -> T:
    """What ``make`` makes of ``former``, or of none where that fails or somebody wrote to it."""
    if former is None:
        return make(None)
    try:
        made = make(former)
    except ConfigError:  # of what the user asks for
        raise
    except Exception as error:
        progress.say(f"   partitions are made anew: {type(error).__name__}")
        return make(None)
    return made if former.is_intact() else make(None)


def keep_undo(workshop: Workshop, plain: str, made: Path) -> None:
    """Keep the file ``made``, which undoes an image of ``plain``, and less of older ones.

    Nothing is lost but time where that fails.
    """
    folder = _folder(workshop)
    with suppress(OSError):  # such as EXDEV: the stage is not run in the cache
        folder.mkdir(parents=True, exist_ok=True)
        made.rename(folder / f"{plain}.{secrets.token_hex(8)}")
        for pattern, most in ((f"{plain}.*", _KEPT_OF_ONE), ("*.*", _KEPT)):
            for path in _newest(workshop, pattern)[most:]:
                path.unlink(missing_ok=True)


def _folder(workshop: Workshop) -> Path:
    return workshop.cache / "undo"


def _newest(workshop: Workshop, pattern: str) -> list[Path]:
    found = []
    for path in _folder(workshop).glob(pattern):
        with suppress(FileNotFoundError):
            found.append((path.stat().st_mtime_ns, path))
    return [path for _, path in sorted(found, reverse=True)]

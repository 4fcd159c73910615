"""Where plain images cannot take what changed, images are made of the whole tree."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aimager.digests import Sums
from aimager.errors import ImageError
from aimager.image.changed_image import ChangedImage
from aimager.image.make_patched import Patching
from aimager.model.layout import Extent
from aimager.model.partition import Role
from aimager.model.product import Product
from aimager.sandbox.tree import Tree
from tests.support.digests import Digests


def patching(image: Path, *, anew: bool) -> Patching:
    """One of an image that cannot take what changed."""

    class Vain(Patching):
        def __init__(self) -> None:
            self.parts = {}
            self._plain = lambda: {Role.root: ChangedImage(image.open("rb"), Extent(0, 4096))}
            self.undone = {Role.root: {1: b"block"}}
            self.anew = anew
            self.tree = Tree(image.parent)
            self.images: Any = SimpleNamespace(products=(Product.disk,), out=image.parent / "out")

        def _make(self, digests: Sums) -> tuple[Extent, ...]:
            raise ImageError("it has no room", hint="x")

    return Vain()


def test_plain_images_that_were_made_anew_are_given_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "part-root.img").write_bytes(bytes(4096))
    (tmp_path / "out").mkdir()
    (tmp_path / "out/disk.img").write_bytes(b"half of it")
    vain: Any = patching(tmp_path / "part-root.img", anew=True)
    assert vain.make(None) is None
    assert (tmp_path / "out/disk.img").read_bytes() == b""
    assert not (tmp_path / "part-root.img").exists()
    assert "made whole: it has no room" in capsys.readouterr().out
    vain.write_undo(tmp_path / "undo", "plain", None)
    assert not (tmp_path / "undo").exists()


def test_those_of_a_former_disk_are_not(tmp_path: Path) -> None:
    (tmp_path / "disk.img").write_bytes(bytes(4096))
    with pytest.raises(ImageError):
        patching(tmp_path / "disk.img", anew=False).make(Digests(1))
    assert (tmp_path / "disk.img").exists()

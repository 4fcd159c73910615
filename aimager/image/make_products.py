"""The products of a system that is set up: its archive, and the images of it, side by side."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aimager import files, progress
from aimager.archive import pack_tree, tar_size
from aimager.digests import Sums
from aimager.image.make_images import Images, make_images
from aimager.image.make_patched import Patching
from aimager.image.qcow2 import make_qcow2
from aimager.model.layout import Extent
from aimager.model.product import Product
from aimager.sandbox.tree import Tree
from aimager.toolbox import Toolbox


@dataclass(frozen=True)
class Wanted:
    """What to make in ``out``; ``helper`` is what programs were borrowed from.

    Times after ``epoch``, in seconds since 1970, become it.
    """

    products: tuple[Product, ...]
    out: Path
    helper: Path | None
    epoch: int


def make_products(
    wanted: Wanted,
    tools: Toolbox,
    tree: Tree,
    images: Images | None,
    patching: Patching | None,
    digests: Sums,
) -> tuple[Extent, ...]:
    """Make archives and images; returns the parts of the disk that have to be written.

    With ``patching`` the images are made by that, while the archive is, if they can be.

    :raises OverlayError: when ``tree`` is seen by an overlay, and would have to be taken apart
    """
    if Product.keyring_helper in wanted.products and wanted.helper:
        target = wanted.out / Product.keyring_helper
        size = partial(files.data_size, wanted.helper)
        with progress.growing(target.name, target, size), files.publish(target) as temporary:
            shutil.copyfile(wanted.helper, temporary)
    mapped = _make_images(wanted, tools, tree, images, patching, digests)
    if images and Product.qcow2 in wanted.products:
        make_qcow2(tools, images.disk, wanted.out / Product.qcow2)
    return mapped


def _make_images(
    wanted: Wanted,
    tools: Toolbox,
    tree: Tree,
    images: Images | None,
    patching: Patching | None,
    digests: Sums,
) -> tuple[Extent, ...]:
    if patching is None:
        _pack_root(wanted, tools, tree, digests)
        return make_images(images, tools, tree, digests, epoch=wanted.epoch) if images else ()
    patching.look()
    with ThreadPoolExecutor(1) as pool:
        packed = pool.submit(_pack_root, wanted, tools, tree, digests)
        mapped = patching.make(digests)
        packed.result()
    if mapped is None:  # the tree, which is packed by now, is taken apart for them
        patching.need_own_tree()
        return make_images(patching.images, tools, tree, digests, epoch=wanted.epoch)
    return mapped


def _pack_root(wanted: Wanted, tools: Toolbox, tree: Tree, digests: Sums) -> None:
    if Product.root_tar in wanted.products:
        pack_root(tools, tree, wanted.out / Product.root_tar, epoch=wanted.epoch, digests=digests)


def pack_root(tools: Toolbox, tree: Tree, target: Path, *, epoch: int, digests: Sums) -> None:
    """Publish the archive ``target`` of ``tree``; times after ``epoch``, in seconds, become it."""
    with progress.growing(target.name, target, partial(tar_size, tree.path)):
        pack_tree(tools, tree.path, target, epoch=epoch, sums=digests)

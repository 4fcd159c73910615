"""Making the products of a system, once for each way in which it is started."""

import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from aimager.digests import KnownSums, Sums
from aimager.image.make_patched import Patching
from aimager.image.make_products import Wanted, make_products, pack_root
from aimager.image.manifest import Built
from aimager.image.oci.archive import Layers
from aimager.image.plain_images import has_mount_points, plain_images
from aimager.image.sidecars import Facts, write_sidecars
from aimager.model.form import Form
from aimager.model.layout import Extent
from aimager.model.product import Product
from aimager.packages.local_database import InstalledPackage, read_local_database
from aimager.products.record import provenance, record_of
from aimager.sandbox.overlay import OverlayError
from aimager.sandbox.sums import asked_sums
from aimager.sandbox.tree_changes import watch
from aimager.stages.former_disk import Former
from aimager.stages.image_products import ImageProducts
from aimager.stages.image_system import LaidImage
from aimager.system.layers import without_empty
from aimager.system.logins import find_logins, serves_ssh


@dataclass(frozen=True)
class Packing:
    """What is made of the system as one ``form`` has it.

    The SHA-256 of what other forms made are ``known``. ``undo`` is to say how the disk becomes that
    of ``plain`` images, as ``former`` is one of.
    """

    stage: ImageProducts
    form: Form
    known: dict[str, str]
    plain: str = ""
    undo: Path | None = None
    former: Former | None = None
    is_last: bool = False

    @property
    def before(self) -> tuple[Form, ...]:
        """The forms whose products are there."""
        forms = self.stage.forms
        return forms[: forms.index(self.form)]

    @property
    def products(self) -> tuple[Product, ...]:
        """Those of this form."""
        return tuple(product for product in self.stage.products if product.form is self.form)

    @property
    def targets(self) -> tuple[Path, ...]:
        """The files to make."""
        if self.is_last:
            return self.stage.targets
        return tuple(self.stage.out / product for product in self.products)


def pack(packing: Packing) -> None:
    """Make the products, in a worker.

    :raises ConfigError: when the system cannot be set up as asked
    :raises ImageError: when it could not boot, or does not fit
    """
    with packing.stage.workshop.logging(goes_on=bool(packing.before)) as log:
        digests = KnownSums(asked_sums(), packing.known)
        try:
            _pack_form(packing, digests, log, aside=True)
        except OverlayError as error:
            log.write(f"the system is laid again, to be changed itself: {error}\n".encode())
            _pack_form(packing, digests, log, aside=False)


def _pack_form(packing: Packing, digests: Sums, log: IO[bytes], *, aside: bool) -> None:
    """Make what is of one form; ``aside``, the tree may be changed by an overlay."""
    with ExitStack() as opened:
        laid = LaidImage(packing.stage, log, packing.form)
        opened.callback(laid.close)
        installed = read_local_database(laid.tree)
        mapped, patching = tuple[Extent, ...](), None
        if packing.form is Form.machine:
            mapped, patching = _pack_machine(packing, laid, digests, opened, aside=aside)
        else:
            _pack_archive(packing, laid, digests)
        if packing.is_last:
            _write_beside(packing.stage, laid, installed, mapped, digests)
        if patching and packing.undo and Product.disk in packing.products:
            patching.write_undo(packing.undo, packing.plain, digests)


def _pack_archive(packing: Packing, laid: LaidImage, digests: Sums) -> None:
    """Set the system up for what is no machine, and make the archives of it."""
    stage, tools, tree, epoch = packing.stage, laid.tools, laid.tree, laid.epoch
    layers = None
    if packing.form is Form.container:
        base = without_empty(stage.systems)[0]
        layers = Layers(tools, base, stage.workshop.work, epoch=epoch)
        layers.add(tree, "packages")
    laid.set_up()
    for product in packing.products:
        target = stage.out / product
        if layers:
            layers.add(tree, "settings")
            layers.pack(stage.told(epoch), target, digests)
        else:
            pack_root(tools, tree, target, epoch=epoch, digests=digests)


def _pack_machine(
    packing: Packing, laid: LaidImage, digests: Sums, opened: ExitStack, *, aside: bool
) -> tuple[tuple[Extent, ...], Patching | None]:
    """Set the system up for a machine, and make its archive and images.

    Returns the parts of the disk that have to be written, and what changed the images, if they are
    not made whole.
    """
    stage, tools, epoch = packing.stage, laid.tools, laid.epoch
    images = stage.images(laid.ids) if laid.ids else None
    patching, whole = None, stage.long_way()
    if tools.log:
        tools.log.write(f"images are made whole: {whole or 'no, changes are written'}\n".encode())
    if images and not whole:
        former = packing.former.read() if packing.former else None
        below = laid.tree
        if aside and has_mount_points(images.table, below):
            laid.change_aside()
        overlay = laid.overlay
        plain = opened.enter_context(
            plain_images(images, tools, below, former, epoch=epoch, meanwhile=overlay is not None)
        )
        patching = Patching(
            images,
            tools,
            laid.tree,
            plain,
            overlay.difference if overlay else watch(laid.tree),
            epoch=epoch,
            anew=former is None,
            is_overlay=overlay is not None,
        )
    laid.set_up()
    wanted = Wanted(packing.products, stage.out, stage.borrowed, epoch)
    return make_products(wanted, tools, laid.tree, images, patching, digests), patching


def _made_from(stage: ImageProducts) -> dict[str, str]:
    """The ids of what it was made from, by tasks that do not have the user's name of the build."""
    ids, lock = provenance([*stage.systems, stage.lock]), record_of(stage.lock)
    name = re.compile(f":{re.escape(lock.subject if lock else stage.id)}(?=\\.|$)")
    return {name.sub(f":{stage.id}", task): found for task, found in ids.items()}


def _write_beside(
    stage: ImageProducts,
    laid: LaidImage,
    installed: Mapping[str, InstalledPackage],
    mapped: Sequence[Extent],
    digests: Sums,
) -> None:
    reused = laid.reused
    facts = Facts(
        build=Built(stage.id, stage.title, laid.epoch),
        vendor=stage.vendor,
        packages=reused.missing(laid.lock) if reused else laid.lock.packages,
        installed=installed,
        reused=reused.sha256 if reused else "",
        store=stage.workshop.store,
        products=_made_from(stage),
        recipe=stage.recipe,
        mapped=mapped,
        logins=find_logins(laid.tree, laid.epoch),
        serves_ssh=serves_ssh(laid.tree),
    )
    write_sidecars(laid.tools, stage.out, stage.products, stage.compressions, facts, digests)

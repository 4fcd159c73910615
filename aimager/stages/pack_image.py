"""pack-image: root archive, partition images and disk image of an installed system.

Beside them lie the manifest, the SPDX document, the block map and checksums.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO

from aimager.digests import KnownSums, Sums
from aimager.image.make_images import Images
from aimager.image.make_patched import Patching
from aimager.image.make_products import Wanted, make_products, pack_root
from aimager.image.manifest import Built
from aimager.image.oci.archive import Layers
from aimager.image.oci.layout import Told
from aimager.image.plain_images import plain_images, why_whole
from aimager.image.sidecars import Facts, write_sidecars
from aimager.image.spdx_license import license_list_version
from aimager.model.form import Form
from aimager.model.image_ids import ImageIds
from aimager.model.layout import Extent
from aimager.model.lock import read_lock
from aimager.model.partition import Role
from aimager.model.product import Compression, Product
from aimager.model.recipe import Recipe
from aimager.packages.local_database import InstalledPackage, read_local_database
from aimager.products.record import RECORD, provenance, record_of
from aimager.products.stage import all_inputs
from aimager.sandbox.namespace import call
from aimager.sandbox.overlay import OverlayError
from aimager.sandbox.sums import asked_sums
from aimager.sandbox.tree_changes import watch
from aimager.stages.former_disk import UNDO, Former, find_former, keep_undo, made_of, plain_id
from aimager.stages.image_system import ImageSystem, LaidImage
from aimager.system.install import foreign_to_host
from aimager.system.layers import without_empty
from aimager.system.logins import find_logins, serves_ssh


@dataclass(frozen=True, kw_only=True)
class PackImage(ImageSystem):
    """Set up the system and make ``products`` and what lies beside them.

    ``targets`` are all files that become of them (`aimager.model.build.Build.results`), in one
    folder. ``vendor`` is the namespace of the packages in package URLs. ``recipe`` is what the
    manifest tells of the words that describe the build. ``image_name`` is what container engines
    are to call an OCI image. ``license_list`` is the version of the list of licences that the SPDX
    document is made by.
    """

    vendor: str
    root_size: int | None
    products: tuple[Product, ...]
    compressions: tuple[Compression, ...]
    recipe: Recipe
    targets: tuple[Path, ...]
    image_name: str = ""
    license_list: str = field(default_factory=license_list_version)

    def run(self) -> dict[str, str]:
        """Publish the products, and return the SHA-256 of those that were read for it, by name.

        What is started in different ways is set up in different ways, each anew.

        :raises ConfigError: when the system cannot be set up as asked
        :raises ImageError: when it could not boot, or does not fit
        """
        self.out.mkdir(parents=True, exist_ok=True)
        *others, last = self.forms
        known: dict[str, str] = {}
        for form in others:
            self._call(_Packing(self, form, known))
        if last is not Form.machine:
            self._call(_Packing(self, last, known, is_last=True))
            return known
        plain = self._plain_id()
        former = find_former(self.workshop, plain) if plain else None
        made = made_of(former, partial(self._call_last, plain, known))
        if plain and (self.out / UNDO).exists():
            keep_undo(self.workshop, plain, self.out / UNDO)
        return made

    @property
    def forms(self) -> tuple[Form, ...]:
        """What the systems in the products are started by, a machine's last."""
        asked = {product.form for product in self.products}
        return tuple(form for form in reversed(Form) if form in asked)

    def _call_last(
        self, plain: str, known: Mapping[str, str], former: Former | None
    ) -> dict[str, str]:
        undo = self.out / UNDO if plain else None
        made = dict(known)
        self._call(_Packing(self, Form.machine, made, plain, undo, former, is_last=True))
        return made

    def _call(self, packing: "_Packing") -> None:
        """Make what is of one form, and with the last all that lies beside the products."""
        former, undo = packing.former, packing.undo
        made = [self.out / product for product in self.products if product.form in packing.before]
        targets = [path for path in packing.targets if path not in made]
        call(
            _pack,
            packing,
            work=self.workshop.work,
            reads=(*self._reads(), *made, *((former.image, former.undo) if former else ())),
            products=(*targets, *((undo,) if undo else ())),
            keeps=[self.workshop.log],
            terminal=self.workshop.terminal,
            foreign=foreign_to_host(self.architecture),
            qemu_later=self.borrowed is not None,
            tmpfs=self.space().tmpfs,
            known=packing.known,
        )

    @property
    def copies(self) -> int:
        """One more for a disk that is a step to a qcow2 alone."""
        is_step = Product.qcow2 in self.products and Product.disk not in self.products
        return super().copies + is_step

    def _plain_id(self) -> str:
        """What the images are known by that the settings' files are written into; empty: by
        nothing that would tell them from those of other programs."""
        if self.long_way() or not self.borrowed:
            return ""
        given = (*self.systems, self.lock, self.borrowed)
        return plain_id(__name__, given, (self.table, self.root_size, self.epoch))

    def long_way(self) -> str:
        """Why images are made of the tree once it is set up: the settings decide (`why_whole`)."""
        things = (self.overlays, self.disk_from, self.reused)
        names = ("overlay=", "disk-from=", "reuse-root-tar=")
        named = [name for name, given in zip(names, things, strict=True) if given]
        return why_whole(self.table, self.boot, self.setup, self.products, named)

    def remark(self) -> str:
        """What makes the images take longer than settings' files alone do; empty: nothing."""
        has_images = self.table and any(product.is_image for product in self.products)
        whole = self.long_way() if has_images else ""
        return f"images are made whole because {whole}" if whole else ""

    def _reads(self) -> tuple[Path, ...]:
        packages = read_lock(self.lock).packages
        signatures = (p.signature(self.workshop.store) for p in packages if p.is_signed)
        records = (path.with_name(RECORD) for path in (*self.systems, self.lock))
        return (*all_inputs(self), *signatures, *records)

    def told(self, epoch: int) -> Told:
        """What an OCI image says of itself."""
        lang = self.setup.locales[0]
        return Told(self.image_name, f"{self.title} ({self.id})", self.architecture, lang, epoch)

    @property
    def out(self) -> Path:
        """The folder of the results."""
        return self.targets[0].parent

    def images(self, ids: ImageIds) -> Images:
        """The images that are to be made."""
        table = ids.table
        if self.root_size:
            table = table.changed(Role.root, size=self.root_size)
        return Images(
            products=self.products,
            ids=ids,
            table=table,
            boot=self.boot,
            architecture=self.architecture,
            disk_from=self.disk_from,
            out=self.out,
            work=self.workshop.work,
        )


@dataclass(frozen=True)
class _Packing:
    """What is made of the system as one ``form`` has it.

    The SHA-256 of what other forms made are ``known``. ``undo`` is to say how the disk becomes that
    of ``plain`` images, as ``former`` is one of.
    """

    stage: PackImage
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


def _pack(packing: _Packing) -> None:
    with packing.stage.workshop.logging(goes_on=bool(packing.before)) as log:
        digests = KnownSums(asked_sums(), packing.known)
        try:
            _pack_form(packing, digests, log, aside=True)
        except OverlayError as error:
            log.write(f"the system is laid again, to be changed itself: {error}\n".encode())
            _pack_form(packing, digests, log, aside=False)


def _pack_form(packing: _Packing, digests: Sums, log: IO[bytes], *, aside: bool) -> None:
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


def _pack_archive(packing: _Packing, laid: LaidImage, digests: Sums) -> None:
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
    packing: _Packing, laid: LaidImage, digests: Sums, opened: ExitStack, *, aside: bool
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
        plain = opened.enter_context(plain_images(images, tools, laid.tree, former, epoch=epoch))
        since = laid.change_aside() if aside else watch(laid.tree)
        patching = Patching(
            images,
            tools,
            laid.tree,
            plain,
            since,
            epoch=epoch,
            anew=former is None,
            is_overlay=laid.overlay is not None,
        )
    laid.set_up()
    wanted = Wanted(packing.products, stage.out, stage.borrowed, epoch)
    return make_products(wanted, tools, laid.tree, images, patching, digests), patching


def _made_from(stage: PackImage) -> dict[str, str]:
    """The ids of what it was made from, by tasks that do not have the user's name of the build."""
    ids, lock = provenance([*stage.systems, stage.lock]), record_of(stage.lock)
    name = re.compile(f":{re.escape(lock.subject if lock else stage.id)}(?=\\.|$)")
    return {name.sub(f":{stage.id}", task): found for task, found in ids.items()}


def _write_beside(
    stage: PackImage,
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

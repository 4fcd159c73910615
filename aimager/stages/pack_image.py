"""pack-image: root archive, partition images and disk image of an installed system.

Beside them lie the manifest, the SPDX document, the block map and checksums.
"""

from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from aimager.image.make_images import Images
from aimager.image.make_patched import Patching
from aimager.image.make_products import Wanted, make_products
from aimager.image.manifest import Built
from aimager.image.plain_images import plain_images, why_whole
from aimager.image.sidecars import Facts, write_sidecars
from aimager.image.spdx_license import license_list_version
from aimager.model.build import Compression, Product
from aimager.model.image_ids import ImageIds
from aimager.model.lock import read_lock
from aimager.model.partition import Role
from aimager.model.recipe import Recipe
from aimager.packages.local_database import read_local_database
from aimager.products.record import RECORD, provenance
from aimager.products.stage import all_inputs
from aimager.sandbox.namespace import call
from aimager.sandbox.sums import asked_sums
from aimager.stages.former_disk import UNDO, Former, find_former, keep_undo, made_of, plain_id
from aimager.stages.image_system import ImageSystem, LaidImage
from aimager.system.install import foreign_to_host
from aimager.system.logins import find_logins, serves_ssh


@dataclass(frozen=True, kw_only=True)
class PackImage(ImageSystem):
    """Set up the system and make ``products`` and what lies beside them.

    ``targets`` are all files that become of them (`aimager.model.build.Build.results`), in one
    folder. ``vendor`` is the namespace of the packages in package URLs. ``recipe`` is what the
    manifest tells of the words that describe the build. ``license_list`` is the version of the list
    of licences that the SPDX document is made by.
    """

    vendor: str
    root_size: int | None
    products: tuple[Product, ...]
    compressions: tuple[Compression, ...]
    recipe: Recipe
    targets: tuple[Path, ...]
    license_list: str = field(default_factory=license_list_version)

    def run(self) -> dict[str, str]:
        """Publish the products, and return the SHA-256 of those that were read for it, by name.

        :raises ConfigError: when the system cannot be set up as asked
        :raises ImageError: when it could not boot, or does not fit
        """
        self.out.mkdir(parents=True, exist_ok=True)
        plain = self._plain_id()
        former = find_former(self.workshop, plain) if plain else None
        known = made_of(former, partial(self._call, plain))
        if plain and (self.out / UNDO).exists():
            keep_undo(self.workshop, plain, self.out / UNDO)
        return known

    def _call(self, plain: str, former: Former | None) -> dict[str, str]:
        known: dict[str, str] = {}
        undo = self.out / UNDO if plain else None
        call(
            _pack,
            _Packing(self, plain, undo, former),
            work=self.workshop.work,
            reads=(*self._reads(), *((former.image, former.undo) if former else ())),
            products=(*self.targets, *((undo,) if undo else ())),
            keeps=[self.workshop.log],
            terminal=self.workshop.terminal,
            foreign=foreign_to_host(self.architecture),
            qemu_later=self.borrowed is not None,
            tmpfs=self.space().tmpfs,
            known=known,
        )
        return known

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
    """``undo`` is to say how the disk becomes that of ``plain`` images, as ``former`` is one of."""

    stage: PackImage
    plain: str
    undo: Path | None
    former: Former | None


def _pack(packing: _Packing) -> None:
    stage = packing.stage
    with stage.workshop.logging() as log, ExitStack() as opened:
        laid = LaidImage(stage, log)
        tools, tree, epoch = laid.tools, laid.tree, laid.epoch
        installed = read_local_database(tree)
        images = stage.images(laid.ids) if laid.ids else None
        patching = None
        whole = stage.long_way()
        log.write(f"images are made whole: {whole or 'no, changes are written'}\n".encode())
        if images and not whole:
            former = packing.former.read() if packing.former else None
            plain = opened.enter_context(plain_images(images, tools, tree, former, epoch=epoch))
            patching = Patching(images, tools, tree, plain, epoch=epoch, anew=former is None)
        laid.set_up()
        digests = asked_sums()
        wanted = Wanted(stage.products, stage.out, stage.borrowed, epoch)
        mapped = make_products(wanted, tools, tree, images, patching, digests)
        reused = laid.reused
        facts = Facts(
            build=Built(stage.id, stage.title, epoch),
            vendor=stage.vendor,
            packages=reused.missing(laid.lock) if reused else laid.lock.packages,
            installed=installed,
            reused=reused.sha256 if reused else "",
            store=stage.workshop.store,
            products=provenance([*stage.systems, stage.lock]),
            recipe=stage.recipe,
            mapped=mapped,
            logins=find_logins(tree, epoch),
            serves_ssh=serves_ssh(tree),
        )
        write_sidecars(tools, stage.out, stage.products, stage.compressions, facts, digests)
        if patching and packing.undo and Product.disk in stage.products:
            patching.write_undo(packing.undo, packing.plain, digests)

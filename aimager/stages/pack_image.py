"""pack-image: root archive, partition images and disk image of an installed system.

Beside them lie the manifest, the SPDX document, the block map and checksums.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aimager.model.form import Form
from aimager.model.lock import read_lock
from aimager.products.record import RECORD
from aimager.products.stage import all_inputs
from aimager.sandbox.namespace import call
from aimager.stages.former_disk import UNDO, Former, find_former, keep_undo, made_of, plain_id
from aimager.stages.image_products import ImageProducts
from aimager.stages.packing import Packing, pack
from aimager.system.install import foreign_to_host


@dataclass(frozen=True, kw_only=True)
class PackImage(ImageProducts):
    """Set up the system and make its products, and what lies beside them."""

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
            self._call(Packing(self, form, known))
        if last is not Form.machine:
            self._call(Packing(self, last, known, is_last=True))
            return known
        plain = self._plain_id()
        former = find_former(self.workshop, plain) if plain else None
        made = made_of(former, partial(self._call_last, plain, known))
        if plain and (self.out / UNDO).exists():
            keep_undo(self.workshop, plain, self.out / UNDO)
        return made

    def _call_last(
        self, plain: str, known: Mapping[str, str], former: Former | None
    ) -> dict[str, str]:
        undo = self.out / UNDO if plain else None
        made = dict(known)
        self._call(Packing(self, Form.machine, made, plain, undo, former, is_last=True))
        return made

    def _call(self, packing: Packing) -> None:
        """Make what is of one form, and with the last all that lies beside the products."""
        former, undo = packing.former, packing.undo
        made = [self.out / product for product in self.products if product.form in packing.before]
        targets = [path for path in packing.targets if path not in made]
        call(
            pack,
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

    def _plain_id(self) -> str:
        """What the images are known by that the settings' files are written into; empty: by
        nothing that would tell them from those of other programs."""
        if self.long_way() or not self.borrowed:
            return ""
        given = (*self.systems, self.lock, self.borrowed)
        return plain_id(__name__, given, (self.table, self.root_size, self.epoch))

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

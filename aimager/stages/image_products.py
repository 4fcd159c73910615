"""The products of a system, and how it is set up for them."""

from dataclasses import dataclass, field
from pathlib import Path

from aimager.image.make_images import Images
from aimager.image.oci.layout import Told
from aimager.image.plain_images import why_whole
from aimager.image.spdx_license import license_list_version
from aimager.model.form import Form
from aimager.model.image_ids import ImageIds
from aimager.model.partition import Role
from aimager.model.product import Compression, Product
from aimager.model.recipe import Recipe
from aimager.stages.image_system import ImageSystem


@dataclass(frozen=True, kw_only=True)
class ImageProducts(ImageSystem):
    """A system, ``products`` to make of it, and what is to lie beside them.

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

    @property
    def forms(self) -> tuple[Form, ...]:
        """What the systems in the products are started by, a machine's last."""
        asked = {product.form for product in self.products}
        return tuple(form for form in reversed(Form) if form in asked)

    @property
    def copies(self) -> int:
        """One more for a disk that is a step to a qcow2 alone."""
        is_step = Product.qcow2 in self.products and Product.disk not in self.products
        return super().copies + is_step

    def long_way(self) -> str:
        """Why images are made of the tree once it is set up: the settings decide (`why_whole`)."""
        things = (self.overlays, self.disk_from, self.reused)
        names = ("overlay=", "disk-from=", "reuse-root-tar=")
        named = [name for name, given in zip(names, things, strict=True) if given]
        return why_whole(self.table, self.boot, self.setup, self.products, named)

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

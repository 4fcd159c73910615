"""What pack-image makes: products by their names in ``create=``, and what lies beside them."""

from enum import StrEnum

from aimager.model.form import Form
from aimager.model.partition import Role


class Product(StrEnum):
    """A file that pack-image can make, by its name in ``create=``."""

    root_tar = "root.tar"
    oci = "oci.tar"
    wsl = "root.wsl"
    nspawn = "nspawn.tar"
    disk = "disk.img"
    qcow2 = "disk.qcow2"
    part_boot = "part-boot.img"
    part_root = "part-root.img"
    part_home = "part-home.img"
    part_swap = "part-swap.img"
    keyring_helper = "keyring-helper.tar"
    """The borrowed programs, for ``keyring-helper=``."""

    @property
    def is_image(self) -> bool:
        """Whether it is of a disk or of a part of one."""
        return self.value.endswith((".img", ".qcow2"))

    @property
    def form(self) -> Form:
        """What the system in it is set up for."""
        forms = {"oci.tar": Form.container, "root.wsl": Form.wsl, "nspawn.tar": Form.nspawn}
        return forms.get(self.value, Form.machine)

    @property
    def role(self) -> Role | None:
        """The partition that it is the image of, if it is of one."""
        roles = {f"part-{role}.img": role for role in Role}
        return roles.get(self.value)


class Compression(StrEnum):
    """How products can also be compressed; the value is the suffix of the file."""

    zst = "zst"
    xz = "xz"


MANIFEST = "manifest.json"
SPDX = "packages.spdx.json"
CHECKSUMS = "SHA256SUMS"
SIGNATURE = f"{CHECKSUMS}.sig"
BLOCK_MAP = f"{Product.disk}.bmap"
"""Under this name bmaptool(1) finds it also for the compressed image."""


def compressed_name(product: Product, compression: Compression) -> str:
    """The name of an image that is compressed."""
    return f"{product}.{compression}"

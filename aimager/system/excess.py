"""Refuses a tree that would take more as an archive than what packages run may write."""

from pathlib import Path

from aimager.archive import tar_size
from aimager.errors import ImageError
from aimager.sandbox.privileges import Limits
from aimager.units import size


def refuse_excess(root: Path, limits: Limits) -> None:
    """Refuse a tree before it is packed.

    Files with holes take nothing where they are made, so nothing else stops what they would become:
    in an archive, as in the images, a hole has as many bytes as it is long.

    :raises ImageError: when it is larger
    """
    packed = tar_size(root)
    if limits.written is not None and packed > limits.written:
        raise ImageError(
            f"what the packages or scripts left would be an archive of {size(packed)}, and more"
            f" than {size(limits.written)} is not packed",
            hint="they have probably made files with large holes: ask their maker",
        )

"""What is said where a build has not made the image of its disk that a command is for."""

from pathlib import Path

from aimager.errors import ConfigError
from aimager.model.product import Product


def missing_image(image: Path) -> ConfigError:
    """The error for ``image``, which is not there; beside it there may be another form of it."""
    if image.with_name(Product.qcow2.value).exists():
        return ConfigError(
            f"{image} does not exist, and {Product.qcow2} beside it is for virtual machines alone",
            hint=f"build both: create={Product.disk},{Product.qcow2}",
        )
    return ConfigError(f"{image} does not exist", hint="make it with doit build")

"""A build's disk image, booted at the user's terminal."""

from aimager.commands.boot.qemu import boot
from aimager.errors import ConfigError
from aimager.graph import artifacts
from aimager.model.build import Build, Product


def boot_image(build: Build | None) -> None:
    """Boot the disk image of ``build`` with the terminal as its serial port.

    :raises ConfigError: when no single image was asked for, or it has not been built
    """
    if build is None or build.board.partition_table is None:
        raise ConfigError("there is nothing to boot", hint="name one image: distro= and board=")
    image = artifacts.product(build, Product.disk)
    if not image.exists():
        raise ConfigError(f"{image} does not exist", hint="make it with doit build")
    board = build.board
    boot(build.platform.architecture, image, board.firmware[0], board.boot_files)

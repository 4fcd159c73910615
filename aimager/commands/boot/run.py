"""A build's disk image, or another of its board, booted at the user's terminal."""

from collections.abc import Mapping
from pathlib import Path

from aimager.commands.boot.disk import Disk, make_disk
from aimager.commands.boot.firmware import check_firmware
from aimager.commands.boot.guest import OF_A_PC, Guest, check_host, read_guest
from aimager.commands.boot.qemu import boot, check_guest
from aimager.commands.boot.raspberry_pi import card_size
from aimager.commands.logins import read_logins, ways_in
from aimager.commands.missing_image import missing_image
from aimager.config.personal import read_image_file
from aimager.config.variable import Words
from aimager.config.variables import make_words
from aimager.errors import ConfigError
from aimager.graph import artifacts
from aimager.model.board import Firmware
from aimager.model.build import Build
from aimager.model.product import Product
from aimager.products.run_folder import hold_run_folder
from aimager.units import exact_size


def boot_image(build: Build | None, variables: Mapping[str, str], folder: Path) -> None:
    """Boot the disk image of ``build``, or ``image=``, with the terminal as its serial port.

    Relative paths start at ``folder``.

    :raises ConfigError: when no single image was asked for, it has not been built, or the machine
        cannot be as ``variables`` have it
    :raises HostError: when this machine lacks what it needs
    """
    if build is None or build.board.partition_table is None:
        raise ConfigError("there is nothing to boot", hint="name one image: distro= and board=")
    words = make_words(variables, folder)
    guest, board = read_guest(words), build.board
    image: Path = read_image_file(words) or artifacts.product(build, Product.disk)
    if not image.exists():
        raise missing_image(image)
    size = guest.disk_size
    check_host(guest)
    if not board.firmware:
        raise ConfigError(
            f"QEMU has no machine like the board {board.id}",
            hint="write the image to a card for the machine itself",
        )
    if board.firmware[0] is Firmware.raspberry_pi:
        size = _card(words, guest, image)
    else:
        check_guest(build.platform.architecture, guest)
        check_firmware(build.platform.architecture, board.firmware[0])
    hold_run_folder(artifacts.RUN)
    with make_disk(image, size, keep=guest.keep, work=artifacts.RUN) as disk:
        _tell(image, guest, disk)
        boot(build.platform.architecture, disk, board.firmware[0], board.boot_files, guest)


def _card(words: Words, guest: Guest, image: Path) -> int | None:
    """The size of a Raspberry Pi's card; None: the least.

    :raises ConfigError: when more is asked for than QEMU's Raspberry Pis can be
    """
    for name in OF_A_PC:
        if name in words:
            raise ConfigError(
                f"{name}= is not for a Raspberry Pi: QEMU's have the memory and the processors of"
                " the real ones, and neither network nor screen",
                hint="leave it out, or write the image to a card for the machine itself",
            )
    least = card_size(image.stat().st_size)
    if guest.disk_size not in (None, card_size(guest.disk_size or 0)):
        raise ConfigError(
            f"disk-size={words.texts['disk-size']} is not the size of a card that QEMU takes",
            hint=f"it takes {exact_size(least)}, or twice that, and so on",
        )
    return guest.disk_size or (least if guest.keep else None)


def _tell(image: Path, guest: Guest, disk: Disk) -> None:
    """Say how to log in, how to leave, and what becomes of what is written."""
    fate = f"kept in {disk.path}, for the next boot with keep=yes"
    if not guest.keep:
        fate = "lost then; keep=yes keeps it"
    ways = ways_in(read_logins(image), guest.ssh_port)
    for line in (*ways, f"ctrl-a x leaves; what is written to its disk is {fate}"):
        print(f"   {line}", flush=True)

"""QEMU's Raspberry Pis, which boot an image from a card.

Their own firmware does not run in QEMU (its docs/system/arm/raspi.rst). What that firmware does is
done here: the kernel, the initramfs that config.txt names, the model's device tree and cmdline.txt
are taken out of the image's boot partition.
"""

import re
import struct
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from aimager import process
from aimager.commands.boot.firmware import quoted
from aimager.errors import CommandError, HostError, ImageError
from aimager.files import grow_copy
from aimager.model.partition import GiB
from aimager.system.bootloader.raspberry_pi_configuration import initramfs
from aimager.system.bootloader.raspberry_pi_firmware import COMMAND_LINE, CONFIGURATION

_LEAST_CARD = 4 * GiB
"""QEMU takes cards whose size is a power of two."""

_SECTOR = 512
_FIRST_START = 446 + 8
"""Where the partition table of a DOS label has the first sector of the first partition."""


@dataclass(frozen=True)
class Kernel:
    """A kernel that QEMU itself loads, in place of a firmware, and what it is started with."""

    image: Path
    initramfs: Path
    command_line: str

    @property
    def options(self) -> tuple[str, ...]:
        """QEMU's options that bring it in."""
        loaded = ("-kernel", str(self.image), "-initrd", str(self.initramfs))
        return (*loaded, "-append", self.command_line)


@dataclass(frozen=True)
class Model:
    """A machine of QEMU's, its chip, and which of its serial ports is the Pi's ``serial0``.

    ``uart`` is its node in the device tree, and ``driver`` begins the kernel's name of it.
    """

    machine: str
    chip: str
    port: int
    driver: str
    uart: bytes


MODELS = {
    "bcm2709-rpi-2-b.dtb": Model("raspi2b", "bcm2836", 0, "ttyAMA", b"/soc/serial@7e201000"),
    "bcm2710-rpi-3-b.dtb": Model("raspi3b", "bcm2837", 1, "ttyS", b"/soc/serial@7e215040"),
}
"""By the device tree. QEMU's raspi4b, which 9.0 brought, is not among them: it lacks an interrupt
controller that the kernel's driver irq-brcmstb-l2 then looks for in vain, and panics."""


@contextmanager
def raspberry_pi_command(
    program: Path,
    image: Path,
    boot_files: Sequence[str],
    *,
    one_cpu: bool = False,
    is_card: bool = False,
) -> Iterator[list[str]]:
    """The command that boots a copy of ``image`` on the model that ``boot_files`` are for.

    With ``one_cpu`` three of its four are off, and the kernel is told so: it would wait for them.
    The copy lies beside the image, is a card of 4 GiB or more, and goes when the block ends. An
    image that ``is_card``, of the size of one, is booted and written to itself.

    :raises HostError: when QEMU has no such model
    :raises ImageError: when the boot partition lacks a file
    """
    devicetree = next((name for name in boot_files if name.endswith(".dtb")), "")
    model = MODELS.get(devicetree)
    kernel = next((name for name in boot_files if name.startswith("kernel")), "")
    if not model or not kernel:
        raise HostError(
            "QEMU has no Raspberry Pi that this image would boot on",
            hint="it has models 2B and 3B; write the image to a card for this one",
        )
    with tempfile.TemporaryDirectory(prefix=".raspberry-pi-", dir=image.parent) as name:
        folder = Path(name)
        card = image if is_card else folder / "card.img"
        if not is_card:
            grow_copy(image, card, card_size(image.stat().st_size))
        _copy_out(card, [devicetree], folder)
        console = model.driver + serial_number((folder / devicetree).read_bytes(), model.uart)
        loaded = read_kernel(card, folder, kernel=kernel, console=console)
        if one_cpu:
            loaded = replace(loaded, command_line=f"{loaded.command_line} maxcpus=1")
        yield [
            str(program),
            *("-machine", model.machine),
            *loaded.options,
            *(("-global", f"{model.chip}.enabled-cpus=1") if one_cpu else ()),
            *("-dtb", str(folder / devicetree)),
            *("-drive", f"if=sd,format=raw,cache=unsafe,file={quoted(card)}"),
            *("-nographic", "-no-reboot", *("-serial", "null") * model.port),
            *("-serial", "mon:stdio"),
        ]


def card_size(least: int) -> int:
    """The bytes of the smallest card of QEMU's that holds so many."""
    return max(_LEAST_CARD, 1 << (least - 1).bit_length())


def read_kernel(card: Path, folder: Path, *, kernel: str, console: str) -> Kernel:
    """What the firmware would start from ``card``, its files copied to ``folder``.

    ``console`` is the kernel's name of what is ``serial0`` in cmdline.txt.

    :raises ImageError: when the boot partition lacks a file
    """
    _copy_out(card, [COMMAND_LINE, CONFIGURATION, kernel], folder)
    first = initramfs((folder / CONFIGURATION).read_text(errors="surrogateescape"))
    if not first:
        raise ImageError(
            f"{CONFIGURATION} names no initramfs",
            hint="the image was made without one: initrd-maker= names what makes it",
        )
    _copy_out(card, [first], folder)
    command_line = (folder / COMMAND_LINE).read_text(errors="surrogateescape").strip()
    named = re.sub(r"\bconsole=serial0\b", f"console={console}", command_line)
    return Kernel(folder / kernel, folder / first, named)


def serial_number(tree: bytes, uart: bytes) -> str:
    """The number that a device tree's alias ``serialN`` gives to ``uart``; by default 0.

    The kernel's drivers take it (of_alias_get_id). Each property is its value's length, the place
    of its name among the strings, and the value (Devicetree Specification, 5.4).
    """
    (strings,) = struct.unpack_from(">I", tree, 12)
    for found in re.finditer(re.escape(uart) + b"\0", tree):
        _, place = struct.unpack_from(">II", tree, found.start() - 8)
        name = tree[strings + place :].split(b"\0", 1)[0].decode(errors="replace")
        if match := re.fullmatch(r"serial(\d+)", name):
            return match[1]
    return "0"


def _copy_out(card: Path, names: Sequence[str], folder: Path) -> None:
    with card.open("rb") as stream:
        (start,) = struct.unpack_from("<I", stream.read(_SECTOR), _FIRST_START)
    argv = ["mcopy", "-n", "-i", f"{card}@@{start * _SECTOR}"]
    for name in names:
        try:
            process.run([*argv, f"::/{name}", folder], env={"MTOOLS_SKIP_CHECK": "1"})
        except CommandError as error:
            raise ImageError(
                f"the image's boot partition gives no {name}: {error.tail}",
                hint="make the image again with doit build",
            ) from error
